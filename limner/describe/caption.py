"""Who describes a picture: every describer has one method, pixels and limits in, a scene out.

    Words      what the user says
    Sidecar    a JSON file beside the photograph
    Endpoint   a model behind an OpenAI-compatible address (``limner.describe.endpoint``)
    Local      a vision-language model on this machine (``limner.describe.local``)
    Inverter   a prompt that CLIP finds most like the picture (``limner.describe.invert``)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner.describe import scene
from limner.describe.answer import Limits, within
from limner.describe.scene import Scene
from limner.errors import SceneError

Pixels = NDArray[np.uint8]


class Describer(Protocol):
    """Whoever describes a picture."""

    def describe(self, pixels: Pixels, limits: Limits) -> Scene:
        """pixels (h, w, 3) uint8 sRGB -> a scene within limits. Raises LimnerError."""


@dataclass(frozen=True)
class Words:
    """The user's own caption; nothing is cut from it."""

    caption: str

    def describe(self, pixels: Pixels, limits: Limits) -> Scene:
        height_px, width_px = pixels.shape[:2]
        words = " ".join(self.caption.split())
        return Scene(caption=words, overall=words, size_px=(width_px, height_px))


@dataclass(frozen=True)
class Sidecar:
    """A scene that somebody wrote."""

    path: Path

    def describe(self, pixels: Pixels, limits: Limits) -> Scene:
        found = scene.read(self.path)
        height_px, width_px = pixels.shape[:2]
        if found.size_px not in (None, (width_px, height_px)):
            raise SceneError(f"the scene is of {found.size_px}, the picture is {(width_px, height_px)}", field="size")
        return within(Scene(found.caption, found.overall, found.things, (width_px, height_px)), limits)
