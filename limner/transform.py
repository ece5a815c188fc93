"""Run an analysis or synthesis transform: an ONNX network on maps of any size."""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner.cores import cores

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]


def runtime() -> ModuleType:
    """onnxruntime without its telemetry: on import it would write an identity to the home folder and queue reports of use."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    module: ModuleType = onnxruntime
    return module


def session(data: bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX network on the CPU, quietly."""
    onnxruntime = runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # The variable that NumPy's BLAS obeys too, so that one setting holds for all of the codec. Left to itself, onnxruntime
    # would take all cores of the machine, though only some may be used.
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = int(wanted) if wanted.isdecimal() else cores()
    options.enable_mem_pattern = False
    # Idle workers that spin would take the cores from the integer networks, which run in turn with these.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run(
    network: onnxruntime.InferenceSession,
    x: Floats,
    quality: int | None = None,
    *,
    text: Floats | None = None,
    tile: bool = False,
) -> Floats:
    """One map (c h w) through a network whose inputs are ``x`` (1 c h w) and, if it depends on them, ``quality`` (1,) and
    ``text`` (1 n t).

    ``tile``: the map is one of several of a large picture; the memory it took is given back, not kept for the next.
    """
    inputs: dict[str, NDArray[np.generic]] = {"x": x[None]}
    if quality is not None:
        inputs["quality"] = np.array([quality], np.int64)
    if text is not None:
        inputs["text"] = text
    (y,) = network.run(None, inputs, giving_back() if tile else None)
    return np.asarray(y[0], np.float32)


def giving_back() -> onnxruntime.RunOptions:
    options = runtime().RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
