"""Names on the command line -> who describes, finds, cuts out and draws. What needs weights is opened once in a process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from limner.extras import need

if TYPE_CHECKING:
    from limner.describe.caption import Describer
    from limner.describe.edges import EdgeDetector
    from limner.describe.things import Detector, PhraseSegmenter, Segmenter

SEGMENTERS = ("grabcut", "sam", "sam2")
"""Of boxes."""
PHRASES = ("clipseg", "sam3")
"""Of names; their boxes make detectors of them too."""
EDGES = ("net", "hed", "hed-bsds500")


DEVICE = re.compile(r"[a-z]+(:\d+)?")


@dataclass(frozen=True)
class Asked:
    """Who was asked to describe: the option's name (caption, scene, endpoint, local or invert) and what was given to it.

    model, key: of an endpoint. device: of torch.
    """

    option: str
    value: str
    model: str = "default"
    key: str = "OPENAI_API_KEY"
    device: str = "cpu"


@cache
def describer(asked: Asked) -> Describer:
    if asked.option in ("local", "invert"):
        quiet()
        return on_this_machine(asked)
    from limner.describe.caption import Sidecar, Words
    from limner.describe.endpoint import Endpoint

    if asked.option == "caption":
        return Words(asked.value)
    if asked.option == "scene":
        return Sidecar(Path(asked.value))
    return Endpoint(asked.value, asked.model, asked.key)


def quiet() -> None:
    """Let transformers draw no bars of its own: what is said on a terminal is this command's."""
    need("transformers.utils.logging", extra="diffusion").disable_progress_bar()


def usable(device: str) -> bool:
    """Whether torch can compute there; asked of it only for what is no CPU."""
    if device == "cpu" or not DEVICE.fullmatch(device):
        return device == "cpu"
    torch = need("torch", extra="diffusion")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        return False
    return True


def on_this_machine(asked: Asked) -> Describer:
    """A model that is run here."""
    from limner.describe.invert import Inverter
    from limner.describe.local import Local

    return Local(asked.value, asked.device) if asked.option == "local" else Inverter(asked.value, asked.device)


@cache
def detector(name: str, device: str) -> Detector:
    """By one of PHRASES, or by the weights of a detector."""
    from limner.describe import grounding
    from limner.describe.phrase import ByPhrase

    quiet()
    return ByPhrase(phrase_segmenter(name, device)) if name in PHRASES else grounding.detector(name, device)


@cache
def phrase_segmenter(name: str, device: str) -> PhraseSegmenter:
    from limner.describe.phrase import ClipSeg, Sam3

    quiet()
    return ClipSeg(name, device) if name == "clipseg" else Sam3(name, device)


@cache
def segmenter(name: str, device: str) -> Segmenter:
    from limner.describe.sam import Sam
    from limner.describe.sam2 import Sam2
    from limner.describe.things import GrabCut

    if name == "grabcut":
        return GrabCut()
    quiet()
    return Sam(name, device) if name == "sam" else Sam2(name, device)


@cache
def edge_detector(name: str, device: str) -> EdgeDetector:
    from limner.describe.edges import EdgeNet
    from limner.describe.hed import Hed

    return EdgeNet() if name == "net" else Hed(name, device)
