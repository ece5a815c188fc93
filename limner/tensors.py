"""Names and shapes of the tensors in a file, and lists of what was published: weights are checked without being loaded.

    limner/data/published/NAME.txt --listed--> Listed, Listed, ... --+
    *.safetensors --header alone--> Found by name -------------------+--faults--> what differs
    *.pth, *.bin --torch, without memory--> Found by name -----------+

A list is text, a tensor or several a line:

    # a comment
    [down_blocks.{0,1}.resnets.0 mid_block]     what stands before the names from here on, with a point; [] for nothing
    norm{1..3}.{weight,bias} 320                lists and ranges stand for each of their parts
    to_q.weight|query.weight 320x320            either name, or both
    ? position_ids 1x77 I64                     may be left out; of whole numbers
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from limner.errors import MissingError, one_line
from limner.extras import need
from limner.weights import DATA, several

LISTS = DATA / "published"
FLOAT, FLOATS = "F", ("F64", "F32", "F16", "BF16")
EITHER = "|"
PLAIN = ".safetensors"
PICKLES = (".pth", ".bin")
WRAPPER = "state_dict"
MOST_HEADER_BYTES = 100 << 20
BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(\d+)\.\.(\d+)")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Listed:
    """A published tensor. names: one of them at least is there. kind: FLOAT for floats of whatever width, or I64."""

    names: tuple[str, ...]
    shape: Shape
    kind: str = FLOAT
    optional: bool = False


@dataclass(frozen=True)
class Found:
    """A tensor in a file. kind: as safetensors writes it, F32, BF16, I64 ..."""

    shape: Shape
    kind: str


def listed(name: str) -> tuple[Listed, ...]:
    """The tensors of a list in the package."""
    return parsed((LISTS / f"{name}.txt").read_text("utf-8"))


def parsed(text: str) -> tuple[Listed, ...]:
    """The tensors of a list. ValueError for a line of another form."""
    found: list[Listed] = []
    before = [""]
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            before = [f"{prefix}." for one in line.strip("[]").split() for prefix in expanded(one)] or [""]
        elif line and not line.startswith("#"):
            found += [tensor for prefix in before for tensor in of_line(prefix, line)]
    return tuple(found)


def of_line(prefix: str, line: str) -> Iterator[Listed]:
    optional = line.startswith("?")
    names, size, *kind = line.lstrip("? ").split()
    shape = tuple(map(int, size.split("x")))
    for either in zip(*map(expanded, names.split(EITHER)), strict=True):
        yield Listed(tuple(prefix + name for name in either), shape, kind[0] if kind else FLOAT, optional)


def expanded(pattern: str) -> list[str]:
    """a{b,c}{0..2} -> ab0 ab1 ab2 ac0 ac1 ac2"""
    pieces = BRACES.split(pattern)
    choices = [parts(piece) if place % 2 else [piece] for place, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in product(*choices)]


def parts(inner: str) -> list[str]:
    if ends := RANGE.fullmatch(inner):
        return [str(number) for number in range(int(ends[1]), int(ends[2]) + 1)]
    return inner.split(",")


def tensors(path: Path) -> dict[str, Found]:
    """The tensors of a file of weights, by name. MissingError if it is damaged, or a pickle of more than tensors."""
    return header(path) if path.suffix == PLAIN else pickled(path)


def header(path: Path) -> dict[str, Found]:
    """The tensors of a file of safetensors, by its header. MissingError if it is none, or not all of it is here."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            kept = json.loads(file.read(min(length, MOST_HEADER_BYTES)))
        kept.pop("__metadata__", None)
        whole = 8 + length + max((int(one["data_offsets"][1]) for one in kept.values()), default=0)
        found = {name: Found(tuple(map(int, one["shape"])), str(one["dtype"])) for name, one in kept.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise MissingError(f"{path.name} is no file of safetensors ({one_line(error)})") from error
    if path.stat().st_size != whole:
        raise MissingError(f"{path.name} has {path.stat().st_size} bytes where its header says {whole}")
    return found


def pickled(path: Path) -> dict[str, Found]:
    """The tensors of a pickle, of which torch reads nothing else, and keeps no numbers. MissingError if it is none."""
    torch = need("torch", extra="diffusion")
    try:
        kept = torch.load(path, weights_only=True, map_location="meta")
        kept = kept.get(WRAPPER, kept)
        return {str(name): Found(tuple(one.shape), kind_of(str(one.dtype))) for name, one in kept.items()}
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise MissingError(f"{path.name} is no file of tensors alone ({one_line(error)})") from error


def kind_of(dtype: str) -> str:
    """torch.bfloat16 -> BF16, torch.int64 -> I64"""
    return dtype.removeprefix("torch.").replace("float", "F").replace("int", "I").replace("bF", "BF")


def faults(found: Mapping[str, Found], wanted: Sequence[Listed]) -> list[str]:
    """What differs between the tensors of a file and the published ones; nothing if they are the same."""
    shapes = {name: tensor for tensor in wanted for name in tensor.names}
    lacking = [one.names[0] for one in wanted if not one.optional and not any(name in found for name in one.names)]
    besides = [name for name in found if name not in shapes]
    other = [
        f"{name} is {found[name].shape}, not {tensor.shape}"
        for name, tensor in shapes.items()
        if name in found and found[name].shape != tensor.shape
    ]
    kinds = [
        f"{name} is of kind {found[name].kind}"
        for name, tensor in shapes.items()
        if name in found and found[name].kind not in (FLOATS if tensor.kind == FLOAT else (tensor.kind,))
    ]
    said = (("lacks ", lacking), ("has besides ", besides), ("", other), ("", kinds))
    return [f"{what}{several(names)}" for what, names in said if names]
