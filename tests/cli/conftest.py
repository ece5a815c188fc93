"""A codec of a few lines in place of `limner.api`, so that the command's own manners are tested, and quickly.

Its files are real ones: a thumbnail of 4 x 4 pixels is the body of the only layer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

import limner
from limner.cli import main
from limner.container.blob import Blob, Layer, pack, unpack
from limner.container.explain import Report, explain
from limner.errors import BudgetError
from limner.image import resize
from limner.pixels.resample import resampled
from limner.pixels.strips import Held, Strips, joined

Pixels = NDArray[np.uint8]


def encode(
    picture: Strips,
    *,
    target_bytes: int | None,
    bpp: float | None,
    quality: int | None,
    system: str,
    caption: str,
    weights: Path | None,
    scene: object,
    extent: object,
    wish: object,
    bare: bool,
    max_pixels: int,
) -> bytes:
    if target_bytes is not None and target_bytes < 60:
        raise BudgetError("at least 60 bytes are needed", 60)
    body = joined(resampled(picture, 4, 4)).tobytes()
    return pack(Blob(1, b"\0\0", picture.width_px, picture.height_px, (Layer(1, body),)), bare=bare)


def decode(
    blob: bytes,
    *,
    size: tuple[int, int] | None,
    max_pixels: int,
    painter: str = "faithful",
    strength: float = 1.0,
    weights: Path | None = None,
    settings: str | None = None,
    machine: object = None,
    watch: object = None,
    stages: int | None = None,
    keep: object = None,
    salvage: bool = False,
    cut: bool = False,
    told: object = None,
    preview: bool = False,
) -> Pixels:
    found = unpack(blob, max_pixels=max_pixels)
    small = np.frombuffer(found.layers[0].body, np.uint8).reshape(4, 4, 3)
    return resize(small, *(size or (found.width_px, found.height_px)))


def decode_strips(
    blob: bytes,
    *,
    size: tuple[int, int] | None,
    painting: object,
    salvage: bool,
    cut: bool,
    told: object,
    max_pixels: int,
) -> Strips:
    return Held(decode(blob, size=size, max_pixels=max_pixels))


def inspect(blob: bytes, *, max_pixels: int, weights: Path | None = None) -> Report:
    return explain(blob, max_pixels=max_pixels)


@pytest.fixture
def small_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the codec above in the place of `limner.api`."""
    api = ModuleType("limner.api")
    functions = {"encode": encode, "decode": decode, "decode_strips": decode_strips, "inspect": inspect, "verify": inspect}
    for name, function in functions.items():
        setattr(api, name, function)
    monkeypatch.setitem(sys.modules, "limner.api", api)
    monkeypatch.setattr(limner, "api", api, raising=False)


@dataclass(frozen=True)
class Said:
    """What a run of the command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def say(small_codec: None, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run the command in this process."""

    def run(*words: object) -> Said:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run
