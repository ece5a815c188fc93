"""On what a diffusion runs: device, precision, and what is done where memory is short; with what fits found out.

    Machine("auto", ...) --device_of, precision_of--> cuda float16 | cpu, mps float32
    free bytes, bytes of weights, size --offload_of--> none | model | sequential
                                       --at_once--> candidates that are painted together

Memory beside the weights is estimated from the size alone: see WORKING_VALUES.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from limner.errors import LimnerError, SceneError
from limner.extras import need

CHOICES = {
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "offload": ("auto", "none", "model", "sequential"),
}
VALUE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
WORKING_VALUES = (1000, 150)
"""Numbers a pixel of the picture that are in memory at once: in the VAE, for one picture; in the U-Net and the control net, for
each candidate with its guidance. Counted on a CPU at full size: 970 in the VAE, 70 in the U-Net alone."""
TILED_PX = 1 << 20
MOST_AT_ONCE = 64


@dataclass(frozen=True)
class Machine:
    """device: auto, cpu, cuda, mps. precision: auto, float32, bfloat16, float16; auto is float16 on cuda, else float32.
    offload: none keeps all models on the device, model moves each there when it is used, sequential each of its layers; auto
    chooses by free memory. slicing: of attention, slower and smaller; None: on mps. tiling: the VAE paints in pieces, with
    seams blended; None: over 2**20 pixels. batch: candidates at once; None: as many as fit. Raises SceneError with the field at
    fault.
    """

    device: str = "auto"
    precision: str = "auto"
    offload: str = "auto"
    slicing: bool | None = None
    tiling: bool | None = None
    batch: int | None = None

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise SceneError(f"is one of {', '.join(known)}, not {getattr(self, name)!r}", field=name)
        if self.batch is not None and self.batch < 1:
            raise SceneError(f"is at least 1, not {self.batch}", field="batch")

    def tiles(self, pixels: int) -> bool:
        return pixels > TILED_PX if self.tiling is None else self.tiling


def device_of(machine: Machine) -> str:
    """cpu, cuda or mps. Raises LimnerError if the one that is asked for is not there."""
    torch = need("torch", extra="diffusion")
    here = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available() + ["cpu"]
    if machine.device == "auto":
        return here[0]
    if machine.device not in here:
        raise LimnerError(f"there is no {machine.device} here: use {' or '.join(here)}")
    return machine.device


def precision_of(machine: Machine, device: str) -> str:
    """float32, bfloat16 or float16."""
    if machine.precision != "auto":
        return machine.precision
    return "float16" if device == "cuda" else "float32"


def offload_of(machine: Machine, device: str, weights_bytes: int, largest_bytes: int, free: int | None) -> str:
    """none, model or sequential. largest_bytes: of the largest model; free: bytes, None if unknown. Each level is left where
    the weights that it keeps on the device take over 3/4 of what is free. Raises LimnerError for offloading where nothing can
    be."""
    if machine.offload != "auto":
        if machine.offload != "none" and device != "cuda":
            raise LimnerError(f"nothing can be offloaded from {device}: use offload none")
        return machine.offload
    if device != "cuda" or free is None or weights_bytes <= free * 3 // 4:
        return "none"
    return "model" if largest_bytes <= free * 3 // 4 else "sequential"


def at_once(machine: Machine, pixels: int, precision: str, free: int | None) -> int:
    """Candidates of so many pixels that are painted together: what half of the free bytes can hold, at least 1, at most 64."""
    if machine.batch is not None:
        return machine.batch
    if free is None:
        return 1
    of_vae, of_net = (values * pixels * VALUE_BYTES[precision] for values in WORKING_VALUES)
    return max(1, min(MOST_AT_ONCE, (free // 2 - of_vae) // of_net))


def free_bytes(device: str) -> int | None:
    """Memory that is free on a device; None if that cannot be known."""
    torch: Any = need("torch", extra="diffusion")
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
