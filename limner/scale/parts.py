"""Units of work: some 256 pictures, a shard, or a group of rows; named by what is in them and how it is to be done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from limner.errors import LimnerError
from limner.scale.place import EXTRA, Place
from limner.scale.source import Item, Kind
from limner.scale.there import There

PICTURES = 256
NAME_LETTERS = 20


@dataclass(frozen=True)
class Part:
    """Items that are done together: files, or one shard, or one ``group`` of rows of a table. retry: its table is there with
    failures, and is to be made anew. Raises LimnerError for a name that is no hash."""

    name: str
    kind: Kind
    items: tuple[Item, ...]
    group: int = -1
    retry: bool = False

    def __post_init__(self) -> None:
        if len(self.name) != NAME_LETTERS or not self.items or (self.kind != "file" and len(self.items) > 1):
            raise LimnerError(f"no part of a run: {self.name!r} of {len(self.items)} items")

    @property
    def table(self) -> str:
        return f"part-{self.name}.parquet"

    @property
    def shard(self) -> str:
        return f"part-{self.name}.tar"

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(item.identity(self.group) for item in self.items)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Part:
        """The inverse of ``to_json``."""
        said = json.loads(text)
        return cls(**said | {"items": tuple(Item(**item) for item in said["items"])})


@dataclass(frozen=True)
class Planner:
    """Cuts what is not there yet into parts. identity: of the settings, a part of every name."""

    place: Place
    identity: str
    there: There
    pictures: int = PICTURES

    def parts(self, items: Iterable[Item]) -> Iterator[Part]:
        """In the order of the items; those that are made anew come last. Names of items are all that is held."""
        waiting: list[Item] = []
        again: dict[str, list[tuple[Item, int]]] = {}
        for item in items:
            for group in self._groups(item):
                mended = self.there.mended.get(identity := item.identity(group))
                if mended is not None:
                    again.setdefault(mended, []).append((item, group))
                elif identity in self.there.ids:
                    continue
                elif item.kind == "file":
                    waiting.append(item)
                else:
                    yield self._part((item,), group)
            if len(waiting) == self.pictures:
                yield self._part(tuple(waiting))
                waiting.clear()
        if waiting:
            yield self._part(tuple(waiting))
        for name, found in again.items():
            yield Part(name, found[0][0].kind, tuple(item for item, _ in found), found[0][1], retry=True)

    def _groups(self, item: Item) -> range:
        """The groups of rows of a table; else -1 alone."""
        if item.kind != "parquet":
            return range(-1, 0)
        return range(groups_of(self.place, item))

    def _part(self, items: tuple[Item, ...], group: int = -1) -> Part:
        named = "\n".join([self.identity, *(item.identity(group) for item in items)])
        return Part(hashlib.sha256(named.encode()).hexdigest()[:NAME_LETTERS], items[0].kind, items, group)


def groups_of(place: Place, item: Item) -> int:
    """How many groups of rows a table has; 1 for one that cannot be read, so that it becomes a row that says so."""
    from limner.extras import need

    parquet = need("pyarrow.parquet", extra=EXTRA)
    try:
        with place.open(item.key) as stream:
            return int(parquet.ParquetFile(stream).metadata.num_row_groups)
    except (OSError, ValueError):
        return 1
