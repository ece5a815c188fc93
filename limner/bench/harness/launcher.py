"""Runs one command in a box and says what it took. A program of its own, started by `seal` in a small fresh process.

    seal --order, JSON on stdin--> launcher --view of the disk--> init --> the command
         <--outcome, JSON on stdout--

Under the grade "namespace" the command sees a disk that it cannot write, but for its box; folders that are covered, and
nothing in them but what is shown; no network; no process but its own. None of that needs to be root on Linux, where user
namespaces are allowed. Under "folders" it has a fresh folder, and its stray children are ended with it. Standard library only:
it is run by itself, without the package.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import stat
import struct
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, NoReturn, TypedDict

LINUX = sys.platform == "linux"

NEW_NAMESPACES = 0x00020000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""Mounts, inter-process communication, users, processes, network: linux/sched.h."""
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
SYS_MOUNT_SETATTR = 442
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = -100, 0x8000, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
O_PATH = getattr(os, "O_PATH", 0)


Said = tuple[IO[bytes], IO[bytes]]


class Order(TypedDict):
    """command, environment: of the process. limit_s: seconds until it is ended. box: the one folder it may write; folder: in
    which it starts, in the box. stdout, stderr: files. sealed: under namespaces. covered: folders that are to look empty;
    shown: what is to be seen all the same, read only. secret: files that must not be there then."""

    command: list[str]
    environment: dict[str, str]
    limit_s: float
    box: str
    folder: str
    stdout: str
    stderr: str
    sealed: bool
    covered: list[str]
    shown: list[str]
    secret: list[str]


def main() -> None:
    order: Order = json.load(sys.stdin)
    answer = os.dup(1)
    if LINUX:
        _control(PR_SET_PDEATHSIG, signal.SIGKILL)
        _control(PR_SET_CHILD_SUBREAPER, 1)
    try:
        # Before the folder that they lie in may be covered.
        with open(order["stdout"], "wb") as out, open(order["stderr"], "wb") as err:
            if order["sealed"]:
                _seal_off(order, (out, err), answer)
            else:
                _tell(answer, _run(order, (out, err)))
    except OSError as error:
        _tell(answer, {"error": f"{error.filename or ''} {error.strerror or error}".strip()})


def _seal_off(order: Order, said: Said, answer: int) -> None:
    _enter_namespaces()
    _build_view(order)
    _control(PR_SET_DUMPABLE, 0)
    init = os.fork()
    if init == 0:
        _be_init(order, said, answer)
    os.waitpid(init, 0)


def _be_init(order: Order, said: Said, answer: int) -> NoReturn:
    """The first process of its namespace: when it ends, all others do."""
    try:
        _control(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Where this is forbidden, other processes are listed, but not to be opened: they belong to another namespace.
        with suppress(OSError):
            _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        _control(PR_SET_DUMPABLE, 0)
        _tell(answer, _run(order, said))
    except OSError as error:
        _tell(answer, {"error": f"{error.filename or ''} {error.strerror or error}".strip()})
    finally:
        os._exit(0)


def _run(order: Order, said: Said) -> dict[str, object]:
    start = time.perf_counter()
    process = subprocess.Popen(
        order["command"],
        cwd=order["folder"],
        env=order["environment"],
        stdin=subprocess.DEVNULL,
        stdout=said[0],
        stderr=said[1],
        start_new_session=True,
        preexec_fn=partial(_prepare, order["sealed"]),
    )
    code = _waited_for(process.pid, order["limit_s"])
    wall_s = time.perf_counter() - start
    _end_strays(process.pid)
    process.returncode = 0 if code is None else code
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak_bytes = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"code": code, "wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": peak_bytes}


def _waited_for(process: int, limit_s: float) -> int | None:
    """The exit status of a process, None if it is not over at the limit."""
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        _, status, _ = os.wait4(process, 0)
    except TimeoutError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return os.waitstatus_to_exitcode(status)


def _too_late(signum: int, frame: object) -> NoReturn:
    raise TimeoutError


def _prepare(sealed: bool) -> None:
    """In the new process, before the command: it ends with its parent, and gives up its rights."""
    if not LINUX:
        return
    _control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if not sealed:
        return
    _control(PR_SET_NO_NEW_PRIVS, 1)
    # Who is root would be so again after exec, in its own namespace, and could uncover what is covered.
    for capability in range(64):
        with suppress(OSError):
            _control(PR_CAPBSET_DROP, capability)


def _end_strays(group: int) -> None:
    """End what the command left running, so that its seconds are counted and nothing outlives it."""
    with suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    while True:
        if os.getpid() == 1:
            with suppress(OSError):
                os.kill(-1, signal.SIGKILL)
        for stray in _children():
            with suppress(OSError):
                os.kill(stray, signal.SIGKILL)
        try:
            os.wait4(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        return [int(name) for name in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _enter_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    _check(_libc().unshare(NEW_NAMESPACES), "namespaces")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _build_view(order: Order) -> None:
    """Make all read only, cover and show as is ordered. Of a folder in a folder the inner one counts."""
    covered, shown = set(order["covered"]), {*order["shown"], order["box"]}
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    handles = {path: os.open(path, O_PATH) for path in shown}
    _set_read_only("/", AT_RECURSIVE, True)
    for path in sorted(covered | shown, key=lambda path: (path.count("/"), path)):
        if path in shown:
            _make_place(path, stat.S_ISDIR(os.fstat(handles[path]).st_mode))
            _mount(f"/proc/self/fd/{handles[path]}", path, None, MS_BIND | MS_REC)
        elif os.path.isdir(path):
            _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    _set_read_only(order["box"], 0, False)
    for handle in handles.values():
        os.close(handle)
    for path in order["secret"]:
        if os.path.lexists(path):
            raise OSError(None, "can still be seen", path)
    if not os.statvfs("/").f_flag & os.ST_RDONLY:
        raise OSError(None, "can still be written", "/")


def _make_place(path: str, is_folder: bool) -> None:
    """Something to mount upon, a folder or a file, where a cover has taken it away."""
    if not os.path.lexists(path):
        os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
        if not is_folder:
            Path(path).touch()


def _set_read_only(path: str, flags: int, wanted: bool) -> None:
    given, taken = (MOUNT_ATTR_RDONLY, 0) if wanted else (0, MOUNT_ATTR_RDONLY)
    attributes = struct.pack("=QQQQ", given, taken, 0, 0)
    call = _libc().syscall
    call.restype = ctypes.c_long
    arguments = (ctypes.c_long(AT_FDCWD), ctypes.c_char_p(os.fsencode(path)), ctypes.c_long(flags))
    _check(call(ctypes.c_long(SYS_MOUNT_SETATTR), *arguments, attributes, ctypes.c_long(len(attributes))), path)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    _check(_libc().mount(*words[:3], ctypes.c_ulong(flags), words[3]), target)


def _control(option: int, value: int) -> None:
    nothing = ctypes.c_ulong(0)
    _check(_libc().prctl(option, ctypes.c_ulong(value), nothing, nothing, nothing), f"prctl {option}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(returned: int, what: str) -> None:
    if returned != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _tell(answer: int, outcome: dict[str, object]) -> None:
    os.write(answer, json.dumps(outcome).encode())


if __name__ == "__main__":
    main()
