"""Rows of sedic's page: a file, its bytes by layer, and what was measured of it; or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from limner.bench.sedic_told import Told

LATENT, WHOLE, DETAILS, MASKS, REST = "latent", "whole", "details", "masks", "rest"
"""The reference; words for the whole, words of the objects; their masks; header, leads, lengths and checks."""


@dataclass(frozen=True)
class Asked:
    """How much was to be sent. target_bytes: None for all that the level lets through."""

    level: str
    target_bytes: int | None = None

    def __str__(self) -> str:
        return f"level {self.level}" if self.target_bytes is None else f"at most {self.target_bytes} bytes"


@dataclass(frozen=True)
class Failure:
    """No file."""

    picture: str
    codec: str
    asked: Asked
    failure: str


@dataclass(frozen=True)
class Row:
    """A file. codec: of the reference; model: id of its weights. layers_bytes: bodies by layer, and the rest. psnr_db, ms_ssim:
    of the reference alone; ms_ssim is None of a small picture. covered_share: of the picture, under a mask. lost_share: of the
    detail that the reference has lost, likewise. Raises ValueError if the layers do not add up to the file."""

    picture: str
    codec: str
    asked: Asked
    model: str
    width_px: int
    height_px: int
    objects: int
    layers_bytes: dict[str, int]
    bytes: int
    psnr_db: float
    ms_ssim: float | None
    covered_share: float
    lost_share: float
    told: Told

    def __post_init__(self) -> None:
        if sum(self.layers_bytes.values()) != self.bytes:
            raise ValueError(f"the layers of {self.picture} do not add up to its file")
        if self.asked.target_bytes is not None and self.bytes > self.asked.target_bytes:
            raise ValueError(f"{self.picture} has {self.bytes} bytes, and was to have {self.asked.target_bytes}")

    def of(self, layer: str) -> int:
        """Bytes of a layer."""
        return self.layers_bytes[layer]

    @property
    def bpp(self) -> float:
        return 8 * self.bytes / (self.width_px * self.height_px)

    @property
    def whole_bpp(self) -> float:
        """Of a file as the authors' program codes, with all that a decoder needs."""
        return 8 * self.told.whole_bytes / (self.width_px * self.height_px)
