"""Names of systems -> systems, each in the ways that were asked for.

    miniature pic pics taco sedic ...      of this package
    jpeg webp avif jxl heic                classical, plain and downscaled
    blurhash thumbhash
    cwebp avifenc cjxl bpg vvc             pairs of programs that ``limner/bench/codecs`` describes, where they are installed
    baselines                              all classical ones, and the pairs that are installed
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner import api
from limner.bench.harness import external, ours
from limner.bench.harness.external import External
from limner.bench.harness.programs import Programs, read
from limner.bench.harness.system import System
from limner.errors import LimnerError
from limner.extras import need

BASELINES = "baselines"
CLASSICAL = ("jpeg", "webp", "avif", "jxl", "heic")
HASHES = ("blurhash", "thumbhash")
PLAIN, DOWNSCALED = "plain", "downscaled"
WAYS = (PLAIN, DOWNSCALED)
EFFORTS = ("thorough", "plain", "quick")
NEEDED = ("pillow_jxl", "pillow_heif", "blurhash", "thumbhash")


@dataclass(frozen=True)
class Wish:
    """What is asked for. ``budgets_bytes``: None for no budget, where a system can do without. ``codecs``: files of TOML.
    ``ways``, ``effort``, ``cache``: of the classical. ``painters``, ``weights``, ``preset``, ``device``: of this package's."""

    systems: tuple[str, ...]
    budgets_bytes: tuple[int | None, ...]
    codecs: tuple[Path, ...] = ()
    ways: tuple[str, ...] = WAYS
    effort: str = EFFORTS[0]
    cache: Path = Path("runs/cache")
    painters: tuple[str, ...] = (ours.FAITHFUL,)
    weights: tuple[Path, ...] = ()
    preset: str = ours.LIGHT
    device: str = "auto"

    def __post_init__(self) -> None:
        for what, given, known in (
            ("a way", self.ways, WAYS),
            ("a painter", self.painters, ours.PAINTERS),
            ("an effort", (self.effort,), EFFORTS),
        ):
            for one in given:
                if one not in known:
                    raise LimnerError(f"{what} is one of {', '.join(known)}, not {one!r}")
        if not self.budgets_bytes or any(budget is not None and budget < 1 for budget in self.budgets_bytes):
            raise LimnerError("budgets are numbers of bytes over 0, or none")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The budgets that are some."""
        return tuple(budget for budget in self.budgets_bytes if budget is not None)


def chosen(wish: Wish) -> tuple[tuple[System, ...], dict[str, str]]:
    """The systems, and what is absent of the baselines with the reason. Raises LimnerError for a name that says nothing, and
    for programs that are asked for by name and not installed."""
    shipped, absent = external.shipped(), dict[str, str]()
    found: list[System] = []
    for name in dict.fromkeys(wish.systems):
        if name == BASELINES:
            for classical in CLASSICAL:
                found += of_classical(wish, classical)
            for programs in shipped.values():
                lacking = external.missing(programs)
                if lacking:
                    absent[programs.name] = f"{' and '.join(lacking)}: not installed"
                else:
                    found += of_programs(wish, programs)
        else:
            found += named(wish, name, shipped)
    for path in wish.codecs:
        found += of_programs(wish, installed(read(path)))
    return tuple(found), absent


def named(wish: Wish, name: str, shipped: dict[str, Programs]) -> Sequence[System]:
    if name in api.ENCODERS:
        return list(ours.systems(name, wish.budgets_bytes, wish.painters, wish.weights, wish.preset, wish.device))
    if name in CLASSICAL:
        return list(of_classical(wish, name))
    if name in HASHES:
        return [of_hash(wish, name)]
    if name in shipped:
        return list(of_programs(wish, installed(shipped[name])))
    known = ", ".join([*api.ENCODERS, *CLASSICAL, *HASHES, *shipped, BASELINES])
    raise LimnerError(f"there is no system {name!r}: there are {known}; others are described by --codec")


def of_classical(wish: Wish, name: str) -> Iterator[System]:
    need_budgets(wish, name)
    from limner.bench.harness.classical import Classical

    for way in wish.ways:
        yield Classical(name, wish.numbers, wish.cache.resolve(), way == DOWNSCALED, wish.effort)


def of_hash(wish: Wish, name: str) -> System:
    need_budgets(wish, name)
    from limner.bench.harness.classical import Hash

    return Hash(name, wish.numbers)


def need_budgets(wish: Wish, name: str) -> None:
    """Raise LimnerError without budgets, MissingError without the packages."""
    for module in NEEDED:
        need(module, extra="bench")
    if not wish.numbers:
        raise LimnerError(f"{name} needs budgets: its qualities are sought")


def of_programs(wish: Wish, programs: Programs) -> Iterator[External]:
    if wish.numbers:
        yield External(programs, wish.numbers)
    if None in wish.budgets_bytes:
        yield External(programs)


def installed(programs: Programs) -> Programs:
    """Raise LimnerError for programs that are not."""
    lacking = external.missing(programs)
    if lacking:
        raise LimnerError(f"{programs.name} cannot run: {' and '.join(lacking)}: not installed")
    return programs
