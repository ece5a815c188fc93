"""Other people's checkpoints: which codec a state is of, told from its names and shapes, and its tensors under our names.

    file --read--> tensors --renamed--> our names --codec_of--> a codec without memory --adopt--> the codec, in eval mode
    (.pt .pth .tar .safetensors)        no buffers              (names and shapes must agree)

    told from                                  codec                                 published by
    g_a.analysis_transform.8.gamma             taco.Taco                             TACO
    g_a.analysis_transform.0.weight            elic.Elic                             re-implementations of ELIC
    g_a.0.conv1.weight                         cheng2020.Cheng2020                   CompressAI; Text + Sketch; MISC and SEDIC
    context_prediction.weight                  hyperprior.JointAutoregressive        CompressAI, mbt2018
    h_s.4.weight gives 2M channels             hyperprior.MeanScaleHyperprior        CompressAI, mbt2018-mean; Text + Sketch
    h_s.4.weight gives M channels              hyperprior.ScaleHyperprior            CompressAI, bmshj2018-hyperprior

Sizes are read from shapes: N and the picture's channels from the first convolution of g_a, M from its last (ELIC and TACO: from
the first of h_a), slices from local_context, the text's width from an injector. cheng2020 has attention if g_a.3.conv_a exists.

Names: ours are those of the states, but for

    module.<name>                                         <name>                      (left by data parallel training)
    <...>.downsample.<...>                                <...>.skip.<...>            (old cheng2020)
    entropy_bottleneck._matrix{k} _bias{k} _factor{k}     entropy_bottleneck.matrices.{k} biases.{k} factors.{k}
    entropy_bottleneck._matrices.{k} _biases.{k} ...      the same
    channel_context.{i}.fusion.<...>                      channel_context.{i}.fushion.<...>
    _quantized_cdf _offset _cdf_length scale_table        dropped: tables that floats made; ours are made of integers
    target, bound, scale_bound, pedestal, mask            dropped: constants

TACO key by key, ours and theirs alike; {p} is weight and bias, {c} convolutions 0, 2, 4 of a chain, {u} units 0, 1, 2:

    g_a.analysis_transform.{0,4,10,16}.{p}                5x5/2 to N N N M
    g_a.analysis_transform.{1-3,5-7,11-13}.branch.{c}.{p} residual bottlenecks
    g_a.analysis_transform.{8,15}.<...>                   injectors: gamma, text_feature_dim_proj.{p}, image_norm.{p},
                                                          text_norm.{p}, cross_attn.in_proj_{p}, cross_attn.out_proj.{p}
    g_a.analysis_transform.14.<...>                       extractor: image_feature_dim_proj.{p}, the rest as above, no gamma
    g_a.analysis_transform.{9,17}.<...>                   attention: conv_{a,b}.{u}.conv.{c}.{p}, conv_b.3.{p}
    g_s.synthesis_transform.{0,6}.<...>                   attention
    g_s.synthesis_transform.{1,5,10,14}.{p}               transposed 5x5/2
    g_s.synthesis_transform.{2-4,7-9,11-13}.branch.{c}.{p}
    h_a.reduction.{c}.{p}, h_s.increase.{c}.{p}           hyper transforms
    local_context.{i}.{p}                                 one for each slice i
    channel_context.{i}.fushion.{c}.{p}                   one for each slice i from 1 on
    entropy_parameters_{anchor,nonanchor}.{i}.fusion.{c}.{p}
    entropy_bottleneck.<...>                              as above, and quantiles

The names inside of ``branch``, ``fushion`` and ``fusion`` are those of the re-implementation of ELIC that TACO is built on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.nets.cheng2020 import Cheng2020
from limner.nets.codec import Codec, Widths
from limner.nets.elic import Elic
from limner.nets.hyperprior import JointAutoregressive, MeanScaleHyperprior, ScaleHyperprior
from limner.nets.taco import Taco

State = dict[str, Tensor]

WRAPPERS = ("ema", "state_dict", "model_state_dict", "model")  # the first is of runs here
BUFFERS = re.compile(r"(^|\.)(_quantized_cdf|_offset|_cdf_length|scale_table|scale_bound|target|bound|pedestal|mask)$")
OLD_PRIOR = re.compile(r"^entropy_bottleneck\._(matri(?:x|ces\.)|bias(?:es\.)?|factor(?:s\.)?)(\d+)$")
PRIOR_PARTS = {"m": "matrices", "b": "biases", "f": "factors"}
NAMED_AT_MOST = 3
ADVICE = "a checkpoint of TACO, ELIC, cheng2020, mbt2018, mbt2018-mean or bmshj2018-hyperprior is wanted"


def load(path: Path) -> Codec:
    """The codec of a checkpoint, on the CPU, in eval mode. MissingError if the file is no codec's that is known here."""
    try:
        return adopt(renamed(read(path)))
    except MissingError as error:
        raise MissingError(f"{path}: {error}") from error


def read(path: Path) -> Mapping[str, object]:
    """The tensors of a file by name; of a checkpoint with more in it, those of the model. MissingError if it has none."""
    if not path.is_file():
        raise MissingError("there is no such file: fetch the checkpoint first")
    try:
        kept = safetensors_of(path) if path.suffix == ".safetensors" else pickled_tensors_of(path)
    except LimnerError:
        raise
    except Exception as error:  # a damaged file can raise anything
        raise MissingError(f"not a file of tensors alone ({type(error).__name__}): {ADVICE}") from error
    for name in WRAPPERS:
        if isinstance(kept, Mapping) and isinstance(kept.get(name), Mapping):
            kept = kept[name]
    if not isinstance(kept, Mapping) or not kept:
        raise MissingError(f"no tensors by name: {ADVICE}")
    return kept


def safetensors_of(path: Path) -> object:
    found: object = need("safetensors.torch", extra="diffusion").load_file(path)
    return found


def pickled_tensors_of(path: Path) -> object:
    found: object = torch.load(path, weights_only=True, map_location="cpu")
    return found


def renamed(state: Mapping[str, object]) -> State:
    """Tensors under our names, in float32; buffers are dropped. MissingError for what no codec's state has."""
    found: State = {}
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise MissingError(f"{key!r} is no tensor: {ADVICE}")
        name = our_name(key)
        if BUFFERS.search(name):
            continue
        if name in found:
            raise MissingError(f"{name} is there twice")
        found[name] = parameter_of(name, value)
    return found


def our_name(key: str) -> str:
    """Our name of a published tensor."""
    name = key.removeprefix("module.").replace(".downsample.", ".skip.")
    name = re.sub(r"^(channel_context\.\d+)\.fusion\.", r"\1.fushion.", name)
    old = OLD_PRIOR.match(name)
    return f"entropy_bottleneck.{PRIOR_PARTS[old[1][0]]}.{old[2]}" if old else name


def parameter_of(name: str, value: Tensor) -> Tensor:
    """A tensor as a parameter. MissingError if it holds no finite numbers, or fewer than its shape says."""
    plain = value.layout == torch.strided and value.device.type == "cpu" and value.is_floating_point() and value.numel() > 0
    if not plain or value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise MissingError(f"{name} is not a tensor of real numbers")
    made = value.detach().to(torch.float32).contiguous()
    if not bool(torch.isfinite(made).all()):
        raise MissingError(f"{name} has numbers that are not finite: the file is damaged")
    return made


def adopt(state: State) -> Codec:
    """A codec that owns the tensors of a state under our names. MissingError if its names or shapes are no known codec's."""
    try:
        with torch.device("meta"):
            codec = codec_of(state)
    except MissingError:
        raise
    except (LimnerError, RuntimeError) as error:  # sizes that no codec has
        raise MissingError(f"{error}: {ADVICE}") from error
    agree(codec.state_dict(), state)
    codec.load_state_dict(state, assign=True)
    return codec.eval()


def codec_of(state: State) -> Codec:
    """A new codec of the kind and the sizes that a state is of."""
    if "g_a.analysis_transform.0.weight" in state:
        return slices_of(state)
    if "g_a.0.conv1.weight" in state:
        inner, picture = (size(state, "g_a.0.conv1.weight", axis) for axis in (0, 1))
        return Cheng2020(inner, picture, attention="g_a.3.conv_a.0.conv.0.weight" in state)
    latent = size(state, "g_a.6.weight", 0)
    widths = Widths(size(state, "g_a.0.weight", 0), latent, size(state, "g_a.0.weight", 1))
    if "context_prediction.weight" in state:
        return JointAutoregressive(widths)
    return MeanScaleHyperprior(widths) if size(state, "h_s.4.weight", 0) == 2 * latent else ScaleHyperprior(widths)


def slices_of(state: State) -> Elic:
    """ELIC or TACO: y has the channels that the hyper analysis takes."""
    first = "g_a.analysis_transform.0.weight"
    widths = Widths(size(state, first, 0), size(state, "h_a.reduction.0.weight", 1), size(state, first, 1))
    count = sum(name.startswith("local_context.") and name.endswith(".weight") for name in state)
    slices = [size(state, f"local_context.{place}.weight", 1) for place in range(count)]
    if "g_a.analysis_transform.8.gamma" not in state:
        return Elic(widths, slices)
    return Taco(widths, slices, size(state, "g_a.analysis_transform.8.text_feature_dim_proj.weight", 1))


def size(state: State, name: str, axis: int) -> int:
    """How long a tensor is along an axis. MissingError if there is none."""
    if name not in state or state[name].ndim <= axis:
        raise MissingError(f"no {name} in it: {ADVICE}")
    return state[name].shape[axis]


def agree(wanted: Mapping[str, Tensor], state: State) -> None:
    """MissingError unless names and shapes are the same."""
    for fault, names in (("lacks", wanted.keys() - state.keys()), ("has besides", state.keys() - wanted.keys())):
        if names:
            raise MissingError(f"it {fault} {listed(names)}: {ADVICE}")
    other = {name for name in wanted if wanted[name].shape != state[name].shape}
    if other:
        raise MissingError(f"other shapes than expected: {listed(other)}: {ADVICE}")


def listed(names: set[str]) -> str:
    """The first few names."""
    rest = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(sorted(names)[:NAMED_AT_MOST]) + rest
