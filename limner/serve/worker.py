"""A worker process: ``python -m limner.serve.worker``. Reads what is asked from stdin, one at a time, answers on stdout.

    stdin --listener thread--> asks --main thread: `work.do`--> answers --> stdout
                         \\-> "cancel" sets a mark that the painter's watch heeds; the end of stdin ends the process at once

What is printed by whatever runs here goes to stderr: stdout belongs to the messages.
"""

from __future__ import annotations

import os
import queue
import secrets
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from limner.errors import BudgetError, DecodeError, ImageError, LimnerError, SceneError
from limner.serve import wire
from limner.serve.asks import Begin, ask_of
from limner.serve.wire import Json, Message

if TYPE_CHECKING:
    from limner.serve import work

STEP_S = 0.2
"""The shortest time between two steps that are told."""
WORN = 0.5
"""The part of its memory limit over which a worker asks to be replaced."""
ALLOCATION = ("bad_alloc", "allocate memory", "can't allocate", "out of memory")
"""How libraries that are not Python's say that memory is not enough."""


class Cancelled(Exception):
    """What is being done is not wanted any more."""


@dataclass
class Desk:
    """What the listener and the work share: asks that wait, and by their numbers the one at work and the last unwanted one."""

    asks: queue.SimpleQueue[Message] = field(default_factory=queue.SimpleQueue)
    at_work: int = 0
    unwanted: int = -1


@dataclass
class Teller:
    """Tells steps to the front, not too often, and ends the work that is cancelled."""

    stream: BinaryIO
    desk: Desk
    step_s: float = STEP_S
    told_s: float = 0.0

    def __call__(self, step: int, steps: int) -> None:
        """Raises Cancelled."""
        if self.desk.unwanted == self.desk.at_work:
            raise Cancelled
        now_s = time.monotonic()
        if step == steps or now_s - self.told_s >= self.step_s:
            self.told_s = now_s
            wire.write(self.stream, Message(wire.STEP, {"step": step, "steps": steps}))


def main() -> int:
    """Serve until stdin ends."""
    source, target = private_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = wire.read(source)
    if first is None or first.kind != wire.BEGIN:
        return 2
    begin = Begin(**first.fields)  # type: ignore[arg-type]  # front and worker are of one version
    limit_memory(begin.memory_bytes)
    from limner.serve import work

    if begin.warm:
        work.warm()
    desk = Desk()
    threading.Thread(target=listen, args=(source, desk), daemon=True).start()
    bench = work.Bench(begin, Teller(target, desk))
    wire.write(target, Message(wire.READY, {"resident": resident_bytes()}))
    while True:
        asked = desk.asks.get()
        desk.at_work = number_of(asked)
        wire.write(target, Message(wire.TAKEN))
        answer = attempt(asked, bench)
        worn = bool(begin.memory_bytes) and resident_bytes() > WORN * begin.memory_bytes
        state: dict[str, Json] = {"resident": resident_bytes(), "worn": worn or answer.fields.get("error") == "MemoryError"}
        wire.write(target, replace(answer, fields={**answer.fields, **state}))


def private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout for messages alone; whoever reads or prints gets nothing and stderr."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, target


def listen(source: BinaryIO, desk: Desk) -> None:
    """Take messages while work is going on. Whoever sent them having gone, nobody wants the rest."""
    while True:
        try:
            said = wire.read(source)
        except (OSError, wire.WireError):
            said = None
        if said is None:
            os._exit(0)
        if said.kind == wire.CANCEL:
            desk.unwanted = number_of(said)
        else:
            desk.asks.put(said)


def number_of(said: Message) -> int:
    number = said.fields.get("number")
    return number if isinstance(number, int) else 0


def attempt(asked: Message, bench: work.Bench) -> Message:
    """Do what is asked; what goes wrong becomes an answer too."""
    from limner.serve import work

    try:
        verb = str(asked.fields["verb"])
        fields = asked.fields["ask"]
        done = work.do(ask_of(verb, fields if isinstance(fields, dict) else {}), asked.body, bench)
        return Message(wire.DONE, {"facts": dict(done.facts)}, done.body)
    except Cancelled:
        return Message(wire.CANCELLED)
    except LimnerError as error:
        return failed("MemoryError", "") if isinstance(error.__cause__, MemoryError) else of_error(error)
    except MemoryError:
        return failed("MemoryError", "")
    except Exception as error:
        if any(word in str(error).lower() for word in ALLOCATION):
            return failed("MemoryError", "")
        incident = secrets.token_hex(4)
        sys.stderr.write(f"limner serve: incident {incident}\n{traceback.format_exc()}")
        return failed("Bug", "", incident=incident)


def of_error(error: LimnerError) -> Message:
    """What the front may know of an error."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, LimnerError)]
    facts: dict[str, Json] = {"kinds": list(kinds)}
    if isinstance(error, DecodeError):
        facts |= {"offset": error.offset, "field": error.field}
    if isinstance(error, SceneError):
        facts["field"] = error.field
    if isinstance(error, BudgetError):
        facts["least_bytes"] = error.least_bytes
    if isinstance(error, ImageError):
        facts["field"] = "image"
    return Message(wire.FAILED, {"error": type(error).__name__, "detail": str(error), **facts})


def failed(error: str, detail: str, *, incident: str = "") -> Message:
    return Message(wire.FAILED, {"error": error, "detail": detail, "kinds": [], "incident": incident})


def limit_memory(most_bytes: int) -> None:
    """Refuse this process more, where the system can: what goes over is an error in the process, not the end of the machine."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if most_bytes and hasattr(resource, "RLIMIT_DATA"):
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))


def resident_bytes() -> int:
    """Memory that this process holds; 0 where the system does not say it so."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
