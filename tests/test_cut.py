"""Files whose end is missing: read, painted and told of as parts, by every system that sends latents; never unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from limner import api, files
from limner.cli import main
from limner.container.blob import Layer, pack, unpack
from limner.describe.scene import Scene
from limner.errors import DecodeError, LimnerError, WrongModelError
from limner.layers import text
from limner.layers.prefix import Part
from limner.systems.miniature import Miniature

SIZE = (144, 96)
PICTURE = scene(*SIZE)
BLOB = api.encode(PICTURE, quality=20)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean square difference."""
    return float(np.square(one.astype(float) - other).mean())


def parts_of(blob: bytes, **options: Any) -> tuple[np.ndarray, list[Part]]:
    parts: list[Part] = []
    return api.decode(blob, cut=True, told=parts.append, **options), parts


def test_a_longer_start_is_a_better_picture() -> None:
    errors, shares = [], []
    for part in (0.2, 0.4, 0.7, 0.95):
        pixels, (told,) = parts_of(BLOB[: int(part * len(BLOB))])
        assert pixels.shape == PICTURE.shape and told.known < told.symbols
        errors.append(apart(pixels, PICTURE))
        shares.append(told.share)
    assert errors == sorted(errors, reverse=True) and shares == sorted(shares)
    assert np.abs(np.subtract(shares, (0.2, 0.4, 0.7, 0.95))).max() < 0.15


def test_a_whole_file_is_read_as_ever() -> None:
    pixels, told = parts_of(BLOB)
    assert not told and (pixels == api.decode(BLOB)).all()


def test_what_is_known_of_a_part_is_in_the_whole() -> None:
    whole = files.read(BLOB)
    assert isinstance(whole, files.OfMiniature) and whole.part is None
    for length in range(10, len(BLOB), 7):
        part = files.read(BLOB[:length], cut=True)
        assert isinstance(part, files.OfMiniature) and part.part is not None
        assert part.fitted.layer.quality == whole.fitted.layer.quality
        sent = part.fitted.layer.hyper != 0
        assert (part.fitted.layer.hyper[sent] == whole.fitted.layer.hyper[sent]).all()


def test_nobody_reads_a_part_who_did_not_ask() -> None:
    for blob in (BLOB[:-1], BLOB[: len(BLOB) // 2], BLOB[:12]):
        for options in ({}, {"salvage": True}):
            with pytest.raises(DecodeError):
                files.read(blob, **options)


def test_one_way_at_a_time() -> None:
    with pytest.raises(LimnerError, match="one of cut and salvage"):
        api.decode(BLOB[:60], cut=True, salvage=True)


def test_every_start_is_read_or_refused() -> None:
    for length in range(len(BLOB)):
        try:
            files.read(BLOB[:length], cut=True)
        except DecodeError as error:
            assert length <= 11 and error.offset <= length
    damaged = bytearray(BLOB)
    for place in range(0, len(BLOB), 5):
        damaged[place] ^= 0xA5
        try:
            files.read(bytes(damaged), cut=True)
        except LimnerError:
            continue


def test_weights_must_be_those_of_the_file() -> None:
    with pytest.raises(WrongModelError):
        api.decode(BLOB[:3] + bytes(2) + BLOB[5:60], cut=True)


def test_words_before_latents_are_kept() -> None:
    header = unpack(BLOB)
    words = Layer(2, text.write(text.fit("a green hill")))
    both = pack(header.__class__(header.system, header.model, *SIZE, (words, *header.layers)))
    start = both[: len(both) * 6 // 10]
    found = files.read(start, cut=True)
    assert found.part is not None and found.header.layers[0] == words
    with pytest.raises(LimnerError):
        files.read(start, salvage=True)


def test_a_reference_that_was_cut_is_shown_alone() -> None:
    told = Scene(overall="a green hill under a blue sky")
    blob = api.encode(PICTURE, system="sedic", scene=told, quality=12)
    body = unpack(blob).layers[0].body
    at = blob.index(body)
    pixels, parts = parts_of(blob[: at + len(body) // 2], stages=0)
    assert parts[0].share == pytest.approx(0.5, abs=0.15)
    whole = api.decode(blob, stages=0)
    assert 0 < apart(pixels, whole) < apart(np.full_like(whole, 128), whole)
    # The reference is whole, its check is there, the words are cut: that is no part of latents.
    _, parts = parts_of(blob[:-4], stages=0)
    assert not parts


def test_the_command_paints_a_start_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "hill.limn"
    place.write_bytes(BLOB[: len(BLOB) // 2])
    assert main(["decode", str(place)]) == 1 and main(["decode", str(place), "--salvage"]) == 1
    assert main(["decode", str(place), "--salvage", "--cut"]) == 2
    capsys.readouterr()
    assert main(["decode", str(place), "--cut", "--json"]) == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["part"] == pytest.approx(0.5, abs=0.15) and "no check guards it" in facts["warnings"][0]
    assert f"about {100 * facts['part']:.0f} %" in said.err
    with Image.open(place.with_suffix(".png")) as image:
        assert image.info["limner:part"].startswith("the start of a file, about")
        assert (np.asarray(image) == api.decode(place.read_bytes(), cut=True)).all()
    place.write_bytes(BLOB)
    assert main(["decode", str(place), "--cut", "--json", "--overwrite"]) == 0
    said = capsys.readouterr()
    assert "part" not in json.loads(said.out) and not said.err


def test_packets_before_a_gap_are_painted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hill.limn").write_bytes(BLOB)
    folder, start = tmp_path / "sent", str(tmp_path / "start.limn")
    assert main(["packets", "make", str(tmp_path / "hill.limn"), "--payload", "24", "-o", str(folder)]) == 0
    sent = sorted(map(str, folder.iterdir()))
    assert main(["packets", "join", *sent[:2], *sent[3:], "-o", start]) == 1
    assert main(["packets", "join", *sent[1:], "-o", start, "--cut"]) == 1
    assert not Path(start).exists()
    assert main(["packets", "join", *sent[:2], *sent[3:], "-o", start, "--cut"]) == 0
    assert "before the gap" in capsys.readouterr().err
    assert BLOB.startswith(Path(start).read_bytes()) and 30 < len(Path(start).read_bytes()) < 50
    assert main(["decode", start, "--cut"]) == 0


def test_the_codec_reads_a_body_that_was_never_in_a_file() -> None:
    codec, header = Miniature(files.miniature.embedded().weights), unpack(BLOB)
    (layer,) = header.layers
    short = header.__class__(header.system, header.model, *SIZE, (Layer(1, layer.body[:-9]),))
    fitted = codec.read_start(short)
    assert fitted.part is not None and fitted.size_bytes == len(layer.body) - 9
