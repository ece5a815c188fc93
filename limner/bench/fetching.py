"""Fetching a data set, when somebody asks for it and never otherwise.

    https, resumed where it was cut off -> NAME.part -> length and SHA-256, where published -> pictures -> pinned

An archive is deleted once its pictures are out. Nothing of an archive but pictures is unpacked, each under its bare name.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPMessage
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from limner.bench.sources import SOURCES, SUFFIXES, Remote
from limner.errors import LimnerError

Progress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes that are here, and those that it has, 0 if that is not known."""
Open = Callable[[str, int], tuple[IO[bytes], int, int]]
"""An address and how many bytes are here already -> a stream, the byte it starts with, and the whole length, 0 if not known."""

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 60
NO_MORE = 416


class OnlyHttps(HTTPRedirectHandler):
    """Follows a redirection from https to https and to nowhere else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        secure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def secure(url: str) -> None:
    """LimnerError unless an address is of https."""
    if not url.startswith("https://"):
        raise LimnerError(f"{url} is not fetched: only https is")


def open_https(url: str, here_bytes: int) -> tuple[IO[bytes], int, int]:
    """Open an address behind what is here already, if the server can; else from the start."""
    secure(url)
    asked = Request(url, headers={"User-Agent": "limner", **({"Range": f"bytes={here_bytes}-"} if here_bytes else {})})
    answer = build_opener(OnlyHttps).open(asked, timeout=TIMEOUT_S)
    start = here_bytes if answer.status == 206 else 0
    length = int(answer.headers.get("Content-Length") or 0)
    return answer, start, start + length if length else 0


def fetched(name: str, folder: Path, told: Progress | None = None, opened: Open = open_https) -> Path:
    """Fetch a set's files into ``folder``/``name``; give that folder. What is there already is not fetched again.

    LimnerError if there is no such set, a server does not answer, or a file is not what is published.
    """
    if name not in SOURCES:
        raise LimnerError(f"there is no data set {name!r}: there are {', '.join(SOURCES)}")
    target = folder / name
    for remote in SOURCES[name].files:
        place = target / remote.into
        place.mkdir(parents=True, exist_ok=True)
        done = place / f".{remote.name}.done"
        if done.exists() or (not remote.is_archive and (place / remote.name).exists()):
            continue
        whole = download(remote, place, told, opened)
        if remote.is_archive:
            unpack(whole, place, remote)
            whole.unlink()
            done.write_text(f"{remote.url} {remote.sha256}\n", "utf-8")
    return target


def download(remote: Remote, place: Path, told: Progress | None, opened: Open) -> Path:
    """One file, whole and checked, under its name."""
    part, whole = place / f"{remote.name}.part", place / remote.name
    if whole.exists():
        return whole
    try:
        receive(remote, part, told, opened)
    except (OSError, HTTPException) as error:
        kept = part.stat().st_size if part.exists() else 0
        raise LimnerError(f"{remote.url}: {error} ({kept} bytes are kept: ask again to go on)") from error
    found = sha256_of(part)
    if remote.sha256 and found != remote.sha256:
        part.unlink()
        raise LimnerError(f"{remote.url}: its SHA-256 is {found}, not the published {remote.sha256}: it was deleted")
    return part.replace(whole)


def receive(remote: Remote, part: Path, told: Progress | None, opened: Open) -> None:
    """Write what comes behind what is there. OSError if it ends too early."""
    here = part.stat().st_size if part.exists() else 0
    if remote.size_bytes and here == remote.size_bytes:
        return
    try:
        stream, start, length = opened(remote.url, here)
    except HTTPError as error:
        # A server that is asked for what is behind the end says so: the file was whole.
        if error.code == NO_MORE and here and not remote.size_bytes:
            return
        raise
    with stream, part.open("r+b" if here else "wb") as file:
        file.seek(start)
        file.truncate()
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
            file.write(chunk)
            if told:
                told(remote.name, file.tell(), remote.size_bytes or length)
        came = file.tell()
    expected = remote.size_bytes or length
    if expected and came != expected:
        raise OSError(f"{came} bytes came of {expected}")


def unpack(archive: Path, place: Path, remote: Remote) -> None:
    """The pictures of an archive, each written whole. LimnerError if there are none, or two of one name."""
    try:
        with zipfile.ZipFile(archive) as file:
            members = list(pictures_in(file, remote.inside))
            names = [PurePosixPath(member.filename).name for member in members]
            if not members or len(set(names)) < len(names):
                raise LimnerError(f"{remote.url}: {len(names)} pictures with {len(set(names))} names are in the archive")
            for member, name in zip(members, names, strict=True):
                part = place / f"{name}.part"
                with file.open(member) as source, part.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                part.replace(place / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        archive.unlink()
        raise LimnerError(f"{remote.url} is no usable archive ({error}): it was deleted") from error


def pictures_in(file: zipfile.ZipFile, inside: str) -> Iterator[zipfile.ZipInfo]:
    """Members that are pictures, in folders of that name, hidden ones left out."""
    for member in file.infolist():
        path = PurePosixPath(member.filename)
        hidden = path.name.startswith(".") or "__MACOSX" in path.parts
        if not hidden and path.suffix.lower() in SUFFIXES and inside in str(path.parent):
            yield member


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
