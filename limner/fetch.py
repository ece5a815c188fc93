"""Weights that others publish are fetched when that is asked for, and nowhere else, and checked.

    names of weights, systems, ids of the hub --wanted--> Wanted, Wanted, ... with sizes and licences
    Wanted, ... --make_room--> or an error, before anything is fetched
    name --fetch--> a folder in the hub's cache, or NAME in a folder of one's own
    name, folder --checked--> what was looked at, or what is not as published

A fetch that was broken off goes on where it stopped. Tensors are read from headers alone, nothing is loaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

from limner.catalog import CATALOG, EITHER, RECIPES, Published
from limner.errors import MissingError, one_line
from limner.extras import need
from limner.tensors import PICKLES, PLAIN, Found, faults, header, listed, tensors
from limner.weights import chosen, files_in, lacking, published, repositories, revision, several

MB = 10**6


@dataclass(frozen=True)
class Wanted:
    """Weights that are asked for. size_mb: about, 0 if unknown. folder: where they are, None if they are not, or not whole."""

    name: str
    size_mb: int
    licence: str
    folder: Path | None


def names(asked: Sequence[str]) -> list[str]:
    """Names of weights as they are, names of systems as what their defaults need; each once."""
    return list(dict.fromkeys(chain.from_iterable(RECIPES.get(one, (one,)) for one in asked)))


def wanted(asked: Sequence[str], into: Path | None = None) -> list[Wanted]:
    """What is asked for, by names of weights, systems or ids of the hub. into: the folder that shall have it, None for wherever
    it is found. MissingError for a name that means nothing."""
    found = []
    for name in names(asked):
        kept = told(name)
        found.append(Wanted(name, kept.size_mb, kept.licence, folder_of(name, into)))
    return found


def told(name: str) -> Published:
    """What is known of weights. MissingError for a name that means nothing."""
    return CATALOG.get(name) or Published(repositories(name), "licence: see its page", 0, (), name, ("*.safetensors",))


def folder_of(name: str, into: Path | None) -> Path | None:
    """Where weights are; None if they are not, or not whole, as far as one knows: of an id of the hub that is never known."""
    if name not in CATALOG:
        return None
    if into is not None:
        return into / name if not lacking(name, into / name) else None
    with suppress(MissingError):
        return published(name)
    return None


def place(into: Path | None) -> Path:
    """The folder into which is fetched."""
    return into or Path(need("huggingface_hub.constants", extra="describe").HF_HUB_CACHE)


def free_bytes(into: Path | None) -> int:
    """What is free where the folder is, or will be."""
    folder = place(into).absolute()
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.is_dir())).free


def make_room(needed_bytes: int, into: Path | None = None) -> None:
    """MissingError if so much does not fit where it is to be fetched to."""
    free = free_bytes(into)
    if needed_bytes > free:
        raise MissingError(
            f"{needed_bytes // MB} MB are to be fetched and {free // MB} MB are free in {place(into)}: make room, or name "
            "another folder, by --to or the environment variable HF_HOME"
        )


def fetch(name: str, into: Path | None = None) -> Path:
    """Fetch weights, tensors and settings only; give their folder: in the hub's cache, or NAME in ``into``. MissingError if
    that fails, or there is no room."""
    said = []
    for repository in repositories(name):
        # What the hub's client lets through of its own network library is not known by name.
        try:
            offered = snapshot(name, repository, into, patterns(name), only_tell=True)
            files = files_of(name, [one.filename for one in offered])
        except Exception as error:
            said.append(f"{repository}: {one_line(reason(error))}")
            continue
        make_room(sum(one.file_size or 0 for one in offered if one.will_download and one.filename in files), into)
        try:
            return Path(snapshot(name, repository, into, files))
        except Exception as error:
            said.append(f"{repository}: {one_line(reason(error))}")
    raise MissingError(f"the weights {name} cannot be fetched ({'; '.join(said)})")


def snapshot(name: str, repository: str, into: Path | None, files: Sequence[str], *, only_tell: bool = False) -> Any:
    """Fetch files of a repository, and give their folder; or tell what would be fetched."""
    hub = need("huggingface_hub", extra="describe")
    with bars(shown=not only_tell):
        return hub.snapshot_download(
            repository,
            revision=revision(name),
            local_dir=None if into is None else into / name,
            allow_patterns=list(files),
            dry_run=only_tell,
        )


@contextmanager
def bars(*, shown: bool) -> Iterator[None]:
    """The bars of the hub's client, which draws them for lists too."""
    of_hub = need("huggingface_hub.utils", extra="describe")
    if shown or of_hub.are_progress_bars_disabled():
        yield
        return
    of_hub.disable_progress_bars()
    try:
        yield
    finally:
        of_hub.enable_progress_bars()


def patterns(name: str) -> list[str]:
    """Of all that may be fetched of weights."""
    kept = told(name)
    return [pattern for one in (*kept.files, *kept.more) for pattern in one.split(EITHER)]


def files_of(name: str, offered: Sequence[str]) -> list[str]:
    """What is fetched of what a repository has. MissingError if it has not all that must be there."""
    kept = told(name)
    if missing := [one for one in kept.files if not chosen(offered, one)]:
        raise MissingError(f"there is no {several(missing)}")
    return sorted({file for one in (*kept.files, *kept.more) for file in chosen(offered, one)})


def reason(error: BaseException) -> BaseException:
    """What lies behind an error of the hub's client."""
    return error.__cause__ or error


def checked(name: str, folder: Path) -> str:
    """Say what was looked at of weights in a folder. MissingError if a file is missing, empty or cut short, or if its tensors
    are not those that were published."""
    try:
        kept, here = told(name), files_in(folder)
        if missing := [one for one in kept.files if not chosen(here, one)]:
            raise MissingError(f"there is no {several(missing)}")
        return looked_at(kept, folder, here)
    except MissingError as error:
        raise MissingError(f"the weights {name} in {folder} are not as published: {error}") from error


def looked_at(kept: Published, folder: Path, here: Sequence[str]) -> str:
    weights = [file for one in kept.files for file in chosen(here, one) if file.endswith((PLAIN, *PICKLES))]
    for file in weights:
        if file.endswith(PLAIN):
            header(folder / file)
    if kept.lists and not has_torch() and any(file.endswith(PICKLES) for file in weights):
        return "its files are here; to look into them, torch is wanted"
    count = sum(compared(folder, [file for file in weights if fnmatchcase(file, one)], lists) for one, lists in kept.lists)
    return f"{count} tensors, as published" if count else "its files are here and whole"


def compared(folder: Path, files: Sequence[str], lists: Sequence[str]) -> int:
    """How many tensors files have together. MissingError unless they are those of the lists."""
    found: dict[str, Found] = {}
    for file in files:
        found |= tensors(folder / file)
    if differing := faults(found, [tensor for one in lists for tensor in listed(one)]):
        raise MissingError(f"{', '.join(files)}: {'; '.join(differing)}")
    return len(found)


def has_torch() -> bool:
    with suppress(MissingError):
        need("torch", extra="diffusion")
        return True
    return False
