"""Whose settings a file was made with: a hash of all of them, and of the models that they name by a folder.

    settings --canonical JSON, folders as digests--> SHA-256 = identity; its first two bytes stand in a file (model id)

Other settings are another identity, wherever the models lie; a file is painted by none but its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from limner.errors import MissingError
from limner.render.settings import Value

IDENTITY_FILES = (".json", ".txt", ".safetensors")
PICKLES = (".bin",)  # tensors of folders without .safetensors
ID_BYTES = 2


def identity(values: Mapping[str, Value], models: Mapping[str, tuple[str, ...]]) -> bytes:
    """SHA-256 (32 bytes) of settings as ASCII JSON: names sorted, no spaces, whole numbers without a point, others as short as
    they can be told from their neighbours, what is not ASCII as \\u and four digits.

    models: which of the fields name models, and how their pickles end. A model that is a folder counts as ``sha256:`` and its
    ``digest``, wherever it lies; its files are read whole. MissingError if they cannot be.
    """
    kept = dict(values)
    for name, pickles in models.items():
        folder = Path(str(kept[name]))
        if kept[name] and folder.is_dir():
            kept[name] = f"sha256:{digest(folder, pickles)}"
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode("ascii")).digest()


def digest(folder: Path, pickles: tuple[str, ...] = PICKLES) -> str:
    """SHA-256 in hex over a line for each file of settings and tensors, sorted by name: its SHA-256 in hex, a space, its name
    from the folder on, with slashes, in UTF-8. Files that do not decide a painting do not count (``counted``)."""
    whole = hashlib.sha256()
    try:
        for name, path in sorted(counted(folder, pickles)):
            with path.open("rb") as file:
                whole.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()} {name}\n".encode())
    except (OSError, UnicodeEncodeError) as error:
        raise MissingError(f"{folder}: its files cannot be read ({error})") from error
    return whole.hexdigest()


def counted(folder: Path, pickles: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Names and paths of a folder's .json, .txt and .safetensors; pickles if it has no .safetensors. None that is hidden."""
    found = [path for path in folder.rglob("*") if path.is_file() and not hidden(path.relative_to(folder))]
    tensors = any(path.suffix == ".safetensors" for path in found)
    kinds = IDENTITY_FILES if tensors else IDENTITY_FILES + pickles
    yield from ((path.relative_to(folder).as_posix(), path) for path in found if path.suffix in kinds)


def hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
