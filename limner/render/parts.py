"""The models that a painter names, opened from folders of the form that diffusers saves.

    base/  unet  vae  text_encoder  tokenizer  scheduler  --+
    control net  config.json  *.safetensors (or *.bin)     --+--> Parts, all of one precision, on the CPU
    tiny VAE, in place of the base model's                 --+

Nothing is fetched. Weights are tensors alone: of a .bin, which is a pickle, torch reads nothing else (weights_only). Code
beside weights is not run, and there is no safety checker. A tensor that is missing would be drawn at random: it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from limner.catalog import CATALOG
from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.render.painter import Painter
from limner.render.quiet import quiet
from limner.weights import published, repositories

PICKLED = ("ControlNetModel",)
"""Some are published as pickles and in no other form."""
FILE = "diffusion_pytorch_model"


class Missing(NamedTuple):
    """Weights that are not here. size_mb: about, None if unknown. command: fetches them."""

    name: str
    size_mb: int | None
    command: str


@dataclass(frozen=True, eq=False)
class Parts:
    """unet, vae, text_encoder, control (None for none): modules; tokenizer, scheduler: what goes with them."""

    unet: Any
    vae: Any
    text_encoder: Any
    tokenizer: Any
    scheduler: Any
    control: Any

    @property
    def models(self) -> list[Any]:
        found = (self.unet, self.vae, self.text_encoder, self.control)
        return [model for model in found if model is not None]

    @property
    def vae_px(self) -> int:
        """Side of a latent's place in the picture."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def weights_bytes(self) -> tuple[int, ...]:
        """Of each model."""
        return tuple(sum(tensor.numel() * tensor.element_size() for tensor in model.parameters()) for model in self.models)


class Models(Protocol):
    """Settings that name models; "" for none."""

    @property
    def base(self) -> str: ...
    @property
    def control(self) -> str: ...
    @property
    def vae(self) -> str: ...


def missing(painter: Models) -> list[Missing]:
    """All weights of a painter that are not here. MissingError for a name that means no weights."""
    found = []
    for name in filter(None, dict.fromkeys((painter.base, painter.control, painter.vae))):
        try:
            published(name)
        except MissingError:
            repositories(name)
            size_mb = CATALOG[name].size_mb if name in CATALOG else None
            found.append(Missing(name, size_mb, f"limner weights fetch {name}"))
    return found


def demand(painter: Models) -> None:
    """MissingError with the names, sizes and the command if any weights of a painter are not here."""
    absent = missing(painter)
    if absent:
        sizes = ", ".join(f"{one.name} ({f'about {one.size_mb} MB' if one.size_mb else 'size unknown'})" for one in absent)
        names = " ".join(one.name for one in absent)
        raise MissingError(f"painting needs weights that are not here: {sizes}: limner weights fetch {names}")


def load(painter: Painter, precision: str) -> Parts:
    """A painter's models. MissingError if packages or weights are missing, damaged, or do not go together."""
    demand(painter)
    with quiet():
        base = base_of(painter.base, painter.scheduler, precision)
        if painter.vae:
            base["vae"] = read(painter.vae, published(painter.vae), "AutoencoderTiny", precision)
        control = read(painter.control, published(painter.control), "ControlNetModel", precision) if painter.control else None
    parts = Parts(**base, control=control)
    check(painter, parts)
    return parts


def base_of(name: str, scheduler: str, precision: str) -> dict[str, Any]:
    """All of a base model."""
    folder = published(name)
    return {
        "unet": read(name, folder / "unet", "UNet2DConditionModel", precision),
        "vae": read(name, folder / "vae", "AutoencoderKL", precision),
        "text_encoder": read(name, folder / "text_encoder", "CLIPTextModel", precision),
        "tokenizer": plain(name, folder / "tokenizer", "CLIPTokenizer"),
        "scheduler": plain(name, folder / "scheduler", scheduler),
    }


def read(name: str, folder: Path, kind: str, precision: str) -> Any:
    """A model of a class of diffusers or transformers. name: whose it is. MissingError if it cannot be read whole."""
    torch = need("torch", extra="diffusion")
    try:
        model, told = class_of(kind).from_pretrained(
            folder,
            dtype=getattr(torch, precision),
            use_safetensors=kind not in PICKLED or any(folder.glob(f"{FILE}.safetensors*")),
            local_files_only=True,
            output_loading_info=True,
        )
        if absent := sorted(told["missing_keys"]):
            raise ValueError(f"{len(absent)} of its tensors are missing, {absent[0]} for one")
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise useless(name, folder, error) from error
    return model.eval().requires_grad_(False)


def plain(name: str, folder: Path, kind: str) -> Any:
    """A tokenizer or a scheduler, from settings; a scheduler takes those of another one."""
    try:
        return class_of(kind).from_pretrained(folder, local_files_only=True)
    # Settings can be of whatever form.
    except Exception as error:
        raise useless(name, folder, error) from error


def class_of(kind: str) -> Any:
    """By its name: those of CLIP are of transformers, others of diffusers."""
    return getattr(need("transformers" if kind.startswith("CLIP") else "diffusers", extra="diffusion"), kind)


def useless(name: str, folder: Path, error: Exception) -> LimnerError:
    if isinstance(error, LimnerError):
        return error
    said = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    hint = "" if Path(name).is_dir() else f"; if a file is missing: limner weights fetch {name}"
    return MissingError(f"{folder.name} of {name} cannot be used ({said}){hint}")


def check(painter: Models, parts: Parts) -> None:
    """Raise MissingError unless the models go together."""
    if parts.unet.config.in_channels != parts.vae.config.latent_channels:
        raise MissingError(f"{painter.base} does not paint from words alone, or its VAE {painter.vae} is of another model")
    if parts.unet.config.cross_attention_dim != parts.text_encoder.config.hidden_size:
        raise MissingError(f"the text encoder of {painter.base} is of another model")
    if parts.tokenizer.model_max_length > parts.text_encoder.config.max_position_embeddings:
        raise MissingError(f"the tokenizer of {painter.base} does not say how long a text may be, or is of another model")
    if parts.control is not None and any(
        parts.control.config[field] != parts.unet.config[field] for field in ("cross_attention_dim", "block_out_channels")
    ):
        raise MissingError(f"the control net {painter.control} is not made for {painter.base}")
