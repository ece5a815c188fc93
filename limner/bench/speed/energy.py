"""Energy of the processor's packages, where Linux tells: RAPL ("running average power limit"), by the powercap files.

    /sys/class/powercap/intel-rapl:0/name                   "package-0"; cores, memory and the like have folders of their own
                                    /energy_uj              counts up, in microjoules
                                    /max_energy_range_uj    where the counter begins again

What is counted is the whole package: whatever else it did meanwhile, and its idling, are in it. AMD's processors have the same
files. Source: Linux, Documentation/power/powercap/powercap.rst.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
MOST_W = 500.0
"""More than a package takes: a span in which that would turn the counter round once is too long to be told."""


@dataclass(frozen=True)
class Domain:
    """A package. ``range_uj``: where its counter begins again."""

    folder: Path
    range_uj: int

    def read_uj(self) -> int:
        return int((self.folder / "energy_uj").read_text())


@dataclass(frozen=True)
class Energy:
    """The packages whose energy can be read, or why there are none."""

    packages: tuple[Domain, ...] = ()
    absent: str = ""

    def read_uj(self) -> tuple[int, ...]:
        return tuple(package.read_uj() for package in self.packages)

    def joules(self, before: tuple[int, ...], after: tuple[int, ...], seconds: float) -> float | None:
        """What all packages took between two readings; None if that is not known."""
        if not self.packages or any(seconds * MOST_W * 1e6 > package.range_uj for package in self.packages):
            return None
        turned = zip(self.packages, before, after, strict=True)
        return sum(passed_uj(first, last, package.range_uj) for package, first, last in turned) / 1e6


def passed_uj(before: int, after: int, range_uj: int) -> int:
    """From one reading of a counter to the next, which may have begun again once."""
    return after - before if after >= before else after - before + range_uj


def opened(folder: Path = POWERCAP) -> Energy:
    """What this machine tells."""
    if not folder.is_dir():
        return Energy(absent="this system has no powercap files (RAPL): not Linux, or a virtual machine that hides them")
    found = [place for place in sorted(folder.glob("intel-rapl:*")) if is_package(place)]
    if not found:
        return Energy(absent="no package is among the powercap files (RAPL)")
    try:
        packages = tuple(Domain(place, int((place / "max_energy_range_uj").read_text())) for place in found)
        Energy(packages).read_uj()
    except (OSError, ValueError) as error:
        return Energy(absent=f"RAPL is here and cannot be read ({type(error).__name__}): it may be read by root alone")
    return Energy(packages)


def is_package(place: Path) -> bool:
    """The same package may be listed again for another interface, under another name of folder."""
    try:
        return (place / "name").read_text().startswith("package")
    except OSError:
        return False
