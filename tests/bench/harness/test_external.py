"""Pairs of programs: the quality that is sought, what they are told, and those that cheat."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from toy_codec import DECODE, ENCODE, SIZE_PX, data_set, item_of, programs, subject, toy

from limner.bench.harness import seal as sealing
from limner.bench.harness.external import External, shipped, version_of
from limner.bench.harness.pictures import from_file
from limner.bench.harness.programs import Programs, read
from limner.bench.harness.record import Record
from limner.bench.harness.run import Plan, tasks_of
from limner.bench.harness.seal import FOLDERS, NAMESPACE, Seal, best_grade
from limner.bench.harness.system import Setting, StageError, with_budget
from limner.bench.harness.trial import records
from limner.errors import LimnerError
from limner.image import Pixels

HERE = Seal(best_grade())
GRADES = [FOLDERS, pytest.param(NAMESPACE, marks=pytest.mark.skipif(best_grade() != NAMESPACE, reason="no user namespaces"))]
each_grade = pytest.mark.parametrize("grade", GRADES)
EMPTY_FILE = "import sys\nopen(sys.argv[2], 'wb').close()\n"


def sizes(codec: External) -> dict[str, int]:
    settings = [Setting("x", quality=quality) for quality in codec.programs.qualities]
    return {setting.quality: len(codec.encode(subject(), setting, HERE).blob) for setting in settings}


def decoded(codec: External, blob: bytes) -> Pixels:
    how = codec._decoding(subject())
    ended = sealing.run(how.command, {how.source: blob}, how.target, HERE)
    assert ended.output is not None
    return from_file(ended.output, "ppm")


def test_the_best_quality_that_fits_is_found(tmp_path: Path) -> None:
    all_sizes = sizes(External(programs(tmp_path, qualities=range(1, 7))))
    assert list(all_sizes.values()) == sorted(all_sizes.values())
    for budget in (min(all_sizes.values()), 1500, 4000, 10**6):
        best = max((quality for quality, size in all_sizes.items() if size <= budget), key=int)
        encoded = External(read(tmp_path / "toy.toml")).encode(subject(), with_budget(budget, ""), HERE)
        assert encoded.chosen == f"quality={best}" and len(encoded.blob) == all_sizes[best] <= budget
        assert encoded.cost is not None and encoded.cost.cpu_s > 0


def test_what_does_not_fit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="no quality of toy makes 20 bytes or less") as caught:
        toy(tmp_path).encode(subject(), with_budget(20, ""), HERE)
    assert caught.value.error == "BudgetError"


def test_a_file_is_made_once_for_all_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codec, runs = toy(tmp_path), []
    real = External._run
    monkeypatch.setattr(External, "_run", lambda self, *given: runs.append(given[1]) or real(self, *given))
    one, other = subject(0), subject(1)
    for budget in (1000, 2000, 4000):
        codec.encode(one, with_budget(budget, ""), HERE)
    assert len(runs) == len(set(runs))
    # Another picture is another file.
    assert codec.encode(other, with_budget(2000, ""), HERE).blob != codec.encode(one, with_budget(2000, ""), HERE).blob


def test_the_best_quality_is_the_picture_itself(tmp_path: Path) -> None:
    codec = toy(tmp_path)
    encoded = codec.encode(subject(), Setting("quality=8", quality="8"), HERE)
    assert np.array_equal(decoded(codec, encoded.blob), subject().pixels)


def test_settings_are_budgets_or_qualities(tmp_path: Path) -> None:
    assert [one.text for one in toy(tmp_path, (500, 900)).settings()] == ["target_bytes=500", "target_bytes=900"]
    assert [one.text for one in toy(tmp_path).settings()] == ["quality=1", "quality=4", "quality=8"]


def written(folder: Path, **lines: object) -> Programs:
    path = folder / "own.toml"
    path.write_text("".join(f"{key} = {value!r}\n".replace("'", '"') for key, value in lines.items()))
    return read(path)


def test_an_encoder_is_told_budget_words_and_size_and_a_decoder_the_size(tmp_path: Path) -> None:
    code = "import sys\ntold = [*sys.argv[2:-1], open(sys.argv[-1]).read()]\nopen(sys.argv[1], 'w').write('|'.join(told))"
    (tmp_path / "tell.py").write_text(code)
    start = ["python3", "-I", "-S", "{here}/tell.py", "{output}"]
    own = written(
        tmp_path,
        name="own",
        encode=[*start, "{budget}", "{width}x{height}", "{input}", "{words_file}"],
        decode=[*start, "{width}x{height}", "{input}"],
    )
    codec = External(own, (500,))
    (setting,) = codec.settings()
    assert codec.takes_words and setting.text == "target_bytes=500 beside=size"
    encoded = codec.encode(subject(caption="a hill"), setting, HERE)
    assert encoded.blob == b"500|96x64|picture.png|a hill"
    assert encoded.decoding.command.words[4:] == ("picture.png", "96x64", "file.bin")


def test_one_that_aims_needs_a_budget(tmp_path: Path) -> None:
    lines = {"encode": ["enc", "{budget}", "{input}", "{output}"], "decode": ["dec", "{input}", "{output}"]}
    own = written(tmp_path, name="own", **lines)
    with pytest.raises(LimnerError, match="give it one"):
        External(own).encode(subject(), Setting("default"), HERE)


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    own = written(tmp_path, name="own", encode=["no-such-enc", "{input}", "{output}"], decode=["dec", "{input}", "{output}"])
    with pytest.raises(LimnerError, match="own: the program no-such-enc is not installed"):
        External(own).encode(subject(), Setting("default"), HERE)


def test_versions_are_what_the_programs_say(tmp_path: Path) -> None:
    lines = {"encode": ["enc", "{input}", "{output}"], "decode": ["dec", "{input}", "{output}"]}
    told = written(tmp_path, name="own", **lines, version=["sh", "-c", "echo; echo own 1.2 >&2; echo more >&2"])
    assert version_of(told) == "own 1.2"
    assert External(told).versions()["encode"] == "enc '{input}' '{output}'"
    assert version_of(written(tmp_path, name="own", **lines)) == "not told"


@pytest.mark.parametrize(
    ("encode", "error", "message"),
    [
        ("import sys\nsys.exit('no such setting')", "ExitStatus", "exit code 1: no such setting"),
        ("pass", "NoOutput", "no plain file"),
        ("import os\nos.abort()", "Killed", "signal 6"),
        ("import time\ntime.sleep(60)", "TimeoutError", "took over 0.5 s"),
    ],
)
def test_an_encoder_that_fails_says_how(tmp_path: Path, encode: str, error: str, message: str) -> None:
    codec = External(programs(tmp_path, encode, timeout_s=0.5))
    with pytest.raises(StageError, match=message) as caught:
        codec.encode(subject(), Setting("quality=1", quality="1"), HERE)
    assert caught.value.error == error


def through(codec: External, tmp_path: Path, grade: str) -> Record:
    """The record of the first picture of a set."""
    plan = Plan(data_set(tmp_path / "data"), (codec,), ("psnr_db",), Seal(grade))
    return records(tasks_of(plan, tmp_path / "out")[0])[0]


def reads(path: str) -> str:
    """A decoder that shows a picture of the disk in place of its file."""
    return f"import os, shutil, sys\nshutil.copyfile({path}, sys.argv[2])\n"


@each_grade
def test_an_honest_codec_passes(grade: str, tmp_path: Path) -> None:
    record = through(toy(tmp_path / "toy", (2500,)), tmp_path, grade)
    assert record.failure is None and record.bytes is not None and record.bytes <= 2500
    assert record.versions["seal"] == grade
    assert record.decode is not None and record.figures["psnr_db"] > 15


@pytest.mark.skipif(best_grade() != NAMESPACE, reason="no user namespaces")
def test_a_decoder_that_opens_the_original_fails(tmp_path: Path) -> None:
    data = data_set(tmp_path / "data")
    original = str(item_of(data, "a.png").path)
    codec = toy(tmp_path / "toy", (500,), EMPTY_FILE, reads(repr(original)))
    record = through(codec, tmp_path, NAMESPACE)
    assert record.failure is not None and record.failure.stage == "decode"
    assert "No such file" in record.failure.message and record.figures == {}


@each_grade
@pytest.mark.parametrize("place", ["HOME", "TMPDIR", "PWD"])
def test_a_decoder_that_opens_what_its_encoder_left_fails(grade: str, place: str, tmp_path: Path) -> None:
    stash = f"os.environ['{place}'] + '/stash.ppm'"
    leave = f"import os, shutil, sys\nshutil.copyfile(sys.argv[1], {stash})\n" + EMPTY_FILE
    record = through(toy(tmp_path / "toy", (500,), leave, reads(stash)), tmp_path, grade)
    assert record.failure is not None and record.failure.stage == "decode"
    assert "No such file" in record.failure.message


@pytest.mark.skipif(best_grade() != NAMESPACE, reason="no user namespaces")
@pytest.mark.parametrize("place", ["/tmp", "/dev/shm", "/var/tmp", "{home}", "{scripts}"])
def test_nothing_is_left_elsewhere_either(place: str, tmp_path: Path) -> None:
    folder = place.format(home=Path.home(), scripts=tmp_path / "toy")
    stash = repr(f"{folder}/limner-test-stash.ppm")
    leave = f"import shutil, sys\ntry: shutil.copyfile(sys.argv[1], {stash})\nexcept OSError: pass\n" + EMPTY_FILE
    record = through(toy(tmp_path / "toy", (500,), leave, reads(stash)), tmp_path, NAMESPACE)
    assert record.failure is not None and record.failure.stage == "decode"
    assert not Path(folder, "limner-test-stash.ppm").exists()


@each_grade
def test_a_decoder_that_links_to_the_original_fails(grade: str, tmp_path: Path) -> None:
    original = str(tmp_path / "data" / "a.png")
    for call in ("symlink", "link"):
        link = f"import os, sys\nos.{call}({original!r}, sys.argv[2])\n"
        record = through(toy(tmp_path / "toy", (500,), EMPTY_FILE, link), tmp_path, grade)
        assert record.failure is not None and record.failure.stage == "decode"


@each_grade
def test_a_process_that_an_encoder_leaves_behind_does_not_serve_its_decoder(grade: str, tmp_path: Path) -> None:
    socket = "'\\0limner-test-stray'"
    serve = f"""
import os, socket, sys
data = open(sys.argv[1], 'rb').read()
server = socket.socket(socket.AF_UNIX)
server.bind({socket})
server.listen()
if os.fork() == 0:
    os.setsid()
    while True:
        server.accept()[0].sendall(data)
open(sys.argv[2], 'wb').close()
"""
    ask = f"import socket, sys\nclient = socket.socket(socket.AF_UNIX)\nclient.connect({socket})\n"
    record = through(toy(tmp_path / "toy", (500,), serve, ask), tmp_path, grade)
    assert record.failure is not None and record.failure.stage == "decode"
    assert "refused" in record.failure.message


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        ("import sys\nopen(sys.argv[2], 'w').write('no picture')", "not a picture"),
        (DECODE.replace("size + b", "b'48 32' + b"), "painted were 48 x 32 px, not 96 x 64"),
    ],
)
def test_what_is_not_the_picture_is_a_failure_of_the_decoder(decode: str, message: str, tmp_path: Path) -> None:
    record = through(toy(tmp_path / "toy", (1500,), ENCODE, decode), tmp_path, HERE.grade)
    assert record.failure is not None and (record.failure.stage, message in record.failure.message) == ("decode", True)
    assert record.bytes is not None and record.blob_sha256 is not None


def test_a_file_over_its_budget_is_a_failure_of_the_encoder(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "fat.py").write_text("import sys\nopen(sys.argv[1], 'wb').write(bytes(501))")
    own = written(
        tmp_path / "toy",
        name="own",
        encode=["python3", "{here}/fat.py", "{output}", "{input}", "{budget}"],
        decode=["python3", "{here}/fat.py", "{output}", "{input}"],
    )
    record = through(External(own, (500,)), tmp_path, HERE.grade)
    assert record.failure is not None and (record.failure.stage, record.failure.error) == ("encode", "OverBudget")
    assert record.bytes is None and "over the budget of 500" in record.failure.message


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_codecs_of_the_package_run_where_they_are_installed(name: str, tmp_path: Path) -> None:
    found = shipped()[name]
    if any(shutil.which(words[0]) is None for words in (found.encode, found.decode)):
        pytest.skip(f"{found.encode[0]} is not installed")
    record = through(External(found, (2000,)), tmp_path, HERE.grade)
    assert record.failure is None and record.figures["psnr_db"] > 20, record.failure
    assert (record.width_px, record.height_px) == SIZE_PX
