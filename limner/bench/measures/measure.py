"""What a measure is: a number of a painted picture against its original, how it is made, and whether it can be made here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Literal, TypeVar

from limner.errors import LimnerError, MissingError
from limner.image import Pixels

Kind = TypeVar("Kind")
Needs = Literal["pictures", "words", "things"]


@dataclass(frozen=True)
class Told:
    """What is said of an original by whoever described it: its caption, and the names of things in it."""

    words: str = ""
    things: tuple[str, ...] = ()


def told(said: str | Told) -> Told:
    """A caption alone, or what is said of a picture."""
    return Told(said) if isinstance(said, str) else said


Of = Callable[[Pixels, Pixels, Told], float]


def can() -> str:
    """Nothing is missing."""
    return ""


def plain() -> str:
    """No weights."""
    return ""


@dataclass(frozen=True)
class Measure:
    """A measure of one picture.

    better: 1 if more is better, -1 if less is. parameters: all that the number depends on but the two pictures. of: (original,
    painted, told) -> the number; pictures (h, w, 3) uint8 sRGB of one size. It raises LimnerError where there is nothing to
    measure. missing: "" if it can be made here, else why not and what to do. least_px: the smallest side. needs: what must be
    said of the original. package: the distribution that computes it, if another does. weights: digest of the weights it
    uses, "" without; to be called only if nothing is missing.
    """

    name: str
    better: Literal[1, -1]
    parameters: str
    unit: str
    of: Of
    missing: Callable[[], str] = can
    least_px: int = 1
    needs: Needs = "pictures"
    package: str = ""
    weights: Callable[[], str] = plain

    def described(self) -> str:
        """The parameters with the package's version and the digest of the weights, as far as they are here."""
        found = [self.parameters]
        if not self.missing():
            found += [f"{self.package} {version(self.package)}"] if self.package else []
            digest = self.weights()
            found += [f"weights sha256 {digest}"] if digest else []
        return "; ".join(found)


def packaged(module: str, extra: str = "bench") -> Callable[[], str]:
    """Says whether a package is installed, as ``Measure.missing``."""

    def missing() -> str:
        return "" if find_spec(module) else f"{module} is not installed: pip install 'limner[{extra}]'"

    return missing


def openable(open_it: Callable[[], object]) -> Callable[[], str]:
    """Says what is missing by opening it, as ``Measure.missing``: what opens is kept by whoever opens it."""

    def missing() -> str:
        try:
            open_it()
        except MissingError as error:
            return str(error)
        return ""

    return missing


def looked_up(names: Iterable[str], table: Mapping[str, Kind]) -> dict[str, Kind]:
    """The measures of a table by name. LimnerError for a name that is not in it."""
    wanted = list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in table]:
        raise LimnerError(f"there is no measure {unknown[0]!r}: there are {', '.join(table)}")
    return {name: table[name] for name in wanted}
