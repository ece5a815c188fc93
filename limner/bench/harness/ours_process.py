"""``python -m limner.bench.harness.ours_process``: one file made by `limner.api.encode`, in a process of its own.

    request.json, picture.png, scene.json --> picture.limn, or what is wrong as a line of JSON on stdout

Started by a run under its seal; nobody types it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

REQUEST, PICTURE, SCENE, FILE = "request.json", "picture.png", "scene.json", "picture.limn"
WISHING = ("pic", "pics", "sedic")
"""Systems that diffusion paints."""


@dataclass(frozen=True)
class Request:
    """What is asked of the encoder. ``weights``: a folder, "" for those at hand; ``settings``: of a diffusion, by name."""

    system: str
    target_bytes: int | None
    weights: str
    settings: str
    seed: int
    device: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def made(request: Request) -> bytes:
    from limner import api
    from limner.describe import scene as scenes
    from limner.painted import Wish
    from limner.render.machine import Machine
    from limner.systems import taco

    scene = scenes.read(Path(SCENE))
    wishing, staged = request.system in WISHING, request.system == "sedic"
    worded = request.system in ("pic", "pics", taco.NAME)
    return api.encode(
        PICTURE,
        target_bytes=request.target_bytes,
        system=request.system,
        caption=(scene.caption or scene.overall) if worded else "",
        weights=request.weights or None,
        scene=scene if staged else None,
        wish=Wish(request.settings, seed=request.seed, machine=Machine(request.device)) if wishing else None,
    )


def main() -> int:
    from limner.errors import LimnerError

    try:
        blob = made(Request(**json.loads(Path(REQUEST).read_text("utf-8"))))
    except LimnerError as error:
        print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        return 1
    Path(FILE).write_bytes(blob)
    return 0


if __name__ == "__main__":
    sys.exit(main())
