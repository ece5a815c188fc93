"""Files that describe codecs: what they may say, and what is told where they say something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from limner.bench.harness import external
from limner.bench.harness.programs import Programs, qualities, read
from limner.errors import LimnerError

GOOD = """
name = "toy"
encode = ["enc", "-q", "{quality}", "{input}", "{output}"]
decode = "dec '{input}' {output}"
qualities = "1..4"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "toy.toml"
    path.write_text(text)
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    found = read(written(tmp_path, GOOD))
    assert found == Programs(
        "toy",
        ("enc", "-q", "{quality}", "{input}", "{output}"),
        ("dec", "{input}", "{output}"),
        tmp_path.resolve(),
        qualities=("1", "2", "3", "4"),
    )
    assert not found.knows_size and found.used == {"quality", "input", "output"}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("qualities", "quality", "quality: there is no such field, only .*qualities"),
        ('name = "toy"', "", "name: is missing"),
        ('name = "toy"', "name = 3", "name: text"),
        ('name = "toy"', 'name = "a b"', "name: letters"),
        ('name = "toy"', 'name = "toy"\ninput = "yuv"', "input: png, ppm, y4m"),
        ('name = "toy"', 'name = "toy"\noutput = "webp"', "output: png, ppm, y4m"),
        ('name = "toy"', 'name = "toy"\nsuffix = "webp"', "suffix: as .bin"),
        ('name = "toy"', 'name = "toy"\nsuffix = "./a"', "suffix: as .bin"),
        ('name = "toy"', 'name = "toy"\ntimeout_s = 0', "timeout_s: seconds over 0"),
        ('name = "toy"', 'name = "toy"\ntimeout_s = "long"', "timeout_s: a number"),
        ('name = "toy"', 'name = "toy"\nneeds = "models"', "needs: a list of texts"),
        ('name = "toy"', 'name = "toy"\nversion = []', "version: a program"),
        ('name = "toy"', 'name = "toy"\nversion = ["enc", "{input}"]', "version: there is no {input}"),
        ('name = "toy"', 'name = "toy', "toy.toml: "),
        ('"{input}", "{output}"]', '"{input}"]', "encode: {output} is missing"),
        (" {output}", " out", "decode: {output} is missing"),
        ("'{input}'", "'{input}' {quality}", "decode: there is no {quality}"),
        ("'{input}'", "'{input}' {words_file}", "decode: there is no {words_file}"),
        ("'{input}'", "'{input}' {budget}", "decode: there is no {budget}"),
        ("'{input}'", "'{input}' {original}", "decode: there is no {original}"),
        ('"-q", "{quality}"', '"-q", "{quality"', "encode: .*a brace itself is written twice"),
        ('"-q", "{quality}"', '"-q", "{}"', "encode: .*a name is expected"),
        ('"-q", "{quality}"', '"-q", "{quality!r}"', "encode: .*a name is expected"),
        ('"-q", "{quality}"', '"-q", "{quality.real}"', "encode: there is no"),
        ('"-q", "{quality}"', '"-q", "3"', "qualities and {quality} in encode come together"),
        ('"-q", "{quality}"', '"-q", "{quality}", "{budget}"', "exclude each other"),
        ('qualities = "1..4"', "", "qualities and {quality} in encode come together"),
        ('"1..4"', '"1-4"', "a range as 0..100"),
        ('"1..4"', '"1..40000"', "qualities: there are over"),
        ('"1..4"', "[1, true]", "a list of numbers or texts"),
        ('"1..4"', "[1, 1]", "there twice"),
        ('["enc", "-q", "{quality}", "{input}", "{output}"]', "[]", "encode: a program"),
        ('["enc", "-q", "{quality}", "{input}", "{output}"]', "[3]", "encode: a list of texts"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(LimnerError, match=why) as caught:
        read(written(tmp_path, GOOD.replace(old, new)))
    assert "toy.toml: " in str(caught.value)


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="No such file"):
        read(tmp_path / "toy.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(LimnerError, match=r"bad.toml"):
        read(tmp_path / "bad.toml")


def test_qualities_go_from_the_smallest_file_to_the_largest() -> None:
    assert qualities("63..60") == ("63", "62", "61", "60")
    assert qualities([25, 1.5, "best"]) == ("25", "1.5", "best")
    assert qualities([]) == ()


def test_the_codecs_of_the_package_can_be_read() -> None:
    found = external.shipped()
    assert {"cwebp", "avifenc", "cjxl", "bpg", "vvc"} <= found.keys()
    for name, programs in found.items():
        lacking = external.missing(programs)
        assert set(lacking) <= {programs.encode[0], programs.decode[0]}, name
        assert bool(lacking) == any(shutil.which(words[0]) is None for words in (programs.encode, programs.decode))
