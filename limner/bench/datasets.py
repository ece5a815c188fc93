"""Data sets by name, checked by hash, and any folder of pictures.

    name or folder -> pictures by name, sorted -> read, held against their hashes -> prepared -> (h, w, 3) uint8 sRGB

A set is looked for in the folder that is given, else under its name in those that LIMNER_DATA names. Nothing is fetched but by
``fetch``. ``DataSet.checked`` says what the pictures are held against:

    "published hashes"    every file has the SHA-256 that others publish too, or the same pixels: Kodak alone
    "pinned on DATE"      every file has the SHA-256 that it had on that day, when ``pin`` wrote them beside the set; that it
                          was the right set is known only where ``checked`` goes on to say that its archives had the
                          published hash
    "not checked"         the number of pictures agrees, or is not known; nothing else is

A file ``scenes.json`` beside the pictures, {picture: {"caption": ..., "overall": ..., "objects": ...}}, says what they show:
see ``limner.describe.scene``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from limner import image
from limner.atomic import write_atomic
from limner.bench.fetching import Progress, fetched
from limner.bench.preparations import PREPARATIONS, named, prepared, prepared_scene
from limner.bench.sources import SOURCES, SUFFIXES, Source
from limner.describe import scene as scenes
from limner.describe.scene import Scene
from limner.errors import ImageError, LimnerError
from limner.image import Pixels

__all__ = ["PREPARATIONS", "SOURCES", "DataSet", "Item", "digest", "fetch", "opened", "pin", "pixels", "prepared_scene"]

PLACES = "LIMNER_DATA"  # the environment variable with folders of sets
PIN, SCENES = "limner-data.json", "scenes.json"
SHIPPED = Path(__file__).parent / "pins"
FORMAT = 1
PUBLISHED, NOT_CHECKED = "published hashes", "not checked"

Hashes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Item:
    """A picture of a set. name: its path within the set, with /. sha256: of its file, "" if it is not known. pixels_sha256: of
    its pixels, see ``digest``, likewise. scene: what it shows, empty if nobody said."""

    name: str
    path: Path
    sha256: str = ""
    pixels_sha256: str = ""
    scene: Scene = field(default_factory=Scene)

    @property
    def words(self) -> str:
        """Its caption, "" if it has none."""
        return self.scene.caption


@dataclass(frozen=True)
class DataSet:
    """Pictures by name, sorted. Raises ImageError if there are none."""

    name: str
    folder: Path
    pictures: tuple[Item, ...]
    preparation: str = "none"
    checked: str = NOT_CHECKED
    note: str = ""

    def __post_init__(self) -> None:
        named(self.preparation)
        if not self.pictures:
            raise ImageError(f"{self.folder} holds no pictures ({', '.join(SUFFIXES)})")

    def pixels(self, item: Item) -> Pixels:
        """A picture as it is coded: (h, w, 3) uint8 sRGB. ImageError if it cannot be read or is not the one of the set."""
        return pixels(item, self.preparation)

    def check(self, told: Callable[[str], None] | None = None) -> None:
        """Read every picture. ImageError at the first that is not the one of the set."""
        for item in self.pictures:
            pixels(item)
            if told:
                told(item.name)

    def words_of_others(self, item: Item) -> tuple[str, ...]:
        """The captions of the other pictures that have one, in their order."""
        return tuple(one.words for one in self.pictures if one.name != item.name and one.words)


def opened(name_or_folder: str, preparation: str = "none", root: Path | None = None, scene_file: Path | None = None) -> DataSet:
    """A set by its name, or the pictures of a folder and of those below it.

    root: where the named set lies, None to look for it. scene_file: what the pictures show, None for the file beside them.
    ImageError if it is not here, or not the whole set: a part of one is opened as a folder.
    """
    if name_or_folder in SOURCES:
        return of_name(name_or_folder, preparation, placed(name_or_folder, root), scene_file)
    folder = root or Path(name_or_folder)
    if not folder.is_dir():
        raise ImageError(f"{name_or_folder} is no folder, and no data set has that name: there are {', '.join(SOURCES)}")
    # What is only called like a set is not taken for it.
    called = folder.resolve().name or "pictures"
    name = f"{called}-folder" if called in SOURCES else called
    hashes, checked = kept_hashes(folder / PIN)
    found = hashed(paths_in(folder), hashes, folder)
    return DataSet(name, folder, with_scenes(found, folder, scene_file), preparation, checked)


def of_name(name: str, preparation: str, folder: Path, scene_file: Path | None) -> DataSet:
    """A known set in its folder."""
    source = SOURCES[name]
    shipped = SHIPPED / f"{name}.json"
    hashes, checked = kept_hashes(shipped) if shipped.exists() else kept_hashes(folder / PIN)
    paths = dict(list(paths_in(folder).items())[: source.first])
    if len(paths) != source.pictures:
        raise ImageError(
            f"{folder} holds {len(paths)} pictures, and {name} ({source.what}) has {source.pictures}: give a part as a folder"
        )
    found = hashed(paths, hashes, folder)
    return DataSet(name, folder, with_scenes(found, folder, scene_file), preparation, checked, source.note)


def placed(name: str, root: Path | None) -> Path:
    """The folder of a known set. ImageError with what to do if it is not here."""
    places = [Path(place) / name for place in os.environ.get(PLACES, "").split(os.pathsep) if place]
    for folder in [root] if root else places:
        if folder.is_dir():
            return folder
    where = f"not in {root}" if root else "not here"
    advice = f"limner bench data fetch {name} --to FOLDER, or give its folder, or name the one above it in {PLACES}"
    raise ImageError(f"the data set {name} is {where}: {advice}")


def paths_in(folder: Path) -> dict[str, Path]:
    """The pictures in and below a folder by name, sorted; hidden ones are left out."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if is_picture(path, folder)}
    return dict(sorted(found.items()))


def hashed(paths: Mapping[str, Path], hashes: Hashes, folder: Path) -> tuple[Item, ...]:
    """Pictures with their hashes, where there are any. ImageError if these are of other pictures."""
    if hashes and paths.keys() != hashes.keys():
        odd = sorted(paths.keys() ^ hashes.keys())
        here = "is missing" if odd[0] in hashes else "is none of its pictures"
        raise ImageError(f"{folder} is not the set that was hashed: {odd[0]} {here}, {len(odd)} differences in all")
    return tuple(
        Item(name, path, hashes.get(name, {}).get("file", ""), hashes.get(name, {}).get("pixels", ""))
        for name, path in paths.items()
    )


def is_picture(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in parts) and path.is_file()


def pixels(item: Item, preparation: str = "none") -> Pixels:
    """A picture of a set, prepared: (h, w, 3) uint8 sRGB. ImageError if it cannot be read or is not the one that was hashed."""
    try:
        data = item.path.read_bytes()
    except OSError as error:
        raise ImageError(f"{item.path} cannot be read: {error.strerror}") from error
    found = image.load(data, name=os.fspath(item.path)).pixels
    if item.sha256 and hashlib.sha256(data).hexdigest() != item.sha256 and digest(found) != item.pixels_sha256:
        raise ImageError(f"{item.path} is not the picture of the data set: neither its file nor its pixels have the hash")
    return prepared(found, preparation)


def digest(pixels: Pixels) -> str:
    """SHA-256 in hex of ``f"{width} {height}\\n"`` and the bytes of (h, w, 3) uint8 pixels, row by row."""
    return hashlib.sha256(b"%d %d\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()).hexdigest()


def kept_hashes(path: Path) -> tuple[Hashes, str]:
    """The hashes in a file, and what ``DataSet.checked`` says of them. ImageError if it is there and damaged."""
    if not path.exists():
        return {}, NOT_CHECKED
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["limner_data"] != FORMAT:
            raise ValueError(f"its format is {kept['limner_data']}, not {FORMAT}")
        hashes = {str(name): {str(key): str(value) for key, value in one.items()} for name, one in kept["pictures"].items()}
        if not hashes or not all(one.get("file") for one in hashes.values()):
            raise ValueError("there are pictures without a hash")
        return hashes, str(kept["checked"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{path} holds no usable hashes ({error}): delete it and pin the set anew") from error


def pin(data: DataSet, origin: str = "", path: Path | None = None) -> Path:
    """Write the hashes of a set's pictures beside it; later it is held against them. Give the file.

    origin: what is known of where they come from, kept in ``checked``. ImageError if there are hashes already, or a picture
    cannot be read; OSError from the disk.
    """
    path = path or data.folder / PIN
    if path.exists():
        raise ImageError(f"{path} is there already: delete it to pin the set anew")
    pictures = {item.name: hashes_of(item) for item in data.pictures}
    day = datetime.now(UTC).date().isoformat()
    checked = f"pinned on {day}{origin and ', ' + origin}"
    kept = {"limner_data": FORMAT, "set": data.name, "checked": checked, "pictures": pictures}
    write_atomic(path, (json.dumps(kept, indent=1) + "\n").encode())
    return path


def hashes_of(item: Item) -> dict[str, str]:
    """Of the file and of the pixels."""
    return {"file": hashlib.sha256(item.path.read_bytes()).hexdigest(), "pixels": digest(pixels(item))}


def with_scenes(found: tuple[Item, ...], folder: Path, scene_file: Path | None) -> tuple[Item, ...]:
    """Pictures with what a file says of them, by their name in the set or that of their file. ImageError or SceneError."""
    path = scene_file or folder / SCENES
    if scene_file is None and not path.exists():
        return found
    try:
        kept = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ImageError(f"{path} holds no scenes that can be read: {error}") from error
    if not isinstance(kept, dict):
        raise ImageError(f"{path}: an object of scenes by the names of pictures is expected")
    said = {name: scenes.from_json(json.dumps(one), path.parent) for name, one in kept.items()}
    return tuple(replace(item, scene=said.get(item.name) or said.get(item.path.name) or item.scene) for item in found)


def fetch(name: str, folder: Path, told: Progress | None = None) -> DataSet:
    """Fetch a set into ``folder``/name, read every picture, pin it where its hashes do not ship. LimnerError if that fails."""
    data = opened(name, root=fetched(name, folder, told))
    if data.checked == NOT_CHECKED:
        pin(data, origin(SOURCES[name]))
        data = opened(name, root=data.folder)
    try:
        data.check()
    except ImageError as error:
        raise LimnerError(f"{error}: delete it and fetch {name} again") from error
    return data


def origin(source: Source) -> str:
    """What a pin says of pictures that were fetched."""
    hashed = all(remote.sha256 for remote in source.files)
    return "out of archives with the published SHA-256" if hashed else "as fetched, without a published hash"
