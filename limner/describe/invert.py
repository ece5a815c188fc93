"""Words found by search: the prompt that CLIP (Radford et al. 2021) holds to be most like a picture, through transformers.

The search is PEZ (Wen et al. 2023, "Hard prompts made easy"), as Lei et al. 2023 ("Text + Sketch") use it for PIC. A prompt of
vectors is kept. In each iteration every vector is replaced by the nearest of CLIP's tokens, by cosine; the likeness of these
tokens to the picture is taken, and its gradient there; the step that follows from it is made by the vectors.

Tokens that are written out and read again are others as a rule: pieces run together, and letters become small. What counts
here is the text as it is read again, for that is what a painter is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.describe.answer import Limits
from limner.describe.scene import Scene
from limner.errors import LimnerError, MissingError, SceneError
from limner.extras import need
from limner.weights import published

Pixels = NDArray[np.uint8]
Ids = tuple[int, ...]

FRAME_TOKENS = 2  # the start and the end of a text
PADDING = 0  # what OpenCLIP fills texts up with
LAST_IS_END = 2  # an eos_token_id by which CLIPTextModel takes the highest id of a text for its end
REPLACED = "\ufffd"  # stands for bytes that are no character
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Inversion:
    """How a prompt is sought. The numbers that are set are the published ones. Raises SceneError.

    prompt_tokens: 1 to 75 for the usual models. iterations: at most so many. learning_rate, weight_decay: of AdamW. seed: of
    the first prompt; the same seed gives the same text on the same machine. printable_only: leave out tokens that are not whole
    printable text by themselves; the published search takes them, and its texts may hold U+FFFD and control characters.
    patience: iterations without a better text after which the search ends. seconds: after which it ends, counted once the
    weights are open; where they end it, the text depends on the machine's speed. None: no such end.
    """

    prompt_tokens: int = 16
    iterations: int = 3000
    learning_rate: float = 0.1
    weight_decay: float = 0.1
    seed: int = 0
    printable_only: bool = True
    patience: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("prompt_tokens", "iterations", "patience"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise SceneError(f"is at least 1, not {count}", field=name)
        if not 0 < self.learning_rate < math.inf:
            raise SceneError(f"is over 0, not {self.learning_rate}", field="learning_rate")
        if not 0 <= self.weight_decay < math.inf:
            raise SceneError(f"is at least 0, not {self.weight_decay}", field="weight_decay")
        if not 0 <= self.seed < 1 << 63:
            raise SceneError(f"is at least 0 and below 2**63, not {self.seed}", field="seed")
        if self.seconds is not None and not self.seconds > 0:
            raise SceneError(f"is over 0, not {self.seconds}", field="seconds")


@dataclass(frozen=True)
class Inverted:
    """text: one line. similarity: cosine in [-1, 1] of the picture and the text as CLIP's tokenizer reads it. ids: the tokens
    that were found, ``prompt_tokens`` of them; their text may be read as others."""

    text: str
    similarity: float
    ids: Ids


@dataclass(frozen=True, eq=False)
class Clip:
    """CLIP, its tokenizer, and what prepares pictures; no weights change. The ids of a *whole text* have start and end."""

    model: Any
    tokenizer: Any
    processor: Any

    @property
    def most_tokens(self) -> int:
        """The longest text, start and end counted."""
        return int(self.model.config.text_config.max_position_embeddings)

    @property
    def embedding(self) -> Any:
        """The module from ids to vectors; its ``weight`` is (V, d)."""
        return self.model.text_model.get_input_embeddings()

    def of_picture(self, pixels: Pixels) -> Any:
        """pixels (h, w, 3) uint8 sRGB -> the direction (D,) float32 of its middle, resized so that the short side fits."""
        torch = need("torch", extra="diffusion")
        # A picture and not an array: of an array with a side of 3 pixels it would be guessed where the colours are.
        given = self.processor(images=Image.fromarray(pixels), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            found = self.model.get_image_features(pixel_values=given.to(self.model.device, self.model.dtype))
        return direction(found.pooler_output[0])

    def of_words(self, ids: Ids) -> Any:
        """A whole text's ids -> its direction (D,) float32. Nothing is filled up behind the end: no token sees a later one."""
        torch = need("torch", extra="diffusion")
        given = torch.tensor([ids], device=self.model.device)
        return direction(self.model.get_text_features(input_ids=given).pooler_output[0])

    def similarity(self, ids: Ids, target: Any) -> float:
        """Cosine of a whole text and a picture's direction."""
        torch = need("torch", extra="diffusion")
        with torch.no_grad():
            return float(self.of_words(ids) @ target)

    def gradient(self, ids: Ids, target: Any) -> tuple[float, Any]:
        """A whole text's cosine, and the gradient of 1 - cosine by the vectors of its tokens without start and end: (tokens, d)
        float32. It is taken where the model turns ids into vectors, for it takes nothing but ids. What half precision cannot
        hold counts as no slope."""
        torch = need("torch", extra="diffusion")
        caught = []

        def catch(module: Any, given: Any, vectors: Any) -> Any:
            caught.append(vectors.detach().requires_grad_())
            return caught[0]

        with self.embedding.register_forward_hook(catch), torch.enable_grad():
            cosine = self.of_words(ids) @ target
        (found,) = torch.autograd.grad(1 - cosine, caught)
        return float(cosine.detach()), found[0, 1:-1].float().nan_to_num(0.0, 0.0, 0.0)

    def framed(self, ids: Ids) -> Ids:
        """A prompt with start and end."""
        return (self.tokenizer.bos_token_id, *ids, self.tokenizer.eos_token_id)

    def text(self, ids: Ids) -> str:
        """A prompt written out on one line."""
        return " ".join(self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False).split())

    def read(self, text: str) -> Ids:
        """The whole text's ids, cut to what the model takes."""
        return tuple(self.tokenizer(text, truncation=True, max_length=self.most_tokens)["input_ids"])

    def words(self, printable_only: bool) -> Ids:
        """Tokens that a prompt may be made of; never start, end or padding."""
        ids = sorted({*self.tokenizer.get_vocab().values()} - {PADDING, *self.tokenizer.all_special_ids})
        if not printable_only:
            return tuple(ids)
        texts = self.tokenizer.batch_decode([[one] for one in ids], clean_up_tokenization_spaces=False)
        return tuple(one for one, text in zip(ids, texts, strict=True) if printable(text))


@dataclass(frozen=True, eq=False)
class Inverter:
    """Whoever describes a picture by the prompt most like it.

    weights: a name of the catalogue, an id of the hub, or a folder of a whole CLIP; opened at the first picture. device: of
    torch. precision: float32, bfloat16 or float16, of the model; the search itself is in float32. Raises SceneError.
    """

    weights: str = "clip-h"
    device: str = "cpu"
    settings: Inversion = Inversion()
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SceneError(f"is one of {', '.join(PRECISIONS)}, not {self.precision}", field="precision")

    @cached_property
    def clip(self) -> Clip:
        """MissingError if weights or packages are not here; SceneError if the prompt is too long for the model."""
        clip = opened(self.weights, self.device, self.precision)
        most = clip.most_tokens - FRAME_TOKENS
        if self.settings.prompt_tokens > most:
            raise SceneError(f"is at most {most} for {self.weights}, not {self.settings.prompt_tokens}", field="prompt_tokens")
        return clip

    @cached_property
    def table(self) -> tuple[Any, Any]:
        """The ids that are chosen from, (n,), and the directions of their vectors, (n, d) float32."""
        torch = need("torch", extra="diffusion")
        ids = torch.tensor(self.clip.words(self.settings.printable_only), device=self.clip.model.device)
        return ids, direction(self.clip.embedding.weight[ids])

    def describe(self, pixels: Pixels, limits: Limits) -> Scene:
        """The prompt for the caption and for the whole; its length is set in tokens, so ``limits`` cut nothing."""
        height_px, width_px = pixels.shape[:2]
        found = self.invert(pixels).text
        return Scene(caption=found, overall=found, size_px=(width_px, height_px))

    def invert(self, pixels: Pixels, progress: Callable[[int, float], None] | None = None) -> Inverted:
        """pixels (h, w, 3) uint8 sRGB -> the text most like its central square.

        progress: called after each iteration with how many are done and the best similarity so far. A prompt is read again
        where its own similarity is over that of the best text, so more iterations never give a worse one. Raises LimnerError.
        """
        target, best, waited = self.clip.of_picture(pixels), Inverted("", -math.inf, ()), 0
        ends_s = math.inf if self.settings.seconds is None else monotonic() + self.settings.seconds
        for done, (ids, similarity) in enumerate(islice(self.prompts(target), self.settings.iterations), 1):
            found = self.read_again(ids, similarity, target) if similarity > best.similarity else best
            waited = 0 if found.similarity > best.similarity else waited + 1
            best = max(best, found, key=lambda one: one.similarity)
            if progress:
                progress(done, best.similarity)
            if waited == self.settings.patience or monotonic() >= ends_s:
                break
        if not best.ids:
            raise LimnerError(f"{self.weights} gives no finite likeness in {self.precision}: take float32")
        return best

    def prompts(self, target: Any) -> Iterator[tuple[Ids, float]]:
        """Yield each iteration's tokens and their cosine with the picture's direction ``target``, without end."""
        torch = need("torch", extra="diffusion")
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        prompt = torch.nn.Parameter(self.first())
        optimiser = torch.optim.AdamW([prompt], lr=rate, weight_decay=decay)
        while True:
            ids = self.nearest(prompt.detach())
            similarity, prompt.grad = self.clip.gradient(self.clip.framed(ids), target)
            yield ids, similarity
            optimiser.step()

    def first(self) -> Any:
        """Vectors of tokens drawn evenly, (tokens, d) float32; drawn on the CPU, so that every device begins alike."""
        torch = need("torch", extra="diffusion")
        ids, _ = self.table
        source = torch.Generator().manual_seed(self.settings.seed)
        drawn = torch.randint(len(ids), (self.settings.prompt_tokens,), generator=source)
        return self.clip.embedding.weight[ids[drawn.to(ids.device)]].float()

    def nearest(self, prompt: Any) -> Ids:
        """Vectors (tokens, d) -> the tokens nearest by cosine; a vector's own length changes nothing in which is nearest."""
        ids, directions = self.table
        return tuple(ids[(directions @ prompt.T).argmax(0)].tolist())

    def read_again(self, ids: Ids, similarity: float, target: Any) -> Inverted:
        """A prompt as text, with its cosine as it is read; ``similarity``: that of the prompt itself."""
        text = self.clip.text(ids)
        read = self.clip.read(text)
        same = read == self.clip.framed(ids)
        return Inverted(text, similarity if same else self.clip.similarity(read, target), ids)


def opened(weights: str, device: str, precision: str) -> Clip:
    """Open a whole CLIP with projections, and its tokenizer. MissingError if it is not here or not whole."""
    transformers = need("transformers", extra="diffusion")
    dtype = getattr(need("torch", extra="diffusion"), precision)
    folder = published(weights)
    try:
        # Plain attention: other kinds have gradients that differ from run to run on some devices, and prompts are short.
        model, said = transformers.CLIPModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            dtype=dtype,
            attn_implementation="eager",
        )
        tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        processor = transformers.CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingError(f"{folder}: no usable CLIP ({' '.join(str(error).split())[:200]})") from error
    if said["missing_keys"]:
        raise MissingError(f"{folder}: {len(said['missing_keys'])} tensors are missing: take a CLIP of pictures and text")
    if not fit(model.config.text_config, tokenizer):
        raise MissingError(f"{folder}: the tokenizer is not the model's: take the files of one repository")
    return Clip(model.to(device).eval().requires_grad_(False), tokenizer, processor)


def fit(config: Any, tokenizer: Any) -> bool:
    """Whether the model has a vector for each token, and takes a text's features where the tokenizer ends it."""
    end = len(tokenizer) - 1 if config.eos_token_id == LAST_IS_END else config.eos_token_id
    return bool(len(tokenizer) <= config.vocab_size and tokenizer.eos_token_id == end)


def direction(vectors: Any) -> Any:
    """Vectors (..., d) of length 1, float32."""
    return need("torch.nn.functional", extra="diffusion").normalize(vectors.float(), dim=-1)


def printable(text: str) -> bool:
    """Whether a token's text is whole characters that can be seen."""
    seen = text.strip()
    return bool(seen) and seen.isprintable() and REPLACED not in seen
