"""``python -m limner.bench.footprint``: what an installation without extras takes on another machine, by the wheels there are.

    what the package needs --pip download, for that machine--> wheels --> MB to fetch, MB on the disk --> table

Needs pip and a package index. What has no wheel for that machine is named; pip cannot install it there as it is.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from limner.bench.fresh import PACKAGE_PARENT, run_python
from limner.bench.rows import table
from limner.errors import LimnerError

PACKAGE = "limner"
MB = 1e6
OLDEST_GLIBC, GLIBC = 17, 36
"""manylinux begins with glibc 2.17; Debian 12 and Raspberry Pi OS of 2023 have 2.36."""
NONE = "No matching distribution found"
LEFT_OUT = ("__pycache__", ".DS_Store")


@dataclass(frozen=True)
class Part:
    """A distribution: what is fetched of it, and what lies on the disk then, bytecode apart; ``made_for``: a tag of its wheel.

    A part of 0 bytes has no wheel.
    """

    name: str
    version: str
    made_for: str
    fetched_bytes: int
    installed_bytes: int


def needs(machine: str, package: str = PACKAGE) -> list[str]:
    """What a package requires without extras on Linux on that machine. Raises PackageNotFoundError."""
    there = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine, "extra": ""}
    asked = map(Requirement, requires(package) or [])
    return [f"{one.name}{one.specifier}" for one in asked if one.marker is None or one.marker.evaluate(there)]


def platforms(machine: str, glibc: int) -> list[str]:
    """The tags of wheels that run on Linux with glibc 2.``glibc`` and older ones."""
    return [f"manylinux_2_{minor}_{machine}" for minor in range(glibc, OLDEST_GLIBC - 1, -1)] + [f"manylinux2014_{machine}"]


def fetch(requirement: str, folder: Path, tags: Iterable[str], python: str) -> bool:
    """Fetch the wheels of a requirement, and of all that it needs, into a folder; False if there is none for these tags.

    Raises LimnerError for any other trouble of pip.
    """
    choice = [word for tag in tags for word in ("--platform", tag)]
    words = ["-m", "pip", "download", "--quiet", "--only-binary=:all:", "--python-version", python, *choice]
    done = run_python([*words, "--dest", str(folder), requirement], folder=folder)
    if done.returncode and NONE not in done.stderr:
        raise LimnerError(f"pip: {' '.join(done.stderr.split())[-300:]}")
    return not done.returncode


def weighed(wheel: Path) -> Part:
    """Weigh a wheel. Raises LimnerError for what is none."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            installed_bytes = sum(entry.file_size for entry in archive.infolist())
        name, version, *_, made_for = wheel.stem.split("-")
    except (zipfile.BadZipFile, ValueError) as error:
        raise LimnerError(f"{wheel.name}: not a wheel") from error
    return Part(name, version, made_for.split(".")[-1], wheel.stat().st_size, installed_bytes)


def own(folder: Path = PACKAGE_PARENT / PACKAGE) -> Part:
    """Weigh this very package as its wheel would hold it: weights, and no bytecode."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not set(LEFT_OUT) & set(path.parts)]
    with TemporaryDirectory() as place:
        packed = Path(place, "own.zip")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(folder.parent))
        return Part(PACKAGE, "this copy", "any", packed.stat().st_size, sum(path.stat().st_size for path in files))


def gathered(requirements: Sequence[str], tags: Sequence[str], python: str) -> Iterator[Part]:
    """Yield what is needed, the largest on the disk first, and then what has no wheel."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        missing = [one for one in requirements if not fetch(one, folder, tags, python)]
        yield from sorted(map(weighed, folder.glob("*.whl")), key=lambda part: -part.installed_bytes)
    yield from (Part(one, "", "none", 0, 0) for one in missing)


def page(parts: Sequence[Part]) -> str:
    """The table, with its sum."""
    lines = [[part.name, part.version, part.made_for, _mb(part.fetched_bytes), _mb(part.installed_bytes)] for part in parts]
    fetched, installed = sum(part.fetched_bytes for part in parts), sum(part.installed_bytes for part in parts)
    lines.append(["all", "", "", _mb(fetched), _mb(installed)])
    return table(["what", "version", "made for", "MB to fetch", "MB on disk"], lines)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / MB:.2f}" if size_bytes else "-"


def main(argv: Sequence[str] | None = None) -> int:
    """Print what an installation without extras takes; the exit code is 1 if something has no wheel."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.footprint", description=main.__doc__)
    parser.add_argument("--machine", default="aarch64", help="as platform.machine() says; %(default)s")
    parser.add_argument("--glibc", type=int, default=GLIBC, help="the machine has 2.this; %(default)s")
    parser.add_argument("--python", default="3.11", help="%(default)s")
    options = parser.parse_args(argv)
    try:
        parts = [own(), *gathered(needs(options.machine), platforms(options.machine, options.glibc), options.python)]
    except LimnerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    machine = f"Linux on {options.machine}, glibc 2.{options.glibc}, Python {options.python}"
    sys.stdout.write(f"{machine}. MB: 10^6 bytes.\n\n{page(parts)}")
    return int(not all(part.fetched_bytes for part in parts))


if __name__ == "__main__":
    sys.exit(main())
