"""Pictures at the sizes that are asked for, and the files that decoders are given."""

from __future__ import annotations

from limner import api, image
from limner.bench.speed.plan import Plan, Size
from limner.bench.speed.request import FILE, PICTURE
from limner.bench.speed.rows import ENCODE
from limner.bench.speed.tasks import TACO, Task


class Inputs:
    """Each is made once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._files: dict[tuple[str, Task | None, Size], bytes] = {}

    def picture(self, size_px: Size) -> bytes:
        """A PNG."""
        key = "", None, size_px
        if key not in self._files:
            self._files[key] = image.to_file(self.plan.source.at(*size_px))
        return self._files[key]

    def of(self, system: str, task: Task, size_px: Size) -> dict[str, bytes]:
        """What a task reads. Raises LimnerError if there is no such file."""
        if task.verb == ENCODE:
            return {PICTURE: self.picture(size_px)}
        made = Task(ENCODE, task.quality, task.target_bytes)
        key = system, made, size_px
        if key not in self._files:
            self._files[key] = self._encoded(system, made, size_px)
        return {FILE: self._files[key]}

    def _encoded(self, system: str, task: Task, size_px: Size) -> bytes:
        pixels, target_bytes = self.plan.source.at(*size_px), task.target_bytes
        if system == TACO:
            return api.encode_taco(pixels, self.plan.caption, self.plan.weights, target_bytes, False)
        return api.encode(pixels, target_bytes=target_bytes, quality=task.quality)
