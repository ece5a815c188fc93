"""Masks of boxes by Segment Anything 2 (Ravi et al. 2024), through transformers.

The processor of transformers needs torchvision; what it does to a picture and a box is little, and done here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.describe.opening import telling, whole
from limner.describe.scene import Box
from limner.describe.things import Mask, box_within, boxed
from limner.errors import MissingError
from limner.extras import need
from limner.weights import published

Pixels = NDArray[np.uint8]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
SETTINGS = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class Preparation:
    """What a model is shown of a picture. size_px: width and height, whatever the picture's; mean, deviation: of colours."""

    size_px: tuple[int, int]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def of(self, pixels: Pixels) -> NDArray[np.float32]:
        """pixels (h, w, 3) uint8 sRGB -> (1, 3, height, width)."""
        resized = Image.fromarray(pixels).resize(self.size_px, Image.Resampling.BILINEAR)
        values = (np.asarray(resized) / 255 - np.array(self.mean)) / np.array(self.deviation)
        shown: NDArray[np.float32] = values.transpose(2, 0, 1)[None].astype(np.float32)
        return shown


@dataclass(frozen=True, eq=False)
class Sam2:
    """weights: a name of the catalogue, an id of the hub, or a folder; opened at the first mask. device: of torch."""

    weights: str = "sam2"
    device: str = "cpu"

    @cached_property
    def parts(self) -> tuple[Any, Preparation]:
        """The model and what it is shown. MissingError if weights or packages are not here, or not to be used."""
        transformers = need("transformers", extra="diffusion")
        need("torch", extra="diffusion")
        folder = published(self.weights)
        with telling(self.weights):
            model = whole(transformers.Sam2Model, folder, self.device)
        side_px = model.config.prompt_encoder_config.image_size
        return model, preparation(folder, Preparation((side_px, side_px), MEAN, DEVIATION))

    def mask(self, pixels: Pixels, box: Box) -> Mask:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), true where the thing is: within its box; all of it if nothing is found."""
        torch = need("torch", extra="diffusion")
        model, prepare = self.parts
        height_px, width_px = pixels.shape[:2]
        held = box_within(box, width_px, height_px)
        across, down = prepare.size_px[0] / width_px, prepare.size_px[1] / height_px
        sides = torch.tensor([[[held[0] * across, held[1] * down, held[2] * across, held[3] * down]]])
        shown = torch.from_numpy(prepare.of(pixels)).to(model.device, model.dtype)
        with torch.no_grad():
            found = model(pixel_values=shown, input_boxes=sides.to(shown), multimask_output=False)
            whole = resized(found.pred_masks[0, 0, 0], width_px, height_px)
        inside = boxed(held, (height_px, width_px))
        thing: Mask = (whole > 0) & inside
        return thing if thing.any() else inside


def resized(values: Any, width_px: int, height_px: int) -> NDArray[np.float32]:
    """A map (rows, columns) of torch at a picture's size, between its points linearly."""
    torch = need("torch", extra="diffusion")
    whole = torch.nn.functional.interpolate(values[None, None].float(), (height_px, width_px), mode="bilinear")
    found: NDArray[np.float32] = whole[0, 0].cpu().numpy()
    return found


def preparation(folder: Path, usual: Preparation) -> Preparation:
    """What the settings beside weights say, or what is usual. MissingError if they cannot be used."""
    for path in (folder / name for name in SETTINGS):
        if path.is_file():
            try:
                return said(json.loads(path.read_text("utf-8")), usual)
            except (OSError, ValueError, TypeError, AttributeError) as error:
                raise MissingError(f"{path} cannot be used ({error}): fetch the weights anew") from error
    return usual


def said(settings: dict[str, Any], usual: Preparation) -> Preparation:
    """A preparation from the settings of an image processor; what they do not say is as usual."""
    kept = settings.get("image_processor", settings)
    size, (width_px, height_px) = kept.get("size", {}), usual.size_px
    sides_px = int(size.get("width", width_px)), int(size.get("height", height_px))
    return Preparation(sides_px, colour(kept.get("image_mean", usual.mean)), colour(kept.get("image_std", usual.deviation)))


def colour(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)
