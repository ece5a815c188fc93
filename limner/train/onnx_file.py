"""A torch module -> an ONNX file that is small and says nothing of the machine it was made on."""

from __future__ import annotations

import inspect
import io
import os
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

HALF_FROM = 256  # tensors of at least so many values are stored as float16


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
