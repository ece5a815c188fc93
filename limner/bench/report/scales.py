"""How figures are shown and which way is better; what is not listed is shown, but nobody is said to win by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """``better``: 1 if more is better, -1 if less, 0 if that is not known here; ``digits``: behind the point."""

    label: str
    better: int
    digits: int
    unit: str = ""

    @property
    def heading(self) -> str:
        """Label, unit and an arrow to the better side."""
        arrow = {1: " ↑", -1: " ↓", 0: ""}[self.better]
        return f"{self.label}{f' {self.unit}' if self.unit else ''}{arrow}"


SCALES: Mapping[str, Scale] = {
    "psnr_db": Scale("PSNR", 1, 2, "dB"),
    "ssim": Scale("SSIM", 1, 4),
    "ms_ssim": Scale("MS-SSIM", 1, 4),
    "ssimulacra2": Scale("SSIMULACRA2", 1, 2),
    "flip": Scale("FLIP", -1, 4),
    "delta_e": Scale("CIEDE2000", -1, 3),
    "butteraugli": Scale("Butteraugli", -1, 3),
    "butteraugli_3norm": Scale("Butteraugli, 3-norm", -1, 3),
    "lpips_alex": Scale("LPIPS (alex)", -1, 4),
    "lpips_vgg": Scale("LPIPS (vgg)", -1, 4),
    "dists": Scale("DISTS", -1, 4),
    "clip_image": Scale("CLIP, image", 1, 4),
    "clip_text": Scale("CLIP, text", 1, 4),
    "ocr_cer": Scale("OCR, characters wrong", -1, 4),
    "ocr_wer": Scale("OCR, words wrong", -1, 4),
    "things_lost": Scale("things lost", -1, 2),
}
"""In the order in which columns stand."""


def scale_of(metric: str) -> Scale:
    """The scale of a metric; its bare name and no better side where it is not listed."""
    return SCALES.get(metric, Scale(metric, 0, 4))


def in_order(metrics: Iterable[str]) -> list[str]:
    """Metrics as columns stand: the listed ones first, others by name."""
    places = {name: place for place, name in enumerate(SCALES)}
    return sorted(set(metrics), key=lambda name: (places.get(name, len(places)), name))
