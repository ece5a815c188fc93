"""Masks of boxes by Segment Anything (Kirillov et al. 2023), through transformers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.describe.opening import telling, whole
from limner.describe.scene import Box
from limner.describe.things import Mask, box_within, boxed
from limner.extras import need
from limner.weights import published

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sam:
    """weights: a name of the catalogue, an id of the hub, or a folder; opened at the first mask. device: of torch."""

    weights: str = "sam"
    device: str = "cpu"

    @cached_property
    def parts(self) -> tuple[Any, Any]:
        """The model and what prepares its inputs. MissingError if weights or packages are not here, or not to be used."""
        transformers = need("transformers", extra="diffusion")
        need("torch", extra="diffusion")
        folder = published(self.weights)
        with telling(self.weights):
            model = whole(transformers.SamModel, folder, self.device)
            return model, transformers.SamProcessor.from_pretrained(folder, local_files_only=True)

    def mask(self, pixels: Pixels, box: Box) -> Mask:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), true where the thing is: within its box; all of it if nothing is found."""
        torch = need("torch", extra="diffusion")
        model, processor = self.parts
        height_px, width_px = pixels.shape[:2]
        held = box_within(box, width_px, height_px)
        given = processor(images=pixels, input_boxes=[[[float(side) for side in held]]], return_tensors="pt").to(self.device)
        with torch.no_grad():
            found = model(**given, multimask_output=False)
        sizes = given["original_sizes"].cpu(), given["reshaped_input_sizes"].cpu()
        (masks,) = processor.image_processor.post_process_masks(found.pred_masks.cpu(), *sizes)
        inside = boxed(held, (height_px, width_px))
        thing: Mask = masks[0, 0].numpy() & inside
        return thing if thing.any() else inside
