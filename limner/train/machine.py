"""Where a run takes place: device, precision, processes. Lightning Fabric starts them, or joins those that others started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger

from limner.errors import LimnerError

AUTO = "auto"
PRECISIONS = (AUTO, "32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class Machine:
    """Where a run takes place. LimnerError for what there is not.

    ``devices``: processes on each of ``nodes`` machines; under torchrun, its own count holds. ``precision``: weights and their
    average are float32 in all; "auto" computes in bfloat16 where the hardware multiplies it, else in float32. ``threads``: of
    the CPU, 0 leaves them to torch. ``workers``: processes that cut crops, 0 for none beside the loop. ``accumulate``: passes
    whose gradients are added up for a step.
    """

    accelerator: str = AUTO
    devices: int = 1
    nodes: int = 1
    precision: str = AUTO
    threads: int = 0
    workers: int = 0
    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise LimnerError(f"a precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}")
        if min(self.devices, self.nodes, self.accumulate) < 1 or min(self.threads, self.workers) < 0:
            raise LimnerError("a run has at least one device, machine and pass a step; threads and workers are 0 or more")
        if self.precision == "16-mixed" and not self.on_cuda:
            raise LimnerError("16-mixed needs a CUDA device: a CPU computes in bf16-mixed or 32-true")

    @property
    def on_cuda(self) -> bool:
        return self.accelerator not in ("cpu", "mps") and torch.cuda.is_available()

    @property
    def processes(self) -> int:
        """How many train together, on all machines."""
        devices, nodes = self.shape()
        return devices * nodes

    def shape(self) -> tuple[int, int]:
        """Processes on a machine, and machines: those of torchrun where it started this process."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return self.devices, self.nodes
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        return devices, int(os.environ["WORLD_SIZE"]) // devices

    def fabric(self, board: Path) -> Fabric:
        """Start the processes; each returns with its own Fabric. ``board``: folder of the TensorBoard figures."""
        torch.set_flush_denormal(True)
        devices, nodes = self.shape()
        precision: Any = self.fitting_precision() if self.precision == AUTO else self.precision
        logger = TensorBoardLogger(root_dir=board.parent, name=board.name, version="")
        fabric = Fabric(
            accelerator=self.accelerator,
            strategy="ddp" if devices * nodes > 1 else AUTO,
            devices=devices,
            num_nodes=nodes,
            precision=precision,
            loggers=logger,
        )
        fabric.launch()
        # After the launch, which sets them too.
        if self.threads:
            torch.set_num_threads(self.threads)
        return fabric

    def fitting_precision(self) -> str:
        """``bf16-mixed`` on a GPU and on a CPU with matrix units for it; elsewhere it is slower than ``32-true``."""
        if self.accelerator != "cpu" and torch.cuda.is_available():
            return "bf16-mixed"
        return "bf16-mixed" if torch.cpu._is_amx_tile_supported() else "32-true"
