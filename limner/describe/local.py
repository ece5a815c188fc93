"""A vision-language model on this machine describes a picture, through transformers.

    Captioner    BLIP (Li et al. 2022), GIT (Wang et al. 2022): a sentence; Florence-2 (Xiao et al. 2023): a paragraph too
    Chat         models that do as they are asked (``limner.describe.chat``): things and their details as well

Which of the two a model is stands in its config.json. Weights are tensors alone; code beside them is not run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from limner.describe import chat
from limner.describe.answer import CAPTION_WORDS, Limits, Pixels, within
from limner.describe.chat import TOKENS_A_WORD, Chat, grids, literate, tried, words_of
from limner.describe.opening import faults_of_folders, hint, whole
from limner.describe.scene import Scene
from limner.errors import LimnerError, MissingError, SceneError, one_line
from limner.extras import need
from limner.weights import published

# What captioners are told, for a sentence and, where they know how, for a paragraph.
CAPTIONERS: dict[str, tuple[str | None, ...]] = {
    "florence2": ("<CAPTION>", "<MORE_DETAILED_CAPTION>"),
    "blip": (None,),
    "git": (None,),
}
MOST_TOKENS = 256  # none of them speaks longer, and their places for tokens are numbered
GRIDS = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe")
WORKING = "Florence-2, BLIP, GIT, Qwen2-VL, Qwen2.5-VL, Qwen3-VL and Qwen3.5 work here"


@dataclass(frozen=True, eq=False)
class Local:
    """weights: a name of the catalogue, an id of the hub, or a folder; opened at the first picture. device: of torch."""

    weights: str = "qwen3-vl"
    device: str = "cpu"

    @cached_property
    def model(self) -> Captioner | Chat:
        """The model and what prepares its inputs. MissingError if weights or packages are not here, or not to be used."""
        folder = published(self.weights)
        faults = faults_of_folders()
        try:
            return opened(folder, self.device)
        except LimnerError:
            raise
        except ImportError as error:
            raise MissingError(f"{self.weights} needs more than is installed: {one_line(error)}. {WORKING}") from error
        except faults as error:
            raise MissingError(self.useless(one_line(error))) from error

    def describe(self, pixels: Pixels, limits: Limits) -> Scene:
        """pixels (h, w, 3) uint8 sRGB -> a scene within limits, the same each time; things only by models that can be asked.

        Raises MissingError as ``model`` does, SceneError if the model says nothing that can be used, ImageError for a picture
        that it does not take.
        """
        height_px, width_px = pixels.shape[:2]
        return replace(self.model.scene(pixels, limits), size_px=(width_px, height_px))

    def useless(self, why: str) -> str:
        return f"the weights {self.weights} describe no pictures here ({why}). {WORKING}{hint(self.weights)}"


@dataclass(frozen=True, eq=False)
class Captioner:
    """A model that says what it sees, and takes no wishes. tasks: what it is told, for a sentence and for a paragraph."""

    model: Any
    processor: Any
    tasks: tuple[str | None, ...]

    def scene(self, pixels: Pixels, limits: Limits) -> Scene:
        """pixels (h, w, 3) uint8 sRGB -> a caption and a description of the whole, within limits. SceneError if it is mute."""
        lengths = (CAPTION_WORDS, limits.overall_words)
        said = [self.words(pixels, task, most) for task, most in zip(self.tasks, lengths, strict=False)]
        if not said[0]:
            raise SceneError("the model says nothing of this picture", field="caption")
        return within(Scene(caption=said[0], overall=said[-1] or said[0]), limits)

    def words(self, pixels: Pixels, task: str | None, most_words: int) -> str:
        given = self.processor(images=Image.fromarray(pixels), text=task, return_tensors="pt")
        said = words_of(self.model, self.processor.tokenizer, given, min(MOST_TOKENS, TOKENS_A_WORD * most_words))
        return " ".join(said.split())


def opened(folder: Path, device: str) -> Captioner | Chat:
    """The describer in a folder. Raises MissingError, ImportError, and one of ``faults_of_folders`` for a broken folder."""
    transformers = need("transformers", extra="diffusion")
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.model_type in CAPTIONERS:
        processor = transformers.AutoProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
        literate(processor.tokenizer)
        return Captioner(model_of(folder, device), processor, CAPTIONERS[config.model_type])
    reader = grids(folder, config.image_token_id) if config.model_type in GRIDS else chat.whole(folder)
    literate(reader.tokenizer)
    tried(reader)
    return Chat(model_of(folder, device), reader)


def model_of(folder: Path, device: str) -> Any:
    """The model itself, in single precision on a CPU. Raises what ``whole`` raises."""
    torch = need("torch", extra="diffusion")
    transformers = need("transformers", extra="diffusion")
    dtype = torch.float32 if torch.device(device).type == "cpu" else "auto"
    return whole(transformers.AutoModelForImageTextToText, folder, device, dtype)
