"""Weights by name: what ships in the package, checked before use, and what others publish, where it was fetched to.

A set is a folder with a ``manifest.json`` that names it and gives the SHA-256 of each of its files. The *model id* that a
blob carries is a prefix of the SHA-256 over the digests of the files that the decoder uses, in the order listed: another
encoder for the same decoder keeps the id.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from limner.catalog import CATALOG, EITHER
from limner.errors import MissingError
from limner.extras import need

DATA = Path(__file__).parent / "data"
ID_BYTES = 2
MANIFEST = "manifest.json"
PLACES = "LIMNER_WEIGHTS"  # the environment variable with folders of sets


@dataclass(frozen=True)
class WeightSet:
    """name: of the released set. folder: where it lies. files: file name -> SHA-256 in hex. decoding: the decoder's files.

    system: whose weights they are, "" where the folder's place says so. reads: who reads words for its encoder, "" for nobody.
    """

    name: str
    folder: Path
    files: Mapping[str, str]
    decoding: tuple[str, ...]
    system: str = ""
    reads: str = ""

    def __post_init__(self) -> None:
        if not self.decoding or not set(self.decoding) <= set(self.files):
            raise MissingError(f"{self.folder}: the manifest names files of the decoder that it does not list")

    @cached_property
    def identity(self) -> bytes:
        """SHA-256 over the digests of the decoder's files (32 bytes)."""
        return hashlib.sha256(b"".join(bytes.fromhex(self.files[name]) for name in self.decoding)).digest()

    @property
    def model_id(self) -> bytes:
        """The two bytes that a blob carries."""
        return self.identity[:ID_BYTES]

    def read(self, name: str) -> bytes:
        """A file's bytes. MissingError if it is not there or not what the manifest says."""
        path = self.folder / name
        if name not in self.files or not path.is_file():
            raise MissingError(f"weights {self.name}: {path} is missing: install limner anew")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.files[name]:
            raise MissingError(f"weights {self.name}: {path} is not the file that was released: install limner anew")
        return data


def packaged(system: str) -> WeightSet:
    """The set of weights that the package holds for a system."""
    return at(DATA / system)


def at(folder: Path) -> WeightSet:
    """The set of weights in a folder. MissingError if there is no usable manifest."""
    try:
        kept = json.loads((folder / MANIFEST).read_text("utf-8"))
        said = (str(kept.get(field, "")) for field in ("system", "reads"))
        return WeightSet(kept["name"], folder, dict(kept["files"]), tuple(kept["decoding"]), *said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MissingError(f"{folder}: no usable weights ({error}): install limner anew") from error


def sets(system: str) -> list[WeightSet]:
    """All sets for a system that are here: the package's, the one of the system's name first, then those in the folders that
    LIMNER_WEIGHTS names.

    A set is a folder in one of these; folders without a usable manifest are passed over.
    """
    found = [at(DATA / system)] if (DATA / system / MANIFEST).is_file() else []
    for place in (DATA, *places()):
        for manifest in sorted(place.glob(f"*/{MANIFEST}")):
            with suppress(MissingError):
                found += [kept for kept in [at(manifest.parent)] if kept.system == system and kept.folder != DATA / system]
    return found


def places() -> list[Path]:
    """The folders that LIMNER_WEIGHTS names."""
    return [Path(place) for place in os.environ.get(PLACES, "").split(os.pathsep) if place]


def published(name: str) -> Path:
    """The folder of weights that others publish: a folder as it is, a name of the catalogue, or an id of the hub that was
    fetched. A folder of that name of the catalogue, in one that LIMNER_WEIGHTS names, goes before what was fetched. Nothing is
    fetched here, and nothing is taken that is not all here. MissingError with the command that fetches it."""
    folder = Path(name)
    if folder.is_dir():
        return folder
    for place in places() if name in CATALOG else []:
        if (place / name).is_dir():
            return place / name
    missing: list[str] = []
    for fetched in in_cache(name):
        missing = lacking(name, fetched)
        if not missing:
            return fetched
    state = f"not all here (there is no {several(missing)})" if missing else "not here"
    raise MissingError(f"the weights {name} are {state}: limner weights fetch {name}")


def in_cache(name: str) -> Iterator[Path]:
    """The folders of the hub's cache into which anything of these weights was fetched."""
    hub = need("huggingface_hub", extra="describe")
    for repository in repositories(name):
        with suppress(OSError, ValueError):
            # With patterns left out the hub misses what of the repository nobody has asked for, and gives nothing.
            yield Path(hub.snapshot_download(repository, revision=revision(name), local_files_only=True, allow_patterns=[]))


def lacking(name: str, folder: Path) -> list[str]:
    """Which of the files that weights must have are not in a folder, or are empty. Of an id of the hub nothing is known."""
    if name not in CATALOG:
        return []
    here = files_in(folder)
    return [wanted for wanted in CATALOG[name].files if not chosen(here, wanted)]


def several(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def files_in(folder: Path) -> list[str]:
    """The files of a folder that hold anything, by their names from there on, with slashes; none that is hidden."""
    found = ((path, path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    return [
        name.as_posix()
        for path, name in found
        if not any(part.startswith(".") for part in name.parts) and path.is_file() and path.stat().st_size
    ]


def chosen(names: Sequence[str], wanted: str) -> list[str]:
    """Of the names of files, those that a name or a pattern of the catalogue means: of several, the first that is there."""
    for pattern in wanted.split(EITHER):
        if found := [name for name in names if fnmatchcase(name, pattern)]:
            return found
    return []


def revision(name: str) -> str:
    """The branch or commit of weights on the hub."""
    return CATALOG[name].revision if name in CATALOG else "main"


def repositories(name: str) -> tuple[str, ...]:
    """Where weights lie on the hub. MissingError for what is neither in the catalogue nor an id."""
    if name in CATALOG:
        return CATALOG[name].repositories
    if name.count("/") == 1 and all(name.split("/")):
        return (name,)
    raise MissingError(
        f"there are no weights {name!r}: limner weights list shows those with a name; or give owner/name or a folder"
    )


def rewrite_manifest(folder: Path, *changed: str) -> None:
    """Describe a set again after files that the decoder's own do not depend on were added or changed."""
    kept = at(folder)
    others = [name for name in kept.files if name not in kept.decoding]
    named = (*others, *(name for name in changed if name not in others))
    write_manifest(folder, kept.name, kept.decoding, named, kept.system, kept.reads)


def write_manifest(
    folder: Path, name: str, decoding: tuple[str, ...], others: tuple[str, ...], system: str = "", reads: str = ""
) -> None:
    """Describe the files of a folder, so that ``at`` can check them."""
    files = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (*decoding, *others)}
    told = {field: value for field, value in (("system", system), ("reads", reads)) if value}
    text = json.dumps({"name": name, **told, "decoding": list(decoding), "files": files}, indent=1)
    (folder / MANIFEST).write_text(text + "\n", "utf-8")
