"""Masks of what a name means, in one step and without a box between, through transformers.

    ClipSeg    CLIPSeg (Lüddecke and Ecker 2022): small, coarse
    Sam3       Segment Anything 3 (Carion et al. 2025): large, under a licence of its own

``ByPhrase`` makes a detector of either: of their masks, the boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.describe.grounding import spoken
from limner.describe.opening import telling, whole
from limner.describe.sam2 import Preparation, preparation, resized
from limner.describe.scene import Box
from limner.describe.things import Mask, PhraseSegmenter
from limner.extras import need
from limner.weights import published

Pixels = NDArray[np.uint8]

HALF = (0.5, 0.5, 0.5)  # mean and deviation of what Sam3 is shown


@dataclass(frozen=True, eq=False)
class ClipSeg:
    """weights: a name of the catalogue, an id of the hub, or a folder; opened when first asked. device: of torch.

    threshold: how sure, 0..1, the model must be of a pixel.
    """

    weights: str = "clipseg"
    device: str = "cpu"
    threshold: float = 0.4

    @cached_property
    def parts(self) -> tuple[Any, Any]:
        """The model and what prepares its inputs. MissingError if weights or packages are not here, or not to be used."""
        transformers = need("transformers", extra="diffusion")
        need("torch", extra="diffusion")
        folder = published(self.weights)
        with telling(self.weights):
            model = whole(transformers.CLIPSegForImageSegmentation, folder, self.device)
            return model, transformers.CLIPSegProcessor.from_pretrained(folder, local_files_only=True)

    def named(self, pixels: Pixels, name: str) -> Mask | None:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), true wherever something of that name is, never empty; None if nothing is."""
        words = spoken(name)
        if not words:
            return None
        torch = need("torch", extra="diffusion")
        model, processor = self.parts
        most = model.config.text_config.max_position_embeddings
        asked = processor.tokenizer([words], truncation=True, max_length=most, return_tensors="pt").to(self.device)
        shown = processor.image_processor(images=pixels, return_tensors="pt").to(self.device)
        with torch.no_grad():
            found = model(**shown, **asked)
            sure = resized(found.logits.sigmoid().squeeze(0), pixels.shape[1], pixels.shape[0])
        return mask_over(sure, self.threshold)


@dataclass(frozen=True, eq=False)
class Sam3:
    """weights: a name of the catalogue, an id of the hub, or a folder; opened when first asked. device: of torch.

    threshold: how sure, 0..1, the model must be of a thing, mask_threshold: of a pixel of it.
    """

    weights: str = "sam3"
    device: str = "cpu"
    threshold: float = 0.3
    mask_threshold: float = 0.5

    @cached_property
    def parts(self) -> tuple[Any, Any, Preparation]:
        """The model, its tokenizer and what it is shown. MissingError if weights or packages are not here or not to be used."""
        transformers = need("transformers", extra="diffusion")
        need("torch", extra="diffusion")
        folder = published(self.weights)
        with telling(self.weights):
            model = whole(transformers.Sam3Model, folder, self.device)
            tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        side_px = model.config.image_size
        return model, tokenizer, preparation(folder, Preparation((side_px, side_px), HALF, HALF))

    def named(self, pixels: Pixels, name: str) -> Mask | None:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), true wherever something of that name is, never empty; None if nothing is."""
        words = spoken(name)
        if not words:
            return None
        torch = need("torch", extra="diffusion")
        model, tokenizer, prepare = self.parts
        most = model.config.text_config.max_position_embeddings
        asked = tokenizer([words], padding="max_length", truncation=True, max_length=most, return_tensors="pt").to(self.device)
        shown = torch.from_numpy(prepare.of(pixels)).to(model.device, model.dtype)
        with torch.no_grad():
            found = model(pixel_values=shown, **asked)
            # How sure it is of a thing, and that the picture has anything of the name at all.
            score = found.pred_logits[0].sigmoid() * found.presence_logits[0].sigmoid()
            masks = found.pred_masks[0][score > self.threshold]
            if not len(masks):
                return None
            # One map of all things: at a picture's size, two hundred would not fit into memory.
            sure = resized(masks.sigmoid().amax(0), pixels.shape[1], pixels.shape[0])
        return mask_over(sure, self.mask_threshold)


@dataclass(frozen=True)
class ByPhrase:
    """A detector: the box around all that a segmenter of phrases finds of a name."""

    segmenter: PhraseSegmenter

    def boxes(self, pixels: Pixels, names: Sequence[str]) -> list[Box | None]:
        """pixels (h, w, 3) uint8 sRGB -> for each name a box within the picture; None if nothing of it is found."""
        masks = (self.segmenter.named(pixels, name) for name in names)
        return [None if mask is None else bounds(mask) for mask in masks]


def mask_over(sure: NDArray[np.float32], threshold: float) -> Mask | None:
    """True where a model is surer than so; None if it is nowhere."""
    mask: Mask = sure > threshold
    return mask if mask.any() else None


def bounds(mask: Mask) -> Box:
    """The smallest box around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
