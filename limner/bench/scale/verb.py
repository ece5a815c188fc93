"""A verb of ``limner scale``: encode, decode and measure, without keeping the painted picture."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from limner import api
from limner.bench.measures import LIGHT, MEASURES, described, measured
from limner.bench.measures.measure import looked_up
from limner.scale.manifest import Plain
from limner.scale.rows import Row
from limner.scale.verbs import Coding, of_file
from limner.suffixes import PICTURES

TIMES = ("load_s", "encode_s", "decode_s")
"""From a picture's bytes to pixels, from these to a file, and from that to pixels."""
MEASURED = ("psnr_db", "ssim", "ms_ssim")
"""Those that need no package beside limner."""


@dataclass(frozen=True)
class Bench:
    """Pictures -> files of limner, painted again and measured. measures: by name, those that need no weights. Raises
    LimnerError for one that is not known."""

    coding: Coding
    measures: tuple[str, ...] = MEASURED
    painter: str = "faithful"
    column: str = "image"
    name: str = "bench"
    payload: str = "blob"
    suffix: str = ".limn"
    suffixes: frozenset[str] = PICTURES

    def __post_init__(self) -> None:
        looked_up(self.measures, {name: MEASURES[name] for name in LIGHT})

    @property
    def figures(self) -> tuple[str, ...]:
        return (*TIMES, *self.measures)

    @property
    def settings(self) -> Mapping[str, Plain]:
        measures: dict[str, Plain] = dict(described(self.measures))
        return {**self.coding.settings, "painter": self.painter, **measures}

    def models(self) -> Mapping[str, str]:
        return self.coding.models()

    def __call__(self, path: str, data: bytes) -> Row:
        opened_s = time.perf_counter()
        pixels = self.coding.load(path, data)
        begun_s = time.perf_counter()
        blob = self.coding.encode(pixels)
        coded_s = time.perf_counter()
        painted = api.decode(blob, painter=self.painter, weights=self.coding.weights, max_pixels=self.coding.max_pixels)
        painted_s = time.perf_counter()
        numbers, _ = measured(pixels, painted, names=self.measures)
        times = {"load_s": begun_s - opened_s, "encode_s": coded_s - begun_s, "decode_s": painted_s - coded_s}
        return replace(of_file(path, blob, self.coding.max_pixels), payload=blob, figures={**times, **numbers})
