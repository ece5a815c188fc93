"""What is done with one picture: bytes in, a row out. The verbs are data; all that runs them is the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from limner import api, image
from limner.container.blob import MAX_PIXELS, SYSTEMS, unpack
from limner.detail import detail, notes
from limner.errors import LimnerError, MissingError
from limner.render.machine import Machine
from limner.scale.manifest import Plain
from limner.scale.rows import Row, shares
from limner.suffixes import FILES, PICTURES
from limner.systems import taco
from limner.weights import WeightSet, packaged

WORDLESS = ("miniature", taco.NAME)


class Verb(Protocol):
    """name: of the verb. payload, suffix: of what it makes, as a column and as a file. suffixes: of what it reads. column: of
    tables that it reads. figures: what else it measures."""

    @property
    def name(self) -> str: ...
    @property
    def payload(self) -> str: ...
    @property
    def suffix(self) -> str: ...
    @property
    def suffixes(self) -> frozenset[str]: ...
    @property
    def column(self) -> str: ...
    @property
    def figures(self) -> tuple[str, ...]: ...
    @property
    def settings(self) -> Mapping[str, Plain]:
        """All that a row depends on but the picture and the weights."""
        ...

    def models(self) -> Mapping[str, str]:
        """Weights by name, by a hash of their files. MissingError if they are not here."""
        ...

    def __call__(self, path: str, data: bytes) -> Row:
        """Raises what may go wrong with a picture."""
        ...


@dataclass(frozen=True)
class Coding:
    """How pictures become files: as for ``limner.encode``. Raises LimnerError for what does not go together."""

    target_bytes: int | None = None
    bpp: float | None = None
    quality: int | None = None
    system: str = "miniature"
    weights: str | None = None
    bare: bool = False
    max_pixels: int = MAX_PIXELS
    background: tuple[int, int, int] = api.WHITE

    def __post_init__(self) -> None:
        if self.system not in WORDLESS:
            raise LimnerError(f"pictures without words are for {' or '.join(WORDLESS)}, not {self.system!r}")
        if sum(asked is not None for asked in (self.target_bytes, self.bpp, self.quality)) > 1:
            raise LimnerError("give one of target_bytes, bpp and quality, not several")

    @property
    def settings(self) -> dict[str, Plain]:
        names = ("target_bytes", "bpp", "quality", "system", "bare", "max_pixels")
        return {**{name: getattr(self, name) for name in names}, "background": list(self.background)}

    def models(self) -> dict[str, str]:
        kept = packaged("miniature") if self.system == "miniature" else api.chosen(self.weights)
        return {self.system: _digest(kept)}

    def encode(self, pixels: image.Pixels) -> bytes:
        return api.encode(
            pixels,
            target_bytes=self.target_bytes,
            bpp=self.bpp,
            quality=self.quality,
            system=self.system,
            weights=self.weights,
            bare=self.bare,
            max_pixels=self.max_pixels,
        )

    def load(self, path: str, data: bytes) -> image.Pixels:
        return image.load(data, max_pixels=self.max_pixels, background=self.background, name=path).pixels


def _digest(kept: WeightSet) -> str:
    """Of the encoder's files too, which the id of a model leaves out."""
    return hashlib.sha256("".join(f"{name} {kept.files[name]}\n" for name in sorted(kept.files)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Encode:
    """Pictures -> files of limner."""

    coding: Coding
    column: str = "image"
    name: str = "encode"
    payload: str = "blob"
    suffix: str = ".limn"
    suffixes: frozenset[str] = PICTURES
    figures: tuple[str, ...] = ()

    @property
    def settings(self) -> Mapping[str, Plain]:
        return self.coding.settings

    def models(self) -> Mapping[str, str]:
        return self.coding.models()

    def __call__(self, path: str, data: bytes) -> Row:
        blob = self.coding.encode(self.coding.load(path, data))
        return replace(of_file(path, blob, self.coding.max_pixels), payload=blob)


@dataclass(frozen=True)
class Decode:
    """Files of limner -> pictures. suffix: .png, .webp (without loss) or .jpg."""

    size: tuple[int, int] | None = None
    painter: str = "faithful"
    strength: float = 1.0
    weights: str | None = None
    device: str = "auto"
    max_pixels: int = MAX_PIXELS
    suffix: str = ".png"
    column: str = "blob"
    name: str = "decode"
    payload: str = "image"
    suffixes: frozenset[str] = FILES
    figures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.suffix not in image.SUFFIXES:
            raise LimnerError(f"pictures are written as {', '.join(image.SUFFIXES)}, not {self.suffix!r}")

    @property
    def settings(self) -> Mapping[str, Plain]:
        names = ("painter", "strength", "max_pixels", "suffix")
        return {**{name: getattr(self, name) for name in names}, "size": list(self.size) if self.size else None}

    def models(self) -> Mapping[str, str]:
        return {}  # each file names its own

    def __call__(self, path: str, data: bytes) -> Row:
        pixels = api.decode(
            data,
            size=self.size,
            painter=self.painter,
            strength=self.strength,
            weights=self.weights,
            machine=Machine(self.device),
            max_pixels=self.max_pixels,
        )
        row = of_file(path, data, self.max_pixels)
        said = notes(row.system or "", len(data), detail(row.system or "", self.painter))
        height_px, width_px = pixels.shape[:2]
        return replace(row, width_px=width_px, height_px=height_px, payload=image.to_file(pixels, self.suffix, notes=said))


def of_file(path: str, blob: bytes, max_pixels: int) -> Row:
    """The row of a picture by its file of limner. Raises DecodeError."""
    header = unpack(blob, max_pixels=max_pixels)
    return Row(
        path,
        "done",
        sha256="",
        width_px=header.width_px,
        height_px=header.height_px,
        bytes=len(blob),
        bpp=8 * len(blob) / (header.width_px * header.height_px),
        system=SYSTEMS[header.system],
        layers=shares(blob, max_pixels),
    )


def attempted(verb: Verb, path: str, data: bytes) -> Row:
    """Do it; what goes wrong becomes a row, but for what would go wrong with every picture: MissingError."""
    begun_s = time.perf_counter()
    try:
        row = verb(path, data)
    except MissingError:
        raise
    except Exception as error:  # Among a million pictures there is one that nobody thought of; the others are done.
        row = failed(path, error)
    taken_s = time.perf_counter() - begun_s
    return replace(row, sha256=hashlib.sha256(data).hexdigest(), source_bytes=len(data), seconds=taken_s)


def failed(path: str, error: Exception) -> Row:
    """Why there is no picture, in a line."""
    said = " ".join(str(error).split()) or type(error).__name__
    return Row(path, "failed", error=type(error).__name__, message=said.removeprefix(f"{path}: ")[:500])


def died(path: str) -> Row:
    """Of a picture over which the process that worked on it died, and did so again."""
    return Row(path, "failed", error="WorkerDied", message="its process died (out of memory?)")
