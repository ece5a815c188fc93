"""The seal: what a sealed process sees, what it leaves, what is measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from limner.bench.harness import seal as sealing
from limner.bench.harness.seal import FOLDERS, NAMESPACE, Command, Ended, Seal, best_grade, python_command, run
from limner.errors import LimnerError

GRADES = [FOLDERS, pytest.param(NAMESPACE, marks=pytest.mark.skipif(best_grade() != NAMESPACE, reason="no user namespaces"))]
each_grade = pytest.mark.parametrize("grade", GRADES)
namespaces = pytest.mark.skipif(best_grade() != NAMESPACE, reason="no user namespaces")
START = (sys.executable, "-I", "-S", "-c")


def does(code: str, grade: str, files: dict[str, bytes] | None = None, **seal: object) -> Ended:
    hidden, secret = seal.get("hidden", ()), seal.get("secret", ())
    limit_s = seal.get("limit_s", 60.0)
    command = Command((*START, f"import os, sys\n{code}"))
    return run(command, files or {}, "out", Seal(grade, hidden, secret, limit_s))  # type: ignore[arg-type]


@each_grade
def test_the_folder_holds_what_is_given_and_nothing_else(grade: str) -> None:
    code = "print(sorted(os.listdir())); print(open('a').read()); open('out', 'w').write('done')"
    ended = does(code, grade, {"a": b"letter"})
    assert ended.stdout.splitlines() == ["['a']", "letter"]
    assert (ended.code, ended.output) == (0, b"done")


@each_grade
def test_the_environment_is_bare(grade: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_FOLDER", "/somewhere/kodak")
    ended = does("print(*os.environ)", grade)
    assert set(ended.stdout.split()) <= {*sealing.INHERITED, "HOME", "TMPDIR", "PWD"}
    home = does("print(os.environ['HOME'], os.listdir(os.environ['HOME']), os.listdir(os.environ['TMPDIR']))", grade)
    assert home.stdout.split()[1:] == ["[]", "[]"] and home.stdout.split()[0] != str(Path.home())


@each_grade
def test_what_a_process_writes_is_gone_for_the_next(grade: str) -> None:
    left = "for name in ('HOME', 'TMPDIR', 'PWD'): open(os.environ[name] + '/stash', 'w').close()\n"
    found = "print([n for n in ('HOME', 'TMPDIR', 'PWD') if os.path.exists(os.environ[n] + '/stash')])"
    assert does(left + found, grade).stdout.strip() == "['HOME', 'TMPDIR', 'PWD']"
    assert does(found, grade).stdout.strip() == "[]"


@namespaces
def test_no_folder_but_the_box_can_be_written(tmp_path: Path) -> None:
    places = [Path(sealing.__file__).parent, Path.home(), Path(sys.prefix), Path("/"), Path("/var")]
    code = f"""
for place in {[str(place) for place in places]}:
    try:
        open(place + '/stash', 'w')
        print(place)
    except OSError:
        pass
"""
    assert does(code, NAMESPACE).stdout == ""
    assert not (Path(sealing.__file__).parent / "stash").exists()


@namespaces
def test_folders_for_all_are_fresh_each_time() -> None:
    code = "print([p for p in ('/tmp', '/var/tmp', '/dev/shm') if os.path.exists(p + '/limner-stash')])\n"
    code += "for p in ('/tmp', '/var/tmp', '/dev/shm'):\n  if os.path.isdir(p): open(p + '/limner-stash', 'w').close()"
    assert does(code, NAMESPACE).stdout.strip() == "[]"
    assert does(code, NAMESPACE).stdout.strip() == "[]"
    assert not Path("/tmp/limner-stash").exists()


@namespaces
def test_a_hidden_folder_looks_empty(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    secret = tmp_path / "data" / "original.png"
    secret.write_bytes(b"the picture")
    look = f"print(os.path.exists({str(secret)!r}))"
    assert does(look, FOLDERS).stdout.strip() == "True"
    assert does(look, NAMESPACE, hidden=(tmp_path / "data",), secret=(secret,)).stdout.strip() == "False"


@namespaces
def test_what_is_hidden_elsewhere_on_the_disk_looks_empty() -> None:
    folder = Path(sealing.__file__).parent
    command = Command((*START, f"import os; print(os.listdir({str(folder)!r}))"))
    assert run(command, {}, "out", Seal(NAMESPACE, (folder,))).stdout.strip() == "[]"


@namespaces
def test_a_seal_that_does_not_close_is_an_error(tmp_path: Path) -> None:
    secret = tmp_path / "original.png"
    secret.write_bytes(b"")
    command = Command((*START, "pass"), (tmp_path,))
    with pytest.raises(LimnerError, match="can still be seen"):
        run(command, {}, "out", Seal(NAMESPACE, (tmp_path,), (secret,)))


@namespaces
def test_what_is_needed_is_shown_and_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights").write_text("numbers")
    (tmp_path / "data").mkdir()
    path = str(tmp_path / "models" / "weights")
    code = f"print(open({path!r}).read(), os.listdir({str(tmp_path)!r}))\nopen({path!r}, 'a')"
    ended = run(Command((*START, f"import os\n{code}"), (tmp_path / "models",)), {}, "out", Seal(NAMESPACE, (tmp_path,)))
    assert ended.stdout.strip() == "numbers ['models']"
    assert ended.code == 1 and "Read-only" in ended.stderr


@namespaces
def test_covers_cannot_be_taken_off(tmp_path: Path) -> None:
    (tmp_path / "original.png").write_bytes(b"")
    code = f"""
import ctypes, subprocess
libc = ctypes.CDLL(None)
folder = {str(tmp_path)!r}.encode()
print(libc.umount2(b"/tmp", 2), libc.umount2(folder, 2), libc.unshare(0x10020000), libc.umount2(b"/tmp", 2))
print(os.path.exists(folder + b"/original.png"))
"""
    ended = does(code, NAMESPACE, hidden=(tmp_path,))
    assert ended.stdout.split()[0] == "-1" and ended.stdout.split()[3:] == ["-1", "False"]


@namespaces
def test_there_is_no_network_and_no_other_process() -> None:
    code = "import socket\nprint(socket.if_nameindex())\nprint([p for p in os.listdir('/proc') if p.isdigit()])"
    ended = does(code, NAMESPACE)
    assert "lo" in ended.stdout and "eth" not in ended.stdout
    assert does("print(os.getppid())", NAMESPACE).stdout.strip() == "1"


@each_grade
def test_links_lead_nowhere(grade: str, tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.write_bytes(b"the picture")
    assert does(f"os.symlink({str(original)!r}, 'out')", grade).output is None
    assert does("os.mkfifo('out')", grade).output is None
    assert does("os.mkdir('out')", grade).output is None
    assert does("open('a', 'w').write('x'); os.link('a', 'out')", grade).output is None


@each_grade
def test_another_folder_under_the_name_is_not_read(grade: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"the picture")
    swap = f"os.rename(os.environ['PWD'], os.environ['PWD'] + '-gone'); os.symlink({str(tmp_path)!r}, os.environ['PWD'])"
    assert does(swap, grade).output is None


@each_grade
def test_costs_are_those_of_the_process_and_its_children(grade: str) -> None:
    light, heavy = (does(code, grade).cost for code in ("pass", "x = bytearray(80_000_000)"))
    assert light is not None and heavy is not None
    assert heavy.peak_bytes > light.peak_bytes + 70_000_000
    spent = does(BUSY_CHILD + "os.wait()", grade).cost
    left = does(BUSY_CHILD + "time.sleep(2)", grade).cost
    assert spent is not None and spent.cpu_s >= 0.3 > light.cpu_s
    # Nobody waited for this one.
    assert left is not None and left.cpu_s >= 0.1 and left.wall_s >= 2


BUSY_CHILD = """
import time
if os.fork() == 0:
    start = time.process_time()
    while time.process_time() - start < 0.3:
        pass
    os._exit(0)
"""


@each_grade
def test_too_long_is_ended_with_all_its_children(grade: str, tmp_path: Path) -> None:
    code = "if os.fork() == 0: os.setsid()\nprint(os.getpid(), flush=True)\nimport time; time.sleep(600)"
    ended = does(code, grade, limit_s=0.5)
    assert (ended.code, ended.cost, ended.output) == (None, None, None)
    assert grade == NAMESPACE or not any(lives(int(pid)) for pid in ended.stdout.split())


@each_grade
def test_strays_are_ended(grade: str) -> None:
    code = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(600)
    os._exit(0)
os.wait()
open('out', 'w').close()
"""
    # It would not return before the stray ends.
    assert does(code, grade).output == b""


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@each_grade
def test_ends_are_told(grade: str) -> None:
    assert does("sys.exit(3)", grade).code == 3
    assert does("os.kill(os.getpid(), 9)", grade).code == -9
    ended = does("sys.exit('no such thing: ' + os.environ['TMPDIR'])", grade)
    assert ended.stderr.strip() == "no such thing: /tmp"


@each_grade
def test_what_is_not_there_cannot_be_run(grade: str) -> None:
    with pytest.raises(LimnerError, match=r"cannot be run under the seal.*No such file"):
        run(Command(("/no/such/program",)), {}, "out", Seal(grade))


@each_grade
def test_this_python_finds_this_package(grade: str) -> None:
    ended = run(python_command(["-c", "import limner; print(limner.__file__)"]), {}, "out", Seal(grade))
    assert Path(ended.stdout.strip()) == sealing.PACKAGE / "__init__.py"


def test_a_seal_checks_itself() -> None:
    with pytest.raises(LimnerError):
        Seal("perfect")
    with pytest.raises(LimnerError):
        Seal(FOLDERS, limit_s=0.0)


def test_a_grade_that_fails_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Ended(3, None, None, "", "")
    monkeypatch.setattr(sealing, "run", lambda *_: seen)
    assert best_grade.__wrapped__() == FOLDERS

    def refuses(*_: object) -> Ended:
        raise LimnerError("no namespaces")

    monkeypatch.setattr(sealing, "run", refuses)
    assert best_grade.__wrapped__() == FOLDERS
