"""DiffBIR's control net, which is given the latents of a picture, as a ControlNet of diffusers.

    checkpoint (.pth .pt .ckpt .safetensors) --tensors alone--> state by LDM's names --named anew--> ControlNetModel

LDM joins the noisy latents and those of the picture to 8 channels before the first convolution. A convolution is linear, so

    conv(x, c) = conv of x by the first 4 channels of its weight + conv of c by the others

and in diffusers the second one stands where pictures are embedded: ``controlnet_cond`` is the latents (n, 4, h / 8, w / 8) of
the picture. Nothing else differs but names. In Stable Diffusion 2.1 (L = 2 residual blocks at each of 4 levels, 320, 640, 1280,
1280 channels) and in nets of its form:

    LDM                                               diffusers
    input_blocks.0.0.{weight[:, :4], bias}            conv_in                             (320, 4, 3, 3)
    input_blocks.0.0.weight[:, 4:]                    controlnet_cond_embedding           (320, 4, 3, 3), no bias
    time_embed.{0,2}                                  time_embedding.linear_{1,2}         (1280, 320), (1280, 1280)
    input_blocks.{1 + (L + 1) i + k}.0                down_blocks.{i}.resnets.{k}
    input_blocks.{1 + (L + 1) i + k}.1                down_blocks.{i}.attentions.{k}      the same names inside
    input_blocks.{(L + 1) (i + 1)}.0.op               down_blocks.{i}.downsamplers.0.conv
    middle_block.{0,1,2}                              mid_block.{resnets.0, attentions.0, resnets.1}
    zero_convs.{n}.0, middle_block_out.0              controlnet_down_blocks.{n}, controlnet_mid_block
    <resnet>.in_layers.{0,2}, out_layers.{0,3}        norm1, conv1, norm2, conv2
    <resnet>.emb_layers.1, skip_connection            time_emb_proj, conv_shortcut

Source: DiffBIR (Lin et al. 2023), IRControlNet: v1, v2 and v2.1 are of this form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limner.catalog import CATALOG
from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.weights import published

SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
PICKLES = (".bin", ".pth", ".pt", ".ckpt")
WRAPPER = "state_dict"
PREFIXES = ("module.", "control_model.")
FIRST = "input_blocks.0.0.weight"
PICTURE = "controlnet_cond_embedding.weight"
INNER = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
TOPS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "controlnet_mid_block": "middle_block_out.0",
}
TOP = re.compile(r"(conv_in|time_embedding\.linear_\d|mid_block\.\w+\.\d|controlnet_mid_block)\.(.+)")
DOWN = re.compile(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.+)")
ZERO = re.compile(r"controlnet_down_blocks\.(\d+)\.(.+)")
ADVICE = "IRControlNet of DiffBIR v1, v2 or v2.1 is wanted"


def load(name: str, unet: Any, precision: str) -> Any:
    """The control net for a U-Net, in eval mode, on the CPU. name: of the catalogue, an id of the hub or a folder.

    MissingError if its weights are not here, are no such net's, or are not made for this U-Net.
    """
    path = file_of(name)
    try:
        return adopted(read(path), unet, precision)
    except MissingError as error:
        raise MissingError(f"{path.name} of {name} cannot be used: {error}") from error


def file_of(name: str) -> Path:
    """The file of the weights: the one that the catalogue names, else the one of its kind in the folder."""
    folder = published(name)
    if name in CATALOG and (folder / CATALOG[name].files[0]).is_file():
        return folder / CATALOG[name].files[0]
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    if len(files) != 1:
        raise MissingError(f"one file of weights ({', '.join(SUFFIXES)}) is expected in {folder}, and there are {len(files)}")
    return files[0]


def read(path: Path) -> dict[str, Any]:
    """The tensors of a file by LDM's names. MissingError if it holds anything else."""
    need("torch", extra="diffusion")
    from limner.nets import published as states

    try:
        kept = states.safetensors_of(path) if path.suffix == ".safetensors" else states.pickled_tensors_of(path)
    except LimnerError:
        raise
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise MissingError(f"it is no file of tensors alone ({type(error).__name__}): {ADVICE}") from error
    if isinstance(kept, Mapping) and isinstance(kept.get(WRAPPER), Mapping):
        kept = kept[WRAPPER]
    if not isinstance(kept, Mapping) or not all(isinstance(key, str) for key in kept):
        raise MissingError(f"it has no tensors by name: {ADVICE}")
    return own(kept)


def own(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The control net's tensors: of a whole model, those with its prefix."""
    found = {key.removeprefix(PREFIXES[0]): value for key, value in kept.items()}
    if any(key.startswith(PREFIXES[1]) for key in found):
        return {key.removeprefix(PREFIXES[1]): value for key, value in found.items() if key.startswith(PREFIXES[1])}
    return found


def adopted(state: Mapping[str, Any], unet: Any, precision: str) -> Any:
    """A control net for the U-Net that has the tensors of a state. MissingError unless names and shapes are the same."""
    torch = need("torch", extra="diffusion")
    from limner.nets.published import parameter_of

    net = empty(unet)
    wanted = names(net)
    for fault, keys in (("it lacks", wanted.keys() - state.keys()), ("it has besides", state.keys() - wanted.keys())):
        if keys:
            raise MissingError(f"{fault} {min(keys)} and {len(keys) - 1} more: {ADVICE}")
    dtype = getattr(torch, precision)
    for key, shape in wanted.items():
        if tuple(getattr(state[key], "shape", ())) != shape:
            raise MissingError(f"{key} is not {shape}: {ADVICE}, made for this base model")
    found = {key: parameter_of(key, state[key]).to(dtype) for key in wanted}
    net.load_state_dict({name: part(name, found[ldm(net, name)]) for name in net.state_dict()}, assign=True)
    return net.eval().requires_grad_(False)


def empty(unet: Any) -> Any:
    """A control net for a U-Net, with latents in place of a picture and without memory for its weights."""
    torch = need("torch", extra="diffusion")
    diffusers = need("diffusers", extra="diffusion")
    with torch.device("meta"):
        net = diffusers.ControlNetModel.from_unet(unet, load_weights_from_unet=False)
        channels, width = net.config.in_channels, net.config.block_out_channels[0]
        net.controlnet_cond_embedding = torch.nn.Conv2d(channels, width, 3, padding=1, bias=False)
    return net


def names(net: Any) -> dict[str, tuple[int, ...]]:
    """What a checkpoint of such a net has: LDM's names and shapes."""
    found = {ldm(net, name): tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    width, channels, *kernel = found[FIRST]
    return found | {FIRST: (width, 2 * channels, *kernel)}


def part(name: str, tensor: Any) -> Any:
    """Of the first convolution, what is applied to the noisy latents, or to those of the picture; others whole."""
    half = tensor.shape[1] // 2 if name in ("conv_in.weight", PICTURE) else 0
    if not half:
        return tensor
    return (tensor[:, half:] if name == PICTURE else tensor[:, :half]).contiguous()


def ldm(net: Any, name: str) -> str:
    """LDM's name of a tensor of diffusers. MissingError if the net has parts that LDM's has not."""
    if name == PICTURE:
        return FIRST
    if found := TOP.fullmatch(name):
        return f"{TOPS[found[1]]}.{inner(found[2])}"
    if found := ZERO.fullmatch(name):
        return f"zero_convs.{found[1]}.0.{found[2]}"
    if found := DOWN.fullmatch(name):
        level, kind, place, rest = int(found[1]), found[2], int(found[3]), found[4]
        blocks = net.config.layers_per_block + 1
        if kind == "downsamplers":
            return f"input_blocks.{blocks * (level + 1)}.0.op.{rest.removeprefix('conv.')}"
        return f"input_blocks.{1 + blocks * level + place}.{int(kind == 'attentions')}.{inner(rest)}"
    raise MissingError(f"a control net of this base model has {name}, and DiffBIR's has nothing like it")


def inner(name: str) -> str:
    """Inside of a residual block the names differ, inside of an attention they do not."""
    head, _, tail = name.partition(".")
    return f"{INNER[head]}.{tail}" if head in INNER else name
