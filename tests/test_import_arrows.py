"""Imports point one way: every import of ours in the package is read and held against the table."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import limner

PACKAGE = Path(limner.__file__).parent

# What each part may import beside itself. A part is a folder, or a file at the top, of the package.
BASE = {"errors", "extras", "atomic", "image", "weights", "tiles", "cores", "pixels"}
LOWER = BASE | {"container", "entropy", "layers", "nets", "transform"}
SYSTEMS = LOWER | {"describe", "render", "channels"}
USERS = SYSTEMS | {"systems"}
ALLOWED: Mapping[str, set[str]] = {
    "errors": set(),
    "extras": {"errors"},
    "atomic": set(),
    "pixels": {"errors", "extras"},
    "image": {"errors", "atomic", "pixels"},
    "catalog": set(),
    "weights": {"errors", "extras", "atomic", "catalog"},
    "tensors": {"errors", "extras", "weights"},
    "fetch": {"errors", "extras", "catalog", "weights", "tensors"},
    "channels": {"errors"},
    "qr": {"errors", "extras", "container"},
    "transform": {"errors", "extras", "weights", "cores"},
    "container": {"errors"},
    "entropy": {"errors"},
    "tiles": set(),
    "cores": set(),
    "worker": set(),
    "many": {"cores", "errors", "worker"},
    "detail": set(),
    "suffixes": set(),
    "layers": {"errors", "entropy", "tiles"},
    "nets": {"errors", "extras", "entropy", "layers"},
    "describe": BASE | {"transform", "nets"},
    "render": LOWER | {"catalog"},
    "systems": SYSTEMS,
    "files": USERS,
    "painted": USERS | {"files"},
    "staged": USERS | {"files", "painted"},
    "api": USERS | {"files", "painted", "staged"},
    "pillow": {"errors", "image", "container", "api"},
    "train": USERS,
    "bench": USERS | {"api", "files", "painted", "serve", "staged", "train", "many", "scale", "suffixes"},
    "serve": USERS | {"api", "detail", "files", "painted", "qr", "staged"},
    "scale": USERS | {"api", "cores", "detail", "many", "suffixes"},
    "cli": USERS
    | {"catalog", "fetch", "api", "detail", "painted", "staged", "train", "bench", "serve", "scale", "suffixes", "qr", "many"},
    "loaders": USERS | {"api", "scale"},
    "__main__": {"cli"},
    "__init__": {"errors", "api", "container"},
}
# Parts that may import heavy packages when they are imported themselves; the others wait until they are used.
HEAVY = {
    "torch",
    "lightning_fabric",
    "webdataset",
    "diffusers",
    "transformers",
    "onnx",
    "onnxruntime",
    "skimage",
    "scipy",
    "matplotlib",
}
MAY_BE_HEAVY = {"nets", "train", "bench", "loaders"}
# Parts that need the standard library and nothing else.
PLAIN = {"errors", "extras", "atomic", "catalog", "container", "channels", "cores", "detail", "many", "suffixes", "tiles"}
PLAIN |= {"__main__", "__init__"}


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the full name of every module that the code imports, in functions and for type checking too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def faults(path: Path, source: str, top: Path) -> list[str]:
    """Say which imports of a file break the rules."""
    inner = path.relative_to(top)
    part = inner.parts[0].removesuffix(".py")
    tree = ast.parse(source)
    found = []
    for name in imported(tree, ".".join(("limner", *inner.parts[:-1]))):
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root == "limner" and target and target != part and target not in ALLOWED[part]:
            found.append(f"{inner}: {part} imports {target}")
        if root != "limner" and part in PLAIN and root not in sys.stdlib_module_names:
            found.append(f"{inner}: {part} imports {root}")
    if part not in MAY_BE_HEAVY:
        found += [f"{inner}: imports {name} at once" for name in at_once(tree) if name in HEAVY]
    return found


def at_once(tree: ast.Module) -> Iterator[str]:
    """Yield the packages imported when the file itself is, types alone left out."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0):
            yield from (name.partition(".")[0] for name in imported(ast.Module([node], []), "limner"))


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_there_are_files_to_read() -> None:
    assert len(files()) > 30


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    assert faults(path, path.read_text("utf-8"), PACKAGE) == []


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("entropy/coder.py", "from limner.layers import latent", "entropy imports layers"),
        ("entropy/coder.py", "from ..layers import latent", "entropy imports layers"),
        ("entropy/coder.py", "def f():\n    from limner import api", "entropy imports api"),
        ("render/synthesis.py", "import limner.describe.analysis", "render imports describe"),
        ("describe/things.py", "from limner.render import noise", "describe imports render"),
        ("api.py", "from limner import cli", "api imports cli"),
        ("container/blob.py", "import numpy as np", "container imports numpy"),
        ("render/diffusion.py", "import torch.nn", "imports torch at once"),
        ("render/diffusion.py", "from torch import nn", "imports torch at once"),
    ],
)
def test_the_check_can_fail(path: str, source: str, fault: str) -> None:
    (found,) = faults(PACKAGE / path, source, PACKAGE)
    assert found == f"{path}: {fault}"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("entropy/coder.py", "from limner.errors import DamagedError\nfrom . import tables\nimport constriction"),
        ("render/diffusion.py", "def paint():\n    import torch"),
        ("nets/elic.py", "import torch"),
    ],
)
def test_the_check_can_pass(path: str, source: str) -> None:
    assert faults(PACKAGE / path, source, PACKAGE) == []


def test_the_table_has_no_circles() -> None:
    for part, others in ALLOWED.items():
        for other in others:
            assert part not in ALLOWED[other], f"{part} and {other} may import each other"
