"""A model on this machine that sees a picture and is asked in words, through transformers.

    Grids    Qwen's models from Qwen2-VL on: their own processor reads films too, and wants torchvision for that
    Whole    any other, by its own processor

The picture goes before the first words. What is said next is always the likeliest, so that the same is said each time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from limner.describe.answer import CAPTION_WORDS, Limits, Pixels, Turn, asked, shown
from limner.describe.scene import Scene
from limner.errors import ImageError
from limner.extras import need

TOKENS_A_WORD = 3  # more than any language model takes; an answer that is broken off is lost
FORM_TOKENS = 32  # braces, quotes and names of fields: for the whole, and for each thing
TRIED_SIDE_PX = 64
THOUGHT = "</think>"  # what some models write ends here


class Reader(Protocol):
    """What turns a picture and words into a model's inputs."""

    @property
    def tokenizer(self) -> Any:
        """Of the model's vocabulary."""

    def inputs(self, picture: Image.Image, turns: Sequence[Turn]) -> Any:
        """Tensors by name, on the CPU. Raises ValueError for a picture of a form that it does not take."""


@dataclass(frozen=True, eq=False)
class Chat:
    """A model that does as it is asked. model: of transformers."""

    model: Any
    reader: Reader

    def scene(self, pixels: Pixels, limits: Limits) -> Scene:
        """pixels (h, w, 3) uint8 sRGB -> a scene within limits; asked again once. SceneError if no answer can be read."""
        picture = shown(pixels)
        return asked(lambda turns: self.answer(picture, turns, tokens_of(limits)), limits)

    def answer(self, picture: Image.Image, turns: Sequence[Turn], most_tokens: int) -> str:
        """What the model says next. ImageError for a picture that it does not take."""
        try:
            given = self.reader.inputs(picture, turns)
        except ValueError as error:
            raise ImageError(f"the model takes no picture of {picture.width} x {picture.height} px: {error}") from error
        return words_of(self.model, self.reader.tokenizer, given, most_tokens).rpartition(THOUGHT)[2]


def tokens_of(limits: Limits) -> int:
    """How long an answer within limits gets at most, in tokens."""
    words = CAPTION_WORDS + limits.overall_words + limits.things * (limits.name_words + limits.detail_words)
    return TOKENS_A_WORD * words + FORM_TOKENS * (1 + limits.things)


def words_of(model: Any, tokenizer: Any, given: Any, most_tokens: int) -> str:
    """What a model says to its inputs, always the likeliest token next; without what it was given."""
    torch = need("torch", extra="diffusion")
    held = given.to(model.device, model.dtype)
    # Published settings for sampling are put out, so that none stands there that is not heeded.
    with torch.no_grad():
        said = model.generate(
            **held,
            max_new_tokens=most_tokens,
            max_length=None,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
        )
    goes_on = "input_ids" in held and not model.config.is_encoder_decoder
    start = held["input_ids"].shape[1] if goes_on else 1
    words: str = tokenizer.decode(said[0, start:], skip_special_tokens=True)
    return words


def messages(picture: Image.Image, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """A chat as templates take it: the picture stands before the first words."""
    said: list[dict[str, Any]] = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in turns]
    said[0]["content"].insert(0, {"type": "image", "image": picture})
    return said


@dataclass(frozen=True, eq=False)
class Grids:
    """Pictures as patches, as many as their sides want: the one token that stands for the picture is said once for each.

    cutter: prepares pictures. template: of chats, None for the tokenizer's. picture_token: that stands for a picture.
    """

    cutter: Any
    tokenizer: Any
    template: str | None
    picture_token: int

    def inputs(self, picture: Image.Image, turns: Sequence[Turn]) -> Any:
        given = self.cutter(images=picture, return_tensors="pt")
        patches = int(given["image_grid_thw"].prod()) // self.cutter.merge_size**2
        token = self.tokenizer.convert_ids_to_tokens(self.picture_token)
        text = self.tokenizer.apply_chat_template(
            messages(picture, turns),
            chat_template=self.template,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        if text.count(token) != 1:
            raise ValueError(f"the chat has {text.count(token)} places for a picture, not one")
        words = self.tokenizer(text.replace(token, token * patches), return_tensors="pt", add_special_tokens=False)
        ids = words["input_ids"]
        given.update(input_ids=ids, attention_mask=words["attention_mask"])
        given.update(mm_token_type_ids=(ids == self.picture_token).int())
        return given


@dataclass(frozen=True, eq=False)
class Whole:
    """A model's own processor, which has a template of chats."""

    processor: Any

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    def inputs(self, picture: Image.Image, turns: Sequence[Turn]) -> Any:
        return self.processor.apply_chat_template(
            messages(picture, turns),
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=True,
        )


def grids(folder: Path, picture_token: int) -> Grids:
    """The reader of a folder with one of Qwen's models. Raises what transformers raises for a broken one."""
    transformers = need("transformers", extra="diffusion")
    cutter = transformers.AutoImageProcessor.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, backend="pil"
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    own = folder / "chat_template.json"  # where it is, processors take it before the tokenizer's
    template = json.loads(own.read_text("utf-8"))["chat_template"] if own.is_file() else None
    return Grids(cutter, tokenizer, template, picture_token)


def whole(folder: Path) -> Whole:
    """The reader of a folder with another model. Raises ValueError if it knows no chats with pictures, ImportError if its
    processor needs what is not installed, and what transformers raises for a broken one."""
    transformers = need("transformers", extra="diffusion")
    processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not getattr(processor, "chat_template", None) or not hasattr(processor, "image_processor"):
        raise ValueError("it knows no chats with pictures, and cannot be asked")
    return Whole(processor)


def tried(reader: Reader) -> None:
    """Read a chat. Raises what a template raises that is broken or has no place for a picture."""
    reader.inputs(Image.new("RGB", (TRIED_SIDE_PX, TRIED_SIDE_PX)), [("user", "?"), ("assistant", "!"), ("user", "?")])


def literate(tokenizer: Any) -> None:
    """Raises ValueError for a tokenizer without a vocabulary: it is made where the file is not there."""
    pieces = tokenizer("a red boat", add_special_tokens=False)["input_ids"]
    if not set(pieces) - {tokenizer.unk_token_id}:
        raise ValueError("its tokenizer has no vocabulary")
