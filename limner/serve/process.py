"""One worker process, as the front sees it: begin it, ask it, tell it to stop, end it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from limner.cores import THREADS
from limner.serve import wire
from limner.serve.asks import Ask, Begin, fields_of
from limner.serve.wire import Message

PACKAGE_PARENT = Path(__file__).resolve().parents[2]
START_S = 180.0
END_S = 2.0
STREAM_BYTES = 1 << 20
SECRETS = ("LIMNER_SERVE_API_KEY", "LIMNER_SERVE_API_KEY_FILE")

Told = Callable[[int, int], None]


class Died(Exception):
    """A worker has ended, or said what no worker says, before it answered."""


class Untouched(Died):
    """It had not even begun: what was asked is not to blame."""


@dataclass(frozen=True)
class Spec:
    """What workers are begun with. ``program``: what Python runs."""

    begin: Begin
    threads: int = 1
    program: tuple[str, ...] = ("-m", "limner.serve.worker")


class Worker:
    """A process that has said that it is ready. One ask at a time."""

    def __init__(self, process: Process, resident_bytes: int) -> None:
        self._process = process
        self._ended = asyncio.ensure_future(process.wait())
        self.resident_bytes = resident_bytes

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> asyncio.Future[int]:
        """Is done when the process has ended, for whatever reason."""
        return self._ended

    async def ask(self, number: int, ask: Ask, body: bytes, told: Told | None = None) -> Message:
        """The answer: done, failed or cancelled. Raises Died, Untouched."""
        taken = False
        try:
            said = Message(wire.ASK, {"number": number, "verb": ask.verb, "ask": fields_of(ask)}, body)
            await wire.send(_writer(self._process), said)
            while True:
                answer = await wire.receive(_reader(self._process))
                taken = True
                if answer.kind == wire.STEP and told is not None:
                    told(*(_number(answer, name) for name in ("step", "steps")))
                if answer.kind not in (wire.TAKEN, wire.STEP):
                    break
        except (EOFError, OSError, wire.WireError) as error:
            raise (Died if taken else Untouched) from error
        self.resident_bytes = _number(answer, "resident")
        return answer

    def cancel(self, number: int) -> None:
        """Say that an answer is not wanted any more; the worker heeds it where work has steps."""
        with suppress(OSError, RuntimeError):
            _writer(self._process).write(wire.head_of(Message(wire.CANCEL, {"number": number})))

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self, grace_s: float = END_S) -> None:
        """Let it end by itself, or end it."""
        with suppress(OSError, RuntimeError):
            _writer(self._process).close()
        await asyncio.wait([self._ended], timeout=grace_s)
        if not self._ended.done():
            self.kill()
            await asyncio.wait([self._ended])


async def spawned(spec: Spec) -> Worker:
    """A new worker, once it is ready. Raises Died if it does not become so."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", *spec.program),
        stdin=PIPE,
        stdout=PIPE,
        limit=STREAM_BYTES,
        env=environment(spec.threads),
        # An interrupt at the terminal is for the front, which ends its workers when their work is done.
        start_new_session=True,
    )
    try:
        await wire.send(_writer(process), Message(wire.BEGIN, fields_of(spec.begin)))
        async with asyncio.timeout(START_S):
            said = await wire.receive(_reader(process))
        if said.kind != wire.READY:
            raise Died(said.kind)
        return Worker(process, _number(said, "resident"))
    except BaseException as error:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, EOFError | OSError | wire.WireError):
            raise Died from error
        raise


def environment(threads: int) -> dict[str, str]:
    """That of this process, without what a worker need not know; this very package is found first."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
    paths = [str(PACKAGE_PARENT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": os.pathsep.join(paths)}


def _writer(process: Process) -> asyncio.StreamWriter:
    assert process.stdin is not None
    return process.stdin


def _reader(process: Process) -> asyncio.StreamReader:
    assert process.stdout is not None
    return process.stdout


def _number(said: Message, name: str) -> int:
    value = said.fields.get(name)
    return value if isinstance(value, int) else 0
