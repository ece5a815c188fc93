"""Files of weights at full size that take next to no room: their header is that of the published file, what follows is a hole.

    names of lists --state--> name -> shape and kind --write--> a sparse file of safetensors
                                                     --pickle--> tensors of one number each, expanded
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

from limner.tensors import FLOAT, Found, listed

WIDTHS = {"F32": 4, "BF16": 2, "I64": 8}
State = dict[str, Found]


def state(lists: Iterable[str], kind: str = "F32", besides: str = "(?!)") -> State:
    """The tensors of lists by their published names, the first of several; of those that may be left out, what matches."""
    tensors = [tensor for name in lists for tensor in listed(name)]
    kept = [tensor for tensor in tensors if not tensor.optional or re.search(besides, tensor.names[0])]
    return {tensor.names[0]: Found(tensor.shape, kind if tensor.kind == FLOAT else tensor.kind) for tensor in kept}


def numbers(tensors: State) -> int:
    return sum(math.prod(tensor.shape) for tensor in tensors.values())


def floats(tensors: State) -> State:
    return {name: tensor for name, tensor in tensors.items() if tensor.kind != "I64"}


def header(tensors: State, *, aligned: bool = True) -> bytes:
    """As safetensors writes it: the widest first, then by name, to a multiple of 8 bytes; earlier by name, to no multiple."""
    kept: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors, key=lambda name: (-WIDTHS[tensors[name].kind] if aligned else 0, name)):
        start, end = end, end + WIDTHS[tensors[name].kind] * math.prod(tensors[name].shape)
        kept[name] = {"dtype": tensors[name].kind, "shape": tensors[name].shape, "data_offsets": [start, end]}
    text = json.dumps(kept, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8 if aligned else 0)


def data_bytes(tensors: State) -> int:
    return sum(WIDTHS[tensor.kind] * math.prod(tensor.shape) for tensor in tensors.values())


def file_bytes(tensors: State, *, aligned: bool = True) -> int:
    return 8 + len(header(tensors, aligned=aligned)) + data_bytes(tensors)


def write(path: Path, tensors: State) -> Path:
    """A file of safetensors whose numbers are all 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = header(tensors)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + data_bytes(tensors))
    return path


def pickle(path: Path, tensors: State) -> Path:
    """A pickle of torch whose tensors have one number each, which stands for all."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: torch.zeros(()).expand(tensor.shape) for name, tensor in tensors.items()}, path)
    return path
