"""Which input becomes which output."""

from __future__ import annotations

import os
import sys
import tracemalloc
from pathlib import Path

import pytest
import typer

from limner.cli.plan import Job, Naming, read_only_jobs, writing_jobs

PICTURES = {".jpg", ".png"}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("in/b.jpg", "in/a.png", "in/deep/c.JPG", "in/words.txt", "d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(
    *inputs: str, output: str | None = None, recursive: bool = False, overwrite: bool = False, skip: bool = False
) -> list[Job]:
    return writing_jobs(inputs, PICTURES, Naming(output, ".limn", overwrite, skip), recursive=recursive)


def pairs(jobs: list[Job]) -> list[tuple[str, str | None]]:
    return [(job.source, job.target) for job in jobs]


def test_names_the_output_after_the_input(tree: Path) -> None:
    assert plan("d.jpg") == [Job("d.jpg", "d.limn")]


def test_one_file_has_a_name_or_a_folder(tree: Path) -> None:
    assert plan("d.jpg", output="x.bin") == [Job("d.jpg", "x.bin")]
    assert plan("d.jpg", output="in") == [Job("d.jpg", os.path.join("in", "d.limn"))]
    assert plan("d.jpg", output="new/") == [Job("d.jpg", os.path.join("new", "d.limn"))]


def test_several_files_have_a_folder(tree: Path) -> None:
    assert pairs(plan("d.jpg", "in/b.jpg", output="out")) == [("d.jpg", "out/d.limn"), ("in/b.jpg", "out/b.limn")]


def test_folders_keep_their_tree_and_order(tree: Path) -> None:
    found = pairs(plan("in", recursive=True, output="out"))
    assert found == [("in/a.png", "out/a.limn"), ("in/b.jpg", "out/b.limn"), ("in/deep/c.JPG", "out/deep/c.limn")]
    assert pairs(plan("in", recursive=True))[2] == ("in/deep/c.JPG", "in/deep/c.limn")


def test_a_folder_needs_leave(tree: Path) -> None:
    with pytest.raises(typer.BadParameter, match="add -r"):
        plan("in")


def test_a_folder_without_pictures_is_a_fault(tree: Path) -> None:
    (tree / "none").mkdir()
    (job,) = plan("none", recursive=True)
    assert job.fault == "no file in it ends in .jpg .png"


@pytest.mark.skipif(os.name == "nt", reason="modes of Unix")
def test_a_folder_that_cannot_be_read_is_a_fault(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert [job.fault for job in plan("in", recursive=True)] == [None, None, "Permission denied"]


def test_streams_stand_alone(tree: Path) -> None:
    assert plan("-") == [Job("-", "-")]
    assert plan("-", output="x.limn") == [Job("-", "x.limn")]
    assert plan("d.jpg", output="-") == [Job("d.jpg", "-")]
    for words in (("-", "d.jpg"), ("d.jpg", "in/b.jpg")):
        with pytest.raises(typer.BadParameter):
            plan(*words, output="-")
    with pytest.raises(typer.BadParameter):
        plan("in", output="-", recursive=True)
    with pytest.raises(typer.BadParameter):
        read_only_jobs(["-", "d.jpg"], PICTURES, recursive=False)


def test_an_output_that_exists_is_a_fault_unless_something_is_asked(tree: Path) -> None:
    (tree / "d.limn").touch()
    assert plan("d.jpg")[0].fault == "d.limn exists: --overwrite or --skip"
    assert plan("d.jpg", overwrite=True) == [Job("d.jpg", "d.limn")]
    assert plan("d.jpg", skip=True) == [Job("d.jpg", "d.limn", skip=True)]


def test_an_input_is_never_replaced(tree: Path) -> None:
    (job,) = plan("d.jpg", output="d.jpg", overwrite=True)
    assert job.fault is not None and "replace the input" in job.fault


def test_two_inputs_never_share_an_output(tree: Path) -> None:
    first, second = plan("d.jpg", "in/d.jpg", output="out", overwrite=True)
    assert first.fault is None
    assert second.fault == "out/d.limn is already the output of d.jpg"
    again = plan("d.jpg", "d.jpg")
    assert [job.fault for job in again] == [None, "d.limn is already the output of d.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_a_pipe_in_a_folder_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "in" / "aa.jpg")
    assert [job.source for job in plan("in", recursive=True)] == ["in/a.png", "in/b.jpg", "in/deep/c.JPG"]


def test_a_file_may_be_called_as_a_stream_is(tree: Path) -> None:
    (tree / "-").write_text("no stream")
    assert [job.source for job in plan("./-")] == ["./-"]


def test_names_that_are_none_are_wrong_usage(tree: Path) -> None:
    for inputs, output in (([""], None), (["d.jpg"], ""), (["d.jpg", "in/a.png"], "d.jpg")):
        with pytest.raises(typer.BadParameter):
            plan(*inputs, output=output)


def test_a_name_that_no_disk_takes_is_left_to_its_job(tree: Path) -> None:
    name = "x" * 300 + ".jpg"
    assert [job.source for job in plan(name, "d.jpg")] == [name, "d.jpg"]


def test_a_link_leads_to_where_the_output_really_is(tree: Path) -> None:
    (tree / "real").mkdir()
    (tree / "linked").symlink_to("real")
    (tree / "real" / "b.limn").symlink_to("a.limn")
    first, second = plan("d.jpg", "d.jpg", output="linked/")
    assert (first.fault, second.fault) == (None, "linked/d.limn is already the output of d.jpg")
    for name in ("a.jpg", "b.jpg"):
        (tree / name).touch()
    first, second = plan("a.jpg", "b.jpg", output="real", overwrite=True)
    assert (first.fault, second.fault) == (None, "real/b.limn is already the output of a.jpg")


def test_this_folder_and_one_above_are_folders_too(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pairs(plan(".", recursive=True, output="out"))[0] == ("d.jpg", "out/d.limn")
    assert pairs(plan("./in/", recursive=True))[2] == ("in/deep/c.JPG", "in/deep/c.limn")
    monkeypatch.chdir(tree / "in")
    assert pairs(plan("..", recursive=True, output="out"))[1] == ("../in/a.png", "out/in/a.limn")


def test_a_plan_holds_little_more_than_names(tmp_path: Path) -> None:
    for folder in range(10):
        (tmp_path / f"{folder:04}").mkdir()
        for name in range(200):
            (tmp_path / f"{folder:04}" / f"{name:04}.jpg").touch()
    tracemalloc.start()
    try:
        jobs = plan(str(tmp_path), recursive=True)
        held_bytes, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    names_bytes = sum(sys.getsizeof(job.source) + sys.getsizeof(job.target) for job in jobs)
    assert len(jobs) == 2000
    assert held_bytes < names_bytes + 150 * len(jobs)
    assert peak_bytes < names_bytes + 400 * len(jobs)
