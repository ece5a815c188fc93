"""The systems of this package as any other: `limner.api.encode` in a process of its own, `limner decode` under the seal.

    pixels, words --ours_process--> file --python -m limner decode--> picture.png
                                     +---api.inspect--> bytes of each layer
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from limner import api, image
from limner.bench.harness import seal as sealing
from limner.bench.harness.ours_process import FILE, PICTURE, REQUEST, SCENE, WISHING, Request
from limner.bench.harness.seal import Seal, python_command
from limner.bench.harness.system import (
    Decoding,
    Encoded,
    Setting,
    Subject,
    existing,
    installed,
    output_of,
    with_budget,
)
from limner.describe import scene as scenes
from limner.describe.scene import Scene
from limner.errors import LimnerError
from limner.render.machine import Machine, device_of
from limner.systems import levels, references, sedic, sketches, taco
from limner.weights import PLACES, WeightSet, at, packaged, places, sets

FAITHFUL, VIVID, REFERENCE = "faithful", "vivid", "reference"
PAINTERS = (FAITHFUL, VIVID, REFERENCE)
"""Vivid is of miniature; reference, of sedic, leaves out the diffusion."""
MODULE = "limner.bench.harness.ours_process"
CACHES = ("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME")
LIGHT = "light"
PACKAGES = ("limner", "numpy", "onnxruntime", "constriction", "pillow")
OF_DIFFUSION = ("torch", "diffusers", "transformers")


@dataclass(frozen=True)
class Ours:
    """A system of this package. ``budgets_bytes``: None for no budget. ``painter``: one of PAINTERS. ``weights``: a folder,
    None for those at hand. Of a diffusion, ``preset``: its settings by name; ``where``: its device, as it is asked for."""

    name: str
    budgets_bytes: tuple[int | None, ...]
    painter: str = FAITHFUL
    weights: Path | None = None
    preset: str = LIGHT
    where: str = "auto"

    ours = True

    def __post_init__(self) -> None:
        if self.name not in api.ENCODERS:
            raise LimnerError(f"systems of this version are {', '.join(api.ENCODERS)}, not {self.name!r}")
        if not paints(self.name, self.painter):
            raise LimnerError(f"{self.name} has no painter {self.painter!r}")

    @property
    def takes_words(self) -> bool:
        if self.name == taco.NAME:
            kept = self.kept
            return kept is not None and (taco.WORDS in kept.files or bool(kept.reads))
        return self.name in WISHING

    @property
    def device(self) -> str:
        if self.name not in WISHING or self.painter == REFERENCE:
            return "cpu"
        try:
            return device_name(self.where)
        except LimnerError:
            return "cpu"

    @property
    def kept(self) -> WeightSet | None:
        """The set of weights, None where there is none, or none of this package."""
        try:
            if self.weights is not None:
                return at(self.weights)
            if self.name == "miniature":
                return packaged(self.name)
            if self.name == sedic.NAME:
                return references.named(levels.settings_of(self.preset).reference).weights
            found = sets(sketches.NAME if self.name == "pics" else self.name)
        except LimnerError:
            return None
        return found[0] if found else None

    @property
    def weights_sha256(self) -> str | None:
        kept = self.kept
        return None if kept is None else kept.identity.hex()

    @property
    def way(self) -> str:
        words = [] if self.painter == FAITHFUL else [f"painter={self.painter}"]
        words += [] if self.preset == LIGHT or self.name not in WISHING else [f"settings={Path(self.preset).stem}"]
        words += [] if self.weights is None else [f"weights={self.weights.resolve().name}"]
        return " ".join(words)

    def settings(self) -> Sequence[Setting]:
        return [with_budget(budget, self.way) for budget in self.budgets_bytes]

    def versions(self) -> dict[str, str]:
        found = installed(*PACKAGES, *(OF_DIFFUSION if self.name in WISHING else ())) | {"python": platform.python_version()}
        kept = self.kept
        if kept is not None:
            # The identity is of the decoder's files alone, and the encoder makes the file.
            files = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(kept.files.items()))
            found["weights"] = f"{kept.name} {hashlib.sha256(files.encode()).hexdigest()[:16]}"
        return found

    def encode(self, subject: Subject, setting: Setting, seal: Seal) -> Encoded:
        folder = "" if self.weights is None else str(self.weights.resolve())
        request = Request(self.name, setting.budget_bytes, folder, self.preset, subject.seed, self.where)
        files = {REQUEST: request.to_json().encode(), PICTURE: image.to_file(subject.pixels), **scene_files(subject.scene)}
        command = python_command(["-m", MODULE], self._shown(), variables())
        ended = sealing.run(command, files, FILE, seal)
        blob = output_of(ended, "the encoder", seal.limit_s)
        return Encoded(blob, self.decoding(), ended.cost, layer_bytes(blob))

    def decoding(self) -> Decoding:
        words = ["-m", "limner", "decode", FILE, "-o", PICTURE, "--json"]
        words += ["--painter", VIVID] if self.painter == VIVID else []
        words += ["--stages", "0"] if self.painter == REFERENCE else []
        words += ["--device", self.where] if self.name in WISHING else []
        words += [] if self.weights is None else ["--weights", str(self.weights.resolve())]
        return Decoding(python_command(words, self._shown(), variables()), FILE, PICTURE)

    def _shown(self) -> tuple[Path, ...]:
        return existing([*([] if self.weights is None else [self.weights]), *places(), *caches().values()])


def paints(system: str, painter: str) -> bool:
    """Whether a system has a painter."""
    return painter == FAITHFUL or (painter, system) in ((VIVID, "miniature"), (REFERENCE, sedic.NAME))


def scene_files(scene: Scene) -> dict[str, bytes]:
    """A scene as its file, with the files of its masks beside it."""
    masks = {number: thing.mask for number, thing in enumerate(scene.things) if thing.mask is not None}
    renamed = [replace(thing, mask=thing.mask and Path(f"mask{n}.png")) for n, thing in enumerate(scene.things)]
    text = scenes.to_json(replace(scene, things=tuple(renamed)))
    return {SCENE: text.encode(), **{f"mask{number}.png": path.read_bytes() for number, path in masks.items()}}


def layer_bytes(blob: bytes) -> dict[str, int]:
    """Owner -> bytes of a file of ours."""
    found: dict[str, int] = {}
    for row in api.inspect(blob).rows:
        found[row.owner] = found.get(row.owner, 0) + row.length
    return found


def variables() -> dict[str, str]:
    """Where weights lie; nothing is fetched."""
    found = {name: str(path) for name, path in caches().items()} | {"HF_HUB_OFFLINE": "1"}
    if places():
        found[PLACES] = os.pathsep.join(str(place.resolve()) for place in places())
    return found


def caches() -> dict[str, Path]:
    """Where others keep weights that were fetched: by the environment, or where they do it unasked."""
    found = {name: Path(os.environ[name]).resolve() for name in CACHES if os.environ.get(name)}
    usual = Path.home() / ".cache" / "huggingface"
    return {"HF_HOME": usual, **found} if usual.is_dir() else found


def device_name(asked: str) -> str:
    """"cpu", "mps", or the name of the accelerator."""
    device = device_of(Machine(asked))
    if device != "cuda":
        return device
    import torch

    return torch.cuda.get_device_name()


def systems(
    name: str,
    budgets_bytes: Sequence[int | None],
    painters: Sequence[str] = (FAITHFUL,),
    weights: Sequence[Path] = (),
    preset: str = LIGHT,
    device: str = "auto",
) -> Iterator[Ours]:
    """A system of this package with each of the painters that it has, and each of the sets of weights that are its own."""
    own: list[Path | None] = [folder for folder in weights if at(folder).system in (name, "")]
    for folder in own or [None]:
        for painter in painters:
            if paints(name, painter):
                yield Ours(name, tuple(budgets_bytes), painter, folder, preset, device)
