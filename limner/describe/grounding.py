"""Boxes of things by their names, through transformers.

    GroundingDino    Grounding DINO (Liu et al. 2023) and MM-Grounding-DINO (Zhao et al. 2024), with the thresholds of SEDIC
    Owl              OWLv2 (Minderer et al. 2023)

A name is asked for alone: what is found of it then does not depend on what else is asked for. In one prompt for all names a
box's label can mix words of several, and a name loses to another that fits better. It costs a pass of the model for each name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.describe.opening import telling, whole
from limner.describe.scene import Box
from limner.describe.things import Detector
from limner.errors import MissingError
from limner.extras import need
from limner.weights import published

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class GroundingDino:
    """weights: a name of the catalogue, an id of the hub, or a folder; opened when first asked. device: of torch.

    box_threshold: score in 0..1 that a box must exceed. text_threshold: score that a word of the name must exceed in it.
    """

    weights: str = "grounding-dino"
    device: str = "cpu"
    box_threshold: float = 0.3
    text_threshold: float = 0.25

    @cached_property
    def parts(self) -> tuple[Any, Any]:
        """The model and what prepares its inputs. MissingError if weights or packages are not here, or not to be used."""
        transformers = need("transformers", extra="diffusion")
        need("torch", extra="diffusion")
        folder = published(self.weights)
        with telling(self.weights):
            model = whole(transformers.AutoModelForZeroShotObjectDetection, folder, self.device)
            return model, transformers.GroundingDinoProcessor.from_pretrained(folder, local_files_only=True)

    def boxes(self, pixels: Pixels, names: Sequence[str]) -> list[Box | None]:
        """pixels (h, w, 3) uint8 sRGB -> for each name the box of the highest score, None if none will do."""
        _, processor = self.parts
        height_px, width_px = pixels.shape[:2]
        shown = processor.image_processor(images=pixels, return_tensors="pt").to(self.device)
        found = [self.best(shown, spoken(name)) for name in names]
        return [None if one is None else pixel_box(one, (width_px, height_px), (width_px, height_px)) for one in found]

    def best(self, shown: Any, words: str) -> list[float] | None:
        """The best box of what is called so, in a prepared picture: centre, width and height in parts of it."""
        if not words:
            return None
        torch = need("torch", extra="diffusion")
        model, processor = self.parts
        most = model.config.max_text_len
        asked = processor.tokenizer(f"{words}.", truncation=True, max_length=most, return_tensors="pt").to(self.device)
        with torch.no_grad():
            found = model(**shown, **asked)
        scores = found.logits[0].sigmoid()
        # A token begins the prompt and two end it, the full stop and another: they score too, but name nothing.
        named = (scores[:, 1 : asked["input_ids"].shape[1] - 2] > self.text_threshold).any(-1)
        score = scores.amax(-1).where(named, torch.zeros(()).to(scores))
        best = int(score.argmax())
        return found.pred_boxes[0, best].tolist() if score[best] > self.box_threshold else None


@dataclass(frozen=True, eq=False)
class Owl:
    """weights: an id of the hub, such as google/owlv2-base-patch16-ensemble, or a folder; opened when first asked.

    device: of torch. threshold: score in 0..1 that a box must exceed; this model's are lower than Grounding DINO's.
    """

    weights: str
    device: str = "cpu"
    threshold: float = 0.1

    @cached_property
    def parts(self) -> tuple[Any, Any]:
        """The model and what prepares its inputs. MissingError if weights or packages are not here, or not to be used."""
        transformers = need("transformers", extra="diffusion")
        need("torch", extra="diffusion")
        need("scipy", extra="bench")
        folder = published(self.weights)
        with telling(self.weights):
            model = whole(transformers.Owlv2ForObjectDetection, folder, self.device)
            return model, transformers.Owlv2Processor.from_pretrained(folder, local_files_only=True)

    def boxes(self, pixels: Pixels, names: Sequence[str]) -> list[Box | None]:
        """pixels (h, w, 3) uint8 sRGB -> for each name the box of the highest score, None if none will do."""
        _, processor = self.parts
        shown = processor.image_processor(images=pixels, return_tensors="pt").to(self.device)
        return [self.box(shown, spoken(name), pixels.shape[1], pixels.shape[0]) for name in names]

    def box(self, shown: Any, words: str, width_px: int, height_px: int) -> Box | None:
        """The best box of what is called so, in a prepared picture."""
        if not words:
            return None
        torch = need("torch", extra="diffusion")
        model, processor = self.parts
        text, most = f"a photo of a {words}", model.config.text_config.max_position_embeddings
        asked = processor.tokenizer([text], padding="max_length", truncation=True, max_length=most, return_tensors="pt")
        with torch.no_grad():
            found = model(**shown, **asked.to(self.device))
        # The picture was made a square with grey at its right or bottom, where nothing can be found.
        side_px = max(width_px, height_px)
        inside = found.pred_boxes[0, :, :2] * side_px < torch.tensor([width_px, height_px]).to(found.pred_boxes)
        score = found.logits[0, :, 0].sigmoid() * inside.all(-1)
        best = int(score.argmax())
        if not score[best] > self.threshold:
            return None
        return pixel_box(found.pred_boxes[0, best].tolist(), (side_px, side_px), (width_px, height_px))


def detector(weights: str = "grounding-dino", device: str = "cpu") -> Detector:
    """A detector of whichever kind the weights are. MissingError if they are not here, or of another kind."""
    try:
        kind = json.loads((published(weights) / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise MissingError(f"the weights {weights} lack a usable config.json ({error}): fetch them anew") from error
    if kind in ("grounding-dino", "mm-grounding-dino"):
        return GroundingDino(weights, device)
    if kind == "owlv2":
        return Owl(weights, device)
    raise MissingError(f"the weights {weights} are no detector that is known here, but of kind {kind!r}: take grounding-dino")


def spoken(name: str) -> str:
    """A name as a model is asked for it: in small letters, without the signs that part names or steer tokenizers."""
    words = " ".join(re.sub(r"[^\w'&-]+", " ", name.lower()).split())
    return words if any(sign.isalnum() for sign in words) else ""


def pixel_box(found: Sequence[float], framed_px: tuple[int, int], size_px: tuple[int, int]) -> Box:
    """Centre, width and height in parts of a frame -> a box of whole pixels, at least one, within the picture.

    framed_px, size_px: width and height of the frame and of the picture, which lies in its upper left."""
    x, y, width, height = found
    left, right = span_px((x - width / 2) * framed_px[0], (x + width / 2) * framed_px[0], size_px[0])
    top, bottom = span_px((y - height / 2) * framed_px[1], (y + height / 2) * framed_px[1], size_px[1])
    return left, top, right, bottom


def span_px(start: float, end: float, most_px: int) -> tuple[int, int]:
    """The first pixel of a stretch and the first behind it, rounded, at least one apart, within 0..most_px."""
    first = min(max(round(start), 0), most_px - 1)
    return first, max(first + 1, min(round(end), most_px))
