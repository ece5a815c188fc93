"""Measures that see with nets of others: LPIPS, DISTS, cosines of CLIP. Present where their weights are, absent elsewhere.

Importing this needs no torch; the first use of a measure opens its net, and the measure keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from limner.bench.measures.measure import Measure, openable
from limner.extras import need

LPIPS_LEAST_PX = {"alex": 31, "vgg": 16}
DISTS_LEAST_PX = 16


@dataclass(frozen=True, eq=False)
class Later:
    """A net that is opened at its first use. open_it: what of the module ``nets``, called with the rest."""

    open_it: str
    device: str
    which: tuple[str, ...] = ()

    @cached_property
    def it(self) -> Any:
        """One of the judges of ``nets``. MissingError if weights or packages are not here."""
        need("torch", extra="diffusion")
        return getattr(import_module("limner.bench.measures.nets"), self.open_it)(*self.which, self.device)

    @property
    def missing(self) -> Callable[[], str]:
        return openable(lambda: self.it)

    def digest(self) -> str:
        return str(self.it.digest)


def lpips_measure(trunk: str, net: str, device: str) -> Measure:
    """LPIPS with one of its trunks."""
    later = Later("lpips_judge", device, (trunk,))
    return Measure(
        f"lpips_{trunk}",
        -1,
        f"limner, as the package lpips 0.1.4: LPIPS version 0.1, {net}, 8-bit sRGB brought to -1..1; {device}",
        "",
        lambda original, painted, told: later.it.of(original, painted),
        later.missing,
        LPIPS_LEAST_PX[trunk],
        weights=later.digest,
    )


def dists_measure(device: str) -> Measure:
    """DISTS."""
    later = Later("dists_judge", device)
    return Measure(
        "dists",
        -1,
        f"limner, as DISTS_pytorch 0.1: VGG-16 with L2 pooling, 8-bit sRGB brought to 0..1, at full size; {device}",
        "",
        lambda original, painted, told: later.it.of(original, painted),
        later.missing,
        DISTS_LEAST_PX,
        weights=later.digest,
    )


def clip_measures(device: str) -> tuple[Measure, Measure]:
    """CLIP between pictures, and between the painted one and the words that are told of the original."""
    later = Later("clip_judge", device)
    how = f"transformers; CLIP ViT-B/32, cosine of the projected directions, middle square resized to 224 px; {device}"
    return (
        Measure(
            "clip_image",
            1,
            f"{how}; original and painted",
            "",
            lambda original, painted, told: later.it.of_pictures(original, painted),
            later.missing,
            weights=later.digest,
        ),
        Measure(
            "clip_text",
            1,
            f"{how}; painted and the caption of the original, cut to 77 tokens, without a factor",
            "",
            lambda original, painted, told: later.it.of_words(painted, told.words),
            later.missing,
            needs="words",
            weights=later.digest,
        ),
    )


def deep_measures(device: str) -> tuple[Measure, ...]:
    """All of this file, on a device of torch."""
    alex, vgg = lpips_measure("alex", "AlexNet", device), lpips_measure("vgg", "VGG-16", device)
    return alex, vgg, dists_measure(device), *clip_measures(device)
