"""The documents are true where a machine can tell: links lead somewhere, commands and options exist, Python compiles."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import typer

from limner.cli import main
from limner.cli.app import EXIT_CODES, app
from limner.systems import levels, presets

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATORS = {"|", "||", "&&", ";", "&", "(", ")", ">", ">>", "<", "do", "then"}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Return the targets inside the repository, without their anchors."""
    return re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of every limner command in the shell blocks of a page."""
    for line in (line for block in blocks(text, "sh") for line in block.splitlines()):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for operator, words in groupby(lexer, key=OPERATORS.__contains__):
            found = list(words)
            if not operator and found[0] == "limner":
                yield found[1:]


def fault(words: list[str]) -> str | None:
    """Say what a command names that is not there."""
    command = typer.main.get_command(app)
    words = list(words)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no verb {words[0]}"
        command = command.commands[words.pop(0)]
    options = {name: param for param in command.params for name in param.opts if name.startswith("-")}
    while words:
        name, _, value = words.pop(0).partition("=")
        if name == "-" or not name.startswith("-"):
            continue
        if name not in options:
            return f"no option {name}"
        if not options[name].is_flag and not value:
            if not words:
                return f"no value for {name}"
            words.pop(0)
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    targets = links(page.read_text("utf-8"))
    assert targets
    for target in targets:
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_exist(page: Path) -> None:
    for words in commands(page.read_text("utf-8")):
        assert fault(words) is None, shlex.join(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_compiles(page: Path) -> None:
    for block in blocks(page.read_text("utf-8"), "python"):
        compile(block, page.name, "exec")


def test_there_is_something_to_check() -> None:
    texts = [page.read_text("utf-8") for page in PAGES]
    assert len(PAGES) >= 5
    assert sum(len(list(commands(text))) for text in texts) > 20
    assert sum(len(blocks(text, "python")) for text in texts) > 4
    # A block in a language that is not known here would not be looked at.
    assert {language for text in texts for language in re.findall(r"^```(\w*)\n(?:.*?)^```$", text, re.M | re.S)} <= {
        "sh",
        "python",
        "text",
        "json",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_are_read(page: Path) -> None:
    read = levels.from_json if page.stem == "sedic" else presets.from_json
    for block in blocks(page.read_text("utf-8"), "json"):
        assert read(block).painter.base


def test_what_inspect_shows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "start.md").read_text("utf-8")
    monkeypatch.chdir(ROOT)
    assert main(["inspect", "spec/vectors/valid/container-list-text-latent.limn"]) == 0
    assert blocks(text, "text") == [capsys.readouterr().out]


def test_the_exit_codes_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|$", (ROOT / "docs" / "start.md").read_text("utf-8"), flags=re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("limner paint a.limn", "no verb paint"),
        ("limner encode a.jpg --target-byte 5", "no option --target-byte"),
        ("cat a.jpg | limner encode - | limner decode --bytes -", "no option --bytes"),
        ("for q in 1 2; do limner encode a.jpg --qality $q; done", "no option --qality"),
        ("limner encode a.jpg --target-bytes   # few", "no value for --target-bytes"),
        ("limner train miniatur --data photos", "no verb miniatur"),
        ("limner train miniature --dat photos", "no option --dat"),
        ("limner encode a.jpg -o - --target-bytes 5 --bare   # small", None),
        ("limner --version", None),
    ],
)
def test_the_check_of_commands_can_fail(line: str, said: str | None) -> None:
    found = [fault(words) for words in commands(f"```sh\n{line}\n```\n")]
    assert found[-1:] == [said]


def test_the_check_of_links_finds_them() -> None:
    assert links("[a](x.md), [b](../y/z.md#part), [c](https://example.org/a), [d](#here)") == ["x.md", "../y/z.md"]
