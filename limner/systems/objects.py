"""A scene in words and boxes -> objects with masks, as sedic sends them.

    picture --describer--> Scene --detector--> what is there, boxes --segmenter--> masks --> sedic.Scene

Source: Song et al. 2025 (SEDIC), section 3.1: a multimodal model's words, checked by an open-set detector; masks by a segmenter
of the detector's boxes. A scene that people wrote is taken as it is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.describe import found, grounding, sam, sam2
from limner.describe.answer import Limits, within
from limner.describe.local import Local
from limner.describe.scene import Scene, Thing
from limner.describe.scene import read as read_scene
from limner.describe.things import Detector, GrabCut, Segmenter, box_within, boxed
from limner.errors import MissingError, SceneError
from limner.render.regions import Mask
from limner.systems import sedic
from limner.systems.levels import BOX, Settings

Pixels = NDArray[np.uint8]
HALF = 128  # of a mask's file: a sample from here on is in


def seen(
    pixels: Pixels, scene: Scene | str | Path | None, settings: Settings, limits: Limits, device: str = "cpu"
) -> sedic.Scene:
    """What is sent of a picture (h, w, 3), within limits.

    ``scene``: given, a sidecar's path, or None: the settings' describer is asked. Raises SceneError for a scene that is of
    another picture or has an object without a place, MissingError if nobody describes or weights are not here.
    """
    told = described(pixels, settings, limits, device) if scene is None else scene
    told = read_scene(Path(told)) if isinstance(told, str | Path) else told
    size_px = pixels.shape[1], pixels.shape[0]
    if told.size_px not in (None, size_px):
        raise SceneError(f"the scene is of {told.size_px}, the picture is {size_px}", field="size")
    if settings.find:
        told = found.checked(told, pixels, detector(settings.find, device)).scene
    told = within(told, limits)
    segmenter = segmenter_of(settings.masks, device)
    objects = [
        sedic.Seen(thing.detail or thing.name, mask_of(thing, pixels, segmenter, f"objects[{number}]"))
        for number, thing in enumerate(told.things)
    ]
    return sedic.Scene(pixels, told.overall or told.caption, tuple(objects))


def described(pixels: Pixels, settings: Settings, limits: Limits, device: str) -> Scene:
    if not settings.words:
        raise MissingError("nobody describes the picture: give a scene (limner describe makes one), or the settings paper")
    return describer(settings.words.partition(":")[2], device).describe(pixels, limits)


def mask_of(thing: Thing, pixels: Pixels, segmenter: Segmenter, where: str) -> Mask:
    """From the file of its mask, or from its box."""
    if thing.mask is not None:
        return mask_in(thing.mask, pixels, f"{where}.mask")
    if thing.box is None:
        message = "has neither a box nor a mask: say where it is, or have it found (find, in the settings)"
        raise SceneError(message, field=where)
    return segmenter.mask(pixels, thing.box)


def mask_in(path: Path, pixels: Pixels, where: str) -> Mask:
    """A picture file of the picture's size, white where the thing is."""
    shown = image.load(path).pixels
    if shown.shape[:2] != pixels.shape[:2]:
        raise SceneError(f"{path} is of {shown.shape[1]} x {shown.shape[0]} px, and the picture is not", field=where)
    mask: Mask = shown.mean(axis=2) >= HALF
    return mask


class Boxes:
    """Takes a box for the thing."""

    def mask(self, pixels: Pixels, box: tuple[int, int, int, int]) -> Mask:
        height_px, width_px = pixels.shape[:2]
        return boxed(box_within(box, width_px, height_px), (height_px, width_px))


@lru_cache(maxsize=1)
def segmenter_of(name: str, device: str) -> Segmenter:
    """Kept, since opening one takes a while and a batch has many pictures."""
    if name == BOX:
        return Boxes()
    if name == "grabcut":
        return GrabCut()
    return sam.Sam(name, device) if name == "sam" else sam2.Sam2(name, device)


@lru_cache(maxsize=1)
def detector(name: str, device: str) -> Detector:
    return grounding.detector(name, device)


@lru_cache(maxsize=1)
def describer(weights: str, device: str) -> Local:
    return Local(weights, device)
