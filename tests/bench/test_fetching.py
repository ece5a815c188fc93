"""Fetching of data sets: resumed, checked, unpacked, pinned, over https alone, and never unless it is asked for."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.request import Request

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from limner.bench import datasets, fetching
from limner.bench.datasets import fetch, opened
from limner.bench.fetching import OnlyHttps, fetched, open_https
from limner.bench.sources import SOURCES, Remote, Source
from limner.errors import ImageError, LimnerError


class Server:
    """Addresses with bytes behind them. ``cut``: how many come before the line breaks; ``ranges``: whether it can go on."""

    def __init__(self, files: dict[str, bytes], ranges: bool = True) -> None:
        self.files, self.ranges, self.cut, self.asked = files, ranges, 10**9, list[tuple[str, int]]()

    def __call__(self, url: str, here: int) -> tuple[IO[bytes], int, int]:
        self.asked.append((url, here))
        start = here if self.ranges else 0
        data = self.files[url]
        if start >= len(data) > 0:
            raise HTTPError(url, 416, "nothing is there", None, None)  # type: ignore[arg-type]
        return io.BytesIO(data[start : start + self.cut]), start, len(data)


def png(number: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(scene(24, 16, number)).save(stream, "PNG")
    return stream.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return stream.getvalue()


MEMBERS = {
    "set/in/a.png": png(1),
    "set/in/../../b.PNG": png(2),
    "set/in/.c.png": b"hidden",
    "__MACOSX/set/in/a.png": b"of another system",
    "set/out/a.png": png(3),
    "set/in/readme.txt": b"text",
}
PLACE = "https://example.org/set.zip"


def known(monkeypatch: pytest.MonkeyPatch, *files: Remote, pictures: int = 2) -> None:
    monkeypatch.setitem(SOURCES, "mine", Source("a set", "https://example.org/", pictures, "24x16", files))


@pytest.mark.parametrize("ranges", [True, False])
def test_an_archive_is_fetched_resumed_checked_unpacked_and_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranges: bool
) -> None:
    data = archive(MEMBERS)
    known(monkeypatch, Remote(PLACE, len(data), hashlib.sha256(data).hexdigest(), inside="set/in", into="part"))
    server, told = Server({PLACE: data}, ranges), list[tuple[str, int, int]]()
    server.cut = 100
    with pytest.raises(LimnerError, match=f"100 bytes came of {len(data)} .100 bytes are kept: ask again"):
        fetched("mine", tmp_path, opened=server)
    server.cut = 10**9
    monkeypatch.setattr(datasets, "fetched", lambda name, folder, seen: fetched(name, folder, seen, server))
    found = fetch("mine", tmp_path, lambda *said: told.append(said))
    assert server.asked == [(PLACE, 0), (PLACE, 100)] and told[-1] == ("set.zip", len(data), len(data))
    assert [item.name for item in found.pictures] == ["part/a.png", "part/b.PNG"]
    assert np.array_equal(found.pixels(found.pictures[0]), scene(24, 16, 1))
    assert found.checked.startswith("pinned on ") and found.checked.endswith("out of archives with the published SHA-256")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        *(".set.zip.done", "a.png", "b.PNG", "limner-data.json")
    ]
    fetch("mine", tmp_path)
    assert len(server.asked) == 2


def test_single_files_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"https://example.org/{name}.png": png(number) for number, name in enumerate("ab")}
    known(monkeypatch, *(Remote(url) for url in files))
    server = Server(files)
    assert sorted(path.name for path in fetched("mine", tmp_path, opened=server).iterdir()) == ["a.png", "b.png"]
    fetched("mine", tmp_path, opened=server)
    assert len(server.asked) == 2
    monkeypatch.setattr(datasets, "fetched", lambda name, folder, seen: fetched(name, folder, seen, server))
    assert fetch("mine", tmp_path).checked.endswith("as fetched, without a published hash")


def test_a_file_that_was_whole_already_is_not_asked_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://example.org/a.png"
    known(monkeypatch, Remote(url), pictures=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.png.part").write_bytes(png(0))
    assert (fetched("mine", tmp_path, opened=Server({url: png(0)})) / "a.png").read_bytes() == png(0)


def test_what_is_not_what_is_published_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, Remote(PLACE, 0, "0" * 64))
    with pytest.raises(LimnerError, match="not the published 0000"):
        fetched("mine", tmp_path, opened=Server({PLACE: archive(MEMBERS)}))
    known(monkeypatch, Remote(PLACE))
    with pytest.raises(LimnerError, match="no usable archive"):
        fetched("mine", tmp_path, opened=Server({PLACE: b"no archive"}))
    assert [path for path in (tmp_path / "mine").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("members", [{"a.txt": b""}, {"x/a.png": png(0), "y/a.png": png(1)}])
def test_an_archive_of_other_things_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes]
) -> None:
    known(monkeypatch, Remote(PLACE))
    with pytest.raises(LimnerError, match=r"pictures with \d names"):
        fetched("mine", tmp_path, opened=Server({PLACE: archive(members)}))


def test_only_https_is_fetched_and_followed() -> None:
    with pytest.raises(LimnerError, match="only https is"):
        open_https("http://example.org/a.png", 0)
    asked = Request("https://example.org/a.png")
    with pytest.raises(LimnerError, match="only https is"):
        OnlyHttps().redirect_request(asked, io.BytesIO(), 302, "moved", None, "http://example.org/a.png")  # type: ignore[arg-type]


def test_nothing_is_fetched_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(url: str, here: int) -> tuple[IO[bytes], int, int]:
        raise AssertionError(url)

    monkeypatch.setattr(fetching, "open_https", never)
    monkeypatch.delenv("LIMNER_DATA", raising=False)
    for name in SOURCES:
        with pytest.raises(ImageError):
            opened(name)
        with pytest.raises(ImageError):
            opened(name, root=tmp_path)
    with pytest.raises(LimnerError, match="there is no data set 'clic'"):
        fetch("clic", tmp_path)


def test_the_sources_are_whole() -> None:
    assert {"kodak", "clic2020-test", "clic2020-professional", "div2k", "coco30k", "tecnick"} <= SOURCES.keys()
    for source in SOURCES.values():
        urls = [remote.url for remote in source.files]
        assert len(set(urls)) == len(urls) > 0 and all(url.startswith("https://") for url in urls)
        for remote in source.files:
            assert remote.is_archive or Path(remote.name).suffix == ".png"
            assert re.fullmatch("([0-9a-f]{64})?", remote.sha256) and (not remote.sha256 or remote.size_bytes > 0)
