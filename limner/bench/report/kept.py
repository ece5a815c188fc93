"""Pictures that a run kept beside its records: which are there, and at which address a page finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from limner.bench.harness.record import Record, kept_original, kept_picture


@dataclass(frozen=True)
class Kept:
    """Names of the pictures of a run. ``folder``: that of its records, from which the names go on; None if there are none."""

    folder: Path | None = None
    names: frozenset[str] = frozenset()

    def painted(self, record: Record) -> str | None:
        """The relative address of what was painted, if it was kept and the record is no failure."""
        return None if record.failure is not None else self._address(kept_picture(record))

    def original(self, record: Record) -> str | None:
        """The relative address of the prepared original, if it was kept."""
        return self._address(kept_original(record))

    def _address(self, name: str) -> str | None:
        return quote(name) if name in self.names else None

    def files(self, records: Sequence[Record]) -> Iterator[tuple[str, Path]]:
        """Name and place of every picture that is of one of the records."""
        if self.folder is not None:
            yield from ((name, self.folder / name) for name in sorted(names_of(records) & self.names))


def kept_in(folder: Path, records: Sequence[Record]) -> Kept:
    """Which pictures of some records lie in their folder."""
    return Kept(folder, frozenset(name for name in names_of(records) if (folder / name).is_file()))


def names_of(records: Iterable[Record]) -> set[str]:
    """The names that pictures of some records have, if they were kept."""
    return {name for record in records for name in (kept_picture(record), kept_original(record))}
