"""What docs/serve.md says is so: its curl runs, its tables are those of the code. So it is with the files for containers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

import typer
from services import Live

from limner.cli.app import app
from limner.serve.metrics import Meter
from limner.serve.problems import KINDS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "serve.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8765"


def options() -> dict[str, tuple[str, object]]:
    """Options of ``limner serve``: name -> variable, usual value."""
    (command,) = (one for name, one in typer.main.get_command(app).commands.items() if name == "serve")  # type: ignore[attr-defined]
    kept = [one for one in command.params if one.envvar]
    return {one.opts[0]: (str(one.envvar), one.default) for one in kept}


def scripts() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [block for block in blocks if ADDRESS in block]


def test_there_are_examples() -> None:
    assert len(scripts()) >= 5 and sum(block.count("curl ") for block in scripts()) >= 15


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("python3") is None, reason="needs curl and python3")
def test_the_examples_run(live: Live, picture: bytes, tmp_path: Path) -> None:
    (tmp_path / "harbour.jpg").write_bytes(picture)
    # An answer that is an error is one of the command, too.
    (tmp_path / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    whole = "set -e\n" + "\n".join(scripts()).replace(ADDRESS, live.url)
    done = subprocess.run(
        ["bash", "-c", whole], cwd=tmp_path, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "CURL_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert '"state":"done"' in done.stdout and '"whole":true' in done.stdout
    assert (tmp_path / "harbour.png").read_bytes().startswith(b"\x89PNG") and (tmp_path / "harbour.webp").stat().st_size


def test_the_table_of_options_is_that_of_the_command() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `(\w+)` \| (\S*) ?\|", PAGE, flags=re.MULTILINE)
    told = {name: (variable, usual) for name, variable, usual in rows}
    found = {
        name: (variable, "" if value is None or value is False else str(value))
        for name, (variable, value) in options().items()
    }
    assert told == found


def test_the_table_of_errors_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert {kind: (int(status), title) for kind, status, title in rows} == dict(KINDS)


def test_the_series_are_those_of_the_meter(live: Live) -> None:
    told = set(re.findall(r"`(limner_\w+)`", PAGE))
    meter = Meter()
    meter.answered("/", "GET", 200, 1.0)
    meter.ended("workers", "died")
    found = set(re.findall(r"^# TYPE (\w+)", meter.text(live.desk.gauges()), flags=re.MULTILINE))
    assert found == told


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml"])
def test_containers_set_what_there_is(file: str) -> None:
    named = set(re.findall(r"LIMNER_SERVE_\w+", (ROOT / file).read_text("utf-8")))
    assert named and named <= {variable for variable, _ in options().values()}


def test_the_container_has_what_the_package_needs() -> None:
    needed = {"pyproject.toml", "README.md", "LICENSE", "limner"}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {line[1:] for line in ignored if line.startswith("!")} == needed
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    assert {name for line in copied for name in line.split()} == needed
