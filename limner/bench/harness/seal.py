"""A codec's own process in an empty folder: it gets the files that it is given, and what it took is measured.

    files --> box/work --command, by `launcher`--> box/work/wanted --> bytes, and a Cost

A decoder must not see the picture that it is to paint, and nothing that its encoder left behind. What is done for that depends
on what the system allows, and is told as a *grade*, which goes into the records:

    namespace   all folders are read only but the box; those of the pictures, of the run and of temporary files look empty;
                there is no network and no other process. Linux, where user namespaces are allowed
    folders     a fresh folder for work, home and temporary files, deleted afterwards; an environment of a few listed
                variables; stray processes are ended. Who knows where the pictures lie, or writes elsewhere, is not stopped

What a program brings along itself is hidden from nobody: the seal says that the pictures of the run were out of reach, not that
a program holds no copy of its own.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from limner.bench.harness.record import Cost
from limner.errors import LimnerError

NAMESPACE, FOLDERS = "namespace", "folders"
INHERITED = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
)
"""Variables of the environment that a codec sees as they are."""
LAUNCHER = Path(__file__).with_name("launcher.py")
PACKAGE = Path(__file__).resolve().parents[2]
EVERYWHERE = ("/tmp", "/var/tmp", "/dev/shm")
MOST_OUTPUT_BYTES = 1 << 31
MOST_SAID_BYTES = 1 << 16
LIMIT_S, LONGEST_S = 3600.0, 1e8
GRACE_S = 60.0  # to end what is over its limit


@dataclass(frozen=True)
class Seal:
    """What a codec must not see: ``hidden`` folders, above all those of the pictures, and ``secret`` files in them, which are
    looked for before it starts. ``grade``: one of the two; ``limit_s``: seconds until it is ended."""

    grade: str
    hidden: tuple[Path, ...] = ()
    secret: tuple[Path, ...] = ()
    limit_s: float = LIMIT_S

    def __post_init__(self) -> None:
        if self.grade not in (NAMESPACE, FOLDERS) or not self.limit_s > 0:
            raise LimnerError(f"a seal is of {NAMESPACE} or {FOLDERS}, with a limit over 0 s: {self.grade}, {self.limit_s}")


@dataclass(frozen=True)
class Command:
    """What is run: ``words`` with the program first; ``shown``: files and folders that it needs, wherever they lie;
    ``variables``: of its environment, beside the inherited ones."""

    words: tuple[str, ...]
    shown: tuple[Path, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ended:
    """How a process ended. ``output``: the file that was wanted, None if it is not there; ``code``: its exit status, minus a
    signal's number, None after the limit; ``stdout``, ``stderr``: the last of what it said, without the name of its box."""

    code: int | None
    cost: Cost | None
    output: bytes | None
    stdout: str
    stderr: str


def run(command: Command, files: Mapping[str, bytes], wanted: str, seal: Seal) -> Ended:
    """Run a command in an empty folder that holds ``files``; read the file ``wanted`` that it writes there.

    Raises LimnerError if it cannot be started, or if the seal cannot be closed.
    """
    with TemporaryDirectory(prefix="limner-", ignore_cleanup_errors=True) as base:
        box = Path(os.path.realpath(base), "box")
        work, home, scratch = (box / name for name in ("work", "home", "tmp"))
        for folder in (box, work, home, scratch):
            folder.mkdir()
        for name, data in files.items():
            (work / name).write_bytes(data)
        # Held open: the command may put something else under the folder's name.
        with _folder(work) as held:
            outcome = _launched(_order(command, box, seal), seal.limit_s)
            output = read_plain(wanted, held)
        said = [_tail(box.parent / name).replace(str(box), "") for name in ("stdout", "stderr")]
        if "error" in outcome:
            raise LimnerError(f"{command.words[0]} cannot be run under the seal: {outcome['error']}")
        if outcome["code"] is None:
            return Ended(None, None, None, *said)
        cost = Cost(round(outcome["wall_s"], 4), round(outcome["cpu_s"], 4), int(outcome["peak_bytes"]))
        return Ended(int(outcome["code"]), cost, output, *said)


def _order(command: Command, box: Path, seal: Seal) -> dict[str, object]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {"HOME": str(box / "home"), "TMPDIR": str(box / "tmp"), "PWD": str(box / "work")}
    shown = {os.path.realpath(path) for path in command.shown if path.exists()}
    covered = {*EVERYWHERE, gettempdir(), *map(str, seal.hidden)}
    return {
        "command": list(command.words),
        "limit_s": min(seal.limit_s, LONGEST_S),
        "environment": environment | dict(command.variables),
        "box": str(box),
        "folder": str(box / "work"),
        "stdout": str(box.parent / "stdout"),
        "stderr": str(box.parent / "stderr"),
        "sealed": seal.grade == NAMESPACE,
        "covered": sorted(os.path.realpath(path) for path in covered if os.path.isdir(path)),
        "shown": sorted(shown),
        "secret": [os.path.realpath(path) for path in seal.secret],
    }


def _launched(order: Mapping[str, object], limit_s: float) -> dict[str, Any]:
    """What the launcher says."""
    # Isolated: no folder, variable or installed package can change it. Its own session: an interrupt is for the run.
    words = [sys.executable, "-I", "-S", str(LAUNCHER)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as launcher:
        try:
            told, _ = launcher.communicate(json.dumps(order).encode(), timeout=min(limit_s, LONGEST_S) + GRACE_S)
        except subprocess.TimeoutExpired as error:
            launcher.kill()
            raise LimnerError("a process that is over its limit does not end") from error
        except BaseException:
            launcher.kill()
            raise
    try:
        found: dict[str, Any] = json.loads(told)
    except ValueError as error:
        raise LimnerError("the process that runs codecs has died (out of memory?)") from error
    return found


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def read_plain(name: str, folder: int) -> bytes | None:
    """The bytes of a plain file of one name; None for anything else, above all links, which could lead to the original."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > MOST_OUTPUT_BYTES:
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read()


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST_SAID_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def python_command(arguments: Sequence[str], shown: Iterable[Path] = (), variables: Mapping[str, str] | None = None) -> Command:
    """This Python, which finds this very package and the installed ones wherever they lie."""
    told = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"} | dict(variables or {})
    return Command((sys.executable, *arguments), (*python_folders(), *shown), tuple(told.items()))


@lru_cache(maxsize=1)
def python_folders() -> tuple[Path, ...]:
    """Where this Python, its packages and this one lie."""
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return (PACKAGE, Path(sys.prefix), Path(sys.base_prefix), *(Path(paths[name]) for name in names))


@lru_cache(maxsize=1)
def best_grade() -> str:
    """The grade that this system allows, found out by trying: a hidden file must not be seen, and no folder be written."""
    with TemporaryDirectory(prefix="limner-") as folder:
        secret = Path(os.path.realpath(folder), "secret")
        secret.write_bytes(b"")
        code = f"import os, sys\nif os.path.lexists({str(secret)!r}): sys.exit(3)\nopen('seen', 'wb').close()\n"
        code += f"try: open({str(PACKAGE / 'left.behind')!r}, 'wb')\nexcept OSError: sys.exit(0)\nsys.exit(4)"
        command = python_command(["-I", "-S", "-c", code])
        try:
            ended = run(command, {}, "seen", Seal(NAMESPACE, (secret.parent,), (secret,), 60.0))
        except LimnerError:
            return FOLDERS
        return NAMESPACE if ended.code == 0 and ended.output is not None else FOLDERS
