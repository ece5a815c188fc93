"""A trained miniature -> the files that ship: integers for the entropy path, ONNX for the transforms, a manifest."""

from __future__ import annotations

import inspect
import io
import os
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from limner.layers import path as entropy_path
from limner.layers.path import FRACTION_BITS
from limner.layers.path import Path as EntropyPath
from limner.layers.quadtree import HYPER_CHANNELS, LATENT_CHANNELS, QUALITIES
from limner.nets import fixed
from limner.nets.miniature import INDEX_MAX, Gated, Miniature, phase_planes, with_plane
from limner.train import photos
from limner.weights import write_manifest

HALF_FROM = 256  # tensors of at least so many values are stored as float16
DECODING = ("entropy.npz", "synthesis.onnx")
ENCODING = ("stem.onnx", "analysis.onnx", "hyper_analysis.onnx", "gains.npy")


class Stem(nn.Module):
    """Picture (1 3 h w) -> features (1 c h/8 w/8), the same at every quality."""

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        self.analysis = model.analysis

    def forward(self, x: Tensor) -> Tensor:
        return self.analysis.stem(x)


class Analysis(nn.Module):
    """Features (1 c h/8 w/8) and quality (1,) -> latent before its gain."""

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        self.analysis = model.analysis

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        return self.analysis.latent(x, quality / QUALITIES)


class ScaledSynthesis(nn.Module):
    """Latent times its gain (1 64 h w) and quality (1,) -> picture (1 3 16h 16w), not clipped."""

    gains: Tensor

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        self.synthesis = model.synthesis
        self.register_buffer("gains", all_gains(model))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        picture: Tensor = self.synthesis(x / self.gains[quality], quality / QUALITIES)
        return picture


class HyperAnalysis(nn.Module):
    """Latent times its gain and quality (1,) -> hyper latent."""

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        self.hyper_analysis = model.hyper_analysis

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        z: Tensor = self.hyper_analysis(x, quality / QUALITIES)
        return z


@torch.no_grad()
def all_gains(model: Miniature) -> Tensor:
    """Gains of every wire quality, (64 64 1 1)."""
    return model.gain(torch.arange(QUALITIES) / QUALITIES).clone()


class SplitGated(nn.Module):
    """A gated block whose value and gate come from two convolutions: onnxruntime keeps its own layout between them."""

    def __init__(self, block: Gated) -> None:
        super().__init__()
        channels = block.reduce.in_channels
        self.space, self.reduce = block.space, block.reduce
        self.value, self.gate = (nn.Conv2d(channels, channels, 1) for _ in range(2))
        for conv, part in ((self.value, slice(channels)), (self.gate, slice(channels, None))):
            conv.load_state_dict({"weight": block.expand.weight[part], "bias": block.expand.bias[part]})  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        spread = self.space(x)
        change: Tensor = self.reduce(self.value(spread) * torch.sigmoid(self.gate(spread)))
        return x + change


def split_gates(module: nn.Module) -> None:
    """Replace every gated block in place by one that computes the same faster in onnxruntime."""
    for name, child in module.named_children():
        if isinstance(child, Gated):
            setattr(module, name, SplitGated(child))
        else:
            split_gates(child)


def export(model: Miniature, pictures: Sequence[NDArray[np.uint8]], folder: Path, name: str) -> None:
    """Write a set of weights. ``pictures`` (h, w, 3) show the converter how large activations get. Takes the model apart."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.eval().cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    (folder / "entropy.npz").write_bytes(entropy_path.dump(integer_path(model, pictures)))
    split_gates(model)
    write_onnx(Stem(model), 3, 16, folder / "stem.onnx")
    write_onnx(Analysis(model), model.widths.eighth, 2, folder / "analysis.onnx")
    write_onnx(HyperAnalysis(model), LATENT_CHANNELS, 1, folder / "hyper_analysis.onnx")
    write_onnx(ScaledSynthesis(model), LATENT_CHANNELS, 1, folder / "synthesis.onnx")
    np.save(folder / "gains.npy", all_gains(model).reshape(QUALITIES, LATENT_CHANNELS).numpy(), allow_pickle=False)
    write_manifest(folder, name, DECODING, ENCODING)


def from_checkpoint(checkpoint: Path, data: Path, folder: Path, name: str, count: int = 12) -> None:
    """Export the averaged weights of a checkpoint, calibrated on the first held-out pictures of ``data``."""
    model = Miniature()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["ema"])
    extrapolate(model)
    export(model, photos.load(data).held_out[:count], folder, name)


@torch.no_grad()
def extrapolate(model: Miniature) -> None:
    """Lead what is learnt per quality on to the lowest one, which the recipe never draws (``Recipe.lowest_t``)."""
    for anchors in (model.log_gain, model.hyper_index):
        anchors[0] = 2 * anchors[1] - anchors[2]


@torch.no_grad()
def integer_path(model: Miniature, pictures: Sequence[NDArray[np.uint8]]) -> EntropyPath:
    """Convert hyper synthesis and contexts, calibrated on what they see of the pictures at low, middle and high quality."""
    seen = [inputs(model, picture, quality) for picture in pictures for quality in (4, 32, 63)]
    hyper = fixed.convert(model.hyper_synthesis, [z for z, _ in seen], FRACTION_BITS, FRACTION_BITS)
    contexts = tuple(fixed.convert(net, [y for _, y in seen], FRACTION_BITS, FRACTION_BITS) for net in model.contexts)  # type: ignore[arg-type]
    index = model.between(model.hyper_index, torch.arange(QUALITIES) / QUALITIES).reshape(QUALITIES, HYPER_CHANNELS)
    return EntropyPath(hyper, contexts, index.round().clamp(0, INDEX_MAX).numpy().astype(np.uint8))


def inputs(model: Miniature, picture: NDArray[np.uint8], quality: int) -> tuple[Tensor, Tensor]:
    """What hyper synthesis and the contexts are given for a picture: (1 33 h w) and (1 f+2+64 h w)."""
    h, w = picture.shape[0] // 16 * 16, picture.shape[1] // 16 * 16
    x = torch.from_numpy(picture[:h, :w].copy()).permute(2, 0, 1)[None].float() / 255
    t = torch.tensor([quality / QUALITIES])
    y = model.analysis(x, t) * model.gain(t)
    z = with_plane(model.hyper_analysis(y, t).round(), t)
    features = torch.cat([model.hyper_synthesis(z)[:, :, : y.shape[2], : y.shape[3]], phase_planes(y)], 1)
    _, _, y_hat = model.walk(y, features)
    return z, torch.cat([features, y_hat], 1)


def write_onnx(module: nn.Module, channels: int, multiple: int, path: Path) -> None:
    """Export a transform with inputs ``x`` (1 c h w), sides multiples of ``multiple``, and ``quality`` (1,) if it has that."""
    names = list(inspect.signature(module.forward).parameters)
    example = (torch.zeros(1, channels, 6 * multiple, 10 * multiple), torch.zeros(1, dtype=torch.int64))[: len(names)]
    sides = {axis: multiple * torch.export.Dim(letter, min=1, max=65536) for axis, letter in ((2, "h"), (3, "w"))}
    shapes = {name: sides if name == "x" else None for name in names}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        program = torch.onnx.export(
            module.eval(), example, dynamo=True, dynamic_shapes=shapes, input_names=names, output_names=["y"]
        )
        plain = Path(folder) / "plain.onnx"
        program.save(str(plain))  # type: ignore[union-attr]
        model = onnx.load(str(plain))
    partial = path.with_suffix(".partial")
    onnx.save(without_traces(halved(model)), str(partial))
    os.replace(partial, path)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large tensors as float16, cast back to float32 when the network is opened."""
    graph = model.graph
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALF_FROM:
            continue
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), tensor.name + ".half"))
        graph.node.insert(0, helper.make_node("Cast", [tensor.name + ".half"], [tensor.name], to=TensorProto.FLOAT))
    return model


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's notes (source lines, stack traces): they are large and name the machine they were made on."""
    del model.metadata_props[:]
    model.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    return model
