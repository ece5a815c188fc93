"""Walk the container vectors of the spec. The walker is judged too: a broken reader must not get past it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from limner import errors
from limner.container.blob import Blob, Layer, pack, unpack
from limner.container.explain import explain

FOLDER = Path(__file__).parents[2] / "spec" / "vectors"
Reader = Callable[..., Blob]


def pairs(folder: Path) -> list[tuple[str, bytes, Any]]:
    """Return (name, bytes, expected) of each container vector; fail on an empty folder and on files without a pair."""
    blobs, texts = (sorted(path.stem for path in folder.glob(f"container-*.{end}")) for end in ("limn", "json"))
    assert blobs and blobs == texts, f"{folder}: no vectors, or files without a pair"
    read = [(name, folder / f"{name}.limn", folder / f"{name}.json") for name in blobs]
    return [(name, blob.read_bytes(), json.loads(text.read_text(encoding="utf-8"))) for name, blob, text in read]


def walk(folder: Path, reader: Reader = unpack) -> int:
    """Check every vector in valid/ and invalid/; return how many there were."""
    valid, invalid = pairs(folder / "valid"), pairs(folder / "invalid")
    for name, data, want in valid:
        layers = tuple(Layer(row["kind"], bytes.fromhex(row["body"]), row["may_skip"]) for row in want["layers"])
        blob = Blob(want["system"], bytes.fromhex(want["model"]), want["width_px"], want["height_px"], layers)
        assert reader(data, max_pixels=want["max_pixels"]) == blob, name
        assert pack(blob, bare=want["bare"]) == data, name
        rows = explain(data, max_pixels=want["max_pixels"]).rows
        assert [asdict(row) for row in rows] == want["explain"], name
    for name, data, want in invalid:
        with pytest.raises(errors.LimnerError) as caught:
            reader(data, max_pixels=want["max_pixels"])
        error = caught.value
        assert isinstance(error, errors.DecodeError), name
        assert (type(error).__name__, error.offset, error.field) == (want["error"], want["offset"], want["field"]), name
        if want["whole_layers"]:
            found = reader(data, max_pixels=want["max_pixels"], salvage=True)
            assert len(found.layers) == want["whole_layers"], name
        else:
            with pytest.raises(getattr(errors, want["error"])):
                reader(data, max_pixels=want["max_pixels"], salvage=True)
    return len(valid) + len(invalid)


def test_every_vector() -> None:
    assert walk(FOLDER) >= 80


def test_every_error_of_the_container_has_a_vector() -> None:
    seen = {want["error"] for _, _, want in pairs(FOLDER / "invalid")}
    tree = {error.__name__ for error in errors.DecodeError.__subclasses__()}
    assert seen == tree - {"WrongModelError"}  # raised where weights are at hand


# --- the judge's own tests


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "vectors"))


def change(path: Path, key: str, value: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), key: value}), encoding="utf-8")


def other_size(data: bytes, **options: bool) -> Blob:
    blob = unpack(data, **options)
    return replace(blob, width_px=blob.width_px % 65536 + 1)


def first_layer_only(data: bytes, **options: bool) -> Blob:
    blob = unpack(data, **options)
    return replace(blob, layers=blob.layers[:1])


def never_refuses(data: bytes, **options: bool) -> Blob:
    try:
        return unpack(data, **options)
    except errors.DecodeError:
        return Blob(1, b"\0\0", 1, 1, (Layer(1, b""),))


def always_damaged(data: bytes, **options: bool) -> Blob:
    try:
        return unpack(data, **options)
    except errors.DecodeError as error:
        raise errors.DamagedError("damaged", offset=error.offset, field=error.field) from error


@pytest.mark.parametrize("reader", [other_size, first_layer_only, never_refuses, always_damaged])
def test_a_broken_reader_fails(reader: Reader) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        walk(FOLDER, reader)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("invalid/container-damaged-body", "offset", 14),
        ("invalid/container-damaged-body", "field", "body"),
        ("invalid/container-damaged-body", "error", "TruncatedError"),
        ("invalid/container-cut-at-layer-border", "whole_layers", 2),
        ("valid/container-single-latent", "width_px", 767),
        ("valid/container-single-latent", "model", "1f2f"),
        ("valid/container-single-latent", "bare", True),
        ("valid/container-single-latent", "explain", []),
    ],
)
def test_a_wrong_expectation_fails(tmp_path: Path, name: str, key: str, value: object) -> None:
    folder = copied(tmp_path)
    change(folder / f"{name}.json", key, value)
    with pytest.raises(AssertionError):
        walk(folder)


@pytest.mark.parametrize("half", ["valid", "invalid"])
def test_an_empty_folder_fails(tmp_path: Path, half: str) -> None:
    folder = copied(tmp_path)
    shutil.rmtree(folder / half)
    (folder / half).mkdir()
    with pytest.raises(AssertionError):
        walk(folder)


def test_a_file_without_its_pair_fails(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "valid" / "container-single-latent.json").unlink()
    with pytest.raises(AssertionError):
        walk(folder)
