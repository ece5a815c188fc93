"""A torch module -> an ONNX file that is small and says nothing of the machine it was made on."""

from __future__ import annotations

import inspect
import io
import os
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

HALF_FROM = 256  # tensors of at least so many values are stored as float16


def write_onnx(module: nn.Module, channels: int, multiple: int, path: Path, text: tuple[int, int] | None = None) -> None:
    """Export a transform with inputs ``x`` (1 c h w), sides multiples of ``multiple``, and ``quality`` (1,) and ``text``
    (1, words, width) if its forward has them."""
    whole = {
        "x": torch.zeros(1, channels, 6 * multiple, 10 * multiple),
        "quality": torch.zeros(1, dtype=torch.int64),
        "text": torch.zeros(1, *(text or (1, 1))),
    }
    sides = {axis: multiple * torch.export.Dim(letter, min=1, max=65536) for axis, letter in ((2, "h"), (3, "w"))}
    given = {name: whole[name] for name in inspect.signature(module.forward).parameters}
    write_graph(module, given, {name: sides if name == "x" else None for name in given}, path)


def write_graph(module: nn.Module, given: Mapping[str, Tensor], shapes: Mapping[str, object], path: Path) -> None:
    """Export a module with named inputs, like these; ``shapes``: which sides of them vary."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        program = torch.onnx.export(
            module.eval(),
            tuple(given.values()),
            dynamo=True,
            dynamic_shapes=dict(shapes),
            input_names=list(given),
            output_names=["y"],
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
