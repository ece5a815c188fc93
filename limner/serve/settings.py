"""What an operator decides: address, processes, limits, who may come in. Standard library only.

All of it checks itself: SettingsError says what to change.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from limner.cores import cores
from limner.errors import LimnerError

MB = 1 << 20
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
MOST_PROCESSES = 256
_ORIGIN = re.compile(r"https?://[a-z0-9.\-\[\]:]+", re.IGNORECASE)
_DESCRIBER = re.compile(r"(local|invert):\S+|https?://\S+")


class SettingsError(LimnerError):
    """A setting that cannot be."""


@dataclass(frozen=True)
class Bounds:
    """What one request may take.

    ``upload_bytes``: of a body; ``idle_s``, ``body_s``: the longest silence within a body, and the longest body. ``pixels``: of
    a picture. ``time_s``: in a worker. ``memory_bytes``: of a worker, 0 for no limit. ``held_bytes``: of all bodies that are
    held at once. Raises SettingsError.
    """

    upload_bytes: int = 32 * MB
    idle_s: float = 10.0
    body_s: float = 60.0
    pixels: int = 50_000_000
    time_s: float = 60.0
    memory_bytes: int = 2048 * MB
    held_bytes: int = 256 * MB

    def __post_init__(self) -> None:
        for name in ("upload_bytes", "idle_s", "body_s", "pixels", "time_s", "held_bytes"):
            over(f"{name} of a request", getattr(self, name), 0)
        if self.held_bytes < self.upload_bytes:
            raise SettingsError(f"all bodies together may have {self.held_bytes} bytes, fewer than one: {self.upload_bytes}")
        if self.memory_bytes and self.memory_bytes < 256 * MB:
            raise SettingsError(f"a worker needs 256 MB or more, not {self.memory_bytes} bytes; 0 is no limit")


@dataclass(frozen=True)
class Long:
    """Long work.

    ``painters``: processes for it, begun when first needed and ended after ``idle_s`` without work. ``waiting``: jobs that may
    wait; ``kept``, ``kept_s``: how many that are done are kept, and how long. ``time_s``: of a job. ``memory_bytes``: of a
    process, 0 for no limit. Raises SettingsError.
    """

    painters: int = 1
    waiting: int = 8
    kept: int = 32
    kept_s: float = 3600.0
    time_s: float = 3600.0
    memory_bytes: int = 0
    idle_s: float = 900.0

    def __post_init__(self) -> None:
        within("painters", self.painters, 1, MOST_PROCESSES)
        within("waiting jobs", self.waiting, 0, 10_000)
        within("kept jobs", self.kept, 1, 10_000)
        for name in ("kept_s", "time_s", "idle_s"):
            over(f"{name} of jobs", getattr(self, name), 0)


@dataclass(frozen=True)
class Access:
    """Who may come in.

    ``api_key``: "" for everybody. ``origins``: of pages elsewhere that may use the service ("https://example.org"). ``hosts``:
    names by which it may be called; none: any, but on a loopback address only the names of that. Raises SettingsError.
    """

    api_key: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.api_key and not (len(self.api_key) >= 16 and self.api_key.isascii() and self.api_key.isprintable()):
            raise SettingsError("an API key has 16 or more visible characters of ASCII")
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(f"an origin is a scheme and a host, as https://example.org, not {origin!r}")


@dataclass(frozen=True)
class Settings:
    """The whole. ``queue``: requests that may wait for a worker. ``threads``: of a worker, 0: the cores are shared among them.
    ``grace_s``: what is begun may take so long once the service is told to stop. ``describer``: "" for nobody, "local:WEIGHTS",
    "invert:WEIGHTS", or the address of an OpenAI-compatible endpoint, whose model is ``describer_model``. Raises SettingsError.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    workers: int = 2
    queue: int = 16
    threads: int = 0
    grace_s: float = 10.0
    bounds: Bounds = field(default_factory=Bounds)
    long: Long = field(default_factory=Long)
    access: Access = field(default_factory=Access)
    describer: str = ""
    describer_model: str = "default"

    def __post_init__(self) -> None:
        within("port", self.port, 0, 65535)
        within("workers", self.workers, 1, MOST_PROCESSES)
        within("queue", self.queue, 0, 10_000)
        within("threads", self.threads, 0, 1024)
        over("grace_s", self.grace_s, 0)
        if not self.host:
            raise SettingsError("a host is an address or a name")
        if self.describer and not _DESCRIBER.fullmatch(self.describer):
            raise SettingsError(f"a describer is local:WEIGHTS, invert:WEIGHTS or an address, not {self.describer!r}")

    @property
    def is_loopback(self) -> bool:
        """Whether nobody else's machine can reach it."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names by which it may be called, in small letters; none: any."""
        if self.access.hosts:
            return tuple(host.lower() for host in self.access.hosts)
        return LOOPBACK_NAMES if self.is_loopback else ()

    def threads_each(self, processes: int) -> int:
        """How many threads each of so many processes has."""
        return self.threads or max(1, cores() // processes)


def within(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SettingsError(f"{what}: {least} to {most}, not {value}")


def over(what: str, value: float, least: float) -> None:
    if not least < value < float("inf"):
        raise SettingsError(f"{what}: over {least:g}, not {value}")
