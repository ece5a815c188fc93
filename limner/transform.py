"""Run an analysis or synthesis transform: an ONNX network on maps of any size, in tiles when they are large.

The transforms are convolutional: what a place of the output sees is a neighbourhood of fixed reach. A tile that is given that
reach as a margin on every side therefore comes out as it would in one piece, and no seam shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Tile:
    """Where a tile lies along one side: core first..last, with margins low..high (all in latent positions)."""

    first: int
    last: int
    low: int
    high: int


def tiles(length: int, core: int, margin: int) -> Iterator[Tile]:
    """Cover 0..length by tiles of ``core`` positions with ``margin`` more on each side where there is any."""
    for first in range(0, length, core):
        last = min(length, first + core)
        yield Tile(first, last, max(0, first - margin), min(length, last + margin))


def session(data: bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX network on the CPU, quietly, without keeping an arena of the largest size ever used."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Idle workers that spin would take the cores from the integer networks, which run in turn with these.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run(network: onnxruntime.InferenceSession, x: Floats, quality: int) -> Floats:
    """One map (c h w) through a network whose inputs are ``x`` (1 c h w) and ``quality`` (1,)."""
    (y,) = network.run(None, {"x": x[None], "quality": np.array([quality], np.int64)})
    return np.asarray(y[0], np.float32)
