"""Training photographs from WebDataset shards that need not fit into memory.

    a reader's shards, pass after pass in another order --> photographs 0, 1, 2, ...
                                                              [ window of some ]  <-- a draw takes one of it at random
                                                               moves on by one in every eight draws

A reader is one process, or one of its workers, and has its own shards; where there are fewer shards than readers, each has all.
What a draw gives follows from the seed, the reader and how many draws it made before. So a run goes on from the place of its
window's first photograph: from there the window is read again, and what lies before it in that shard is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count, islice

import webdataset

from limner.errors import LimnerError
from limner.train.draws import Draw
from limner.train.photos import SUFFIXES, Pixels, as_array
from limner.train.window import DRAWS_PER_NEW, Place, Reader, Window

POOL = 512
HELD_OUT = 24  # the first of the first shard are never trained on


class Stream:
    """Photographs of WebDataset shards: ``pattern`` as in ``shards/{000..099}.tar``, a path, or a URL that webdataset opens."""

    def __init__(self, pattern: str, pool: int = POOL) -> None:
        self.pattern, self.size = pattern, pool
        self.shards: Sequence[str] = webdataset.shardlists.expand_urls(pattern)
        self.window: Window | None = None

    @cached_property
    def held_out(self) -> list[Pixels]:
        """The first pictures of the first shard. LimnerError if there are none."""
        found = [as_array(data) for data in islice(pictures(self.shards[0], bad=webdataset.reraise_exception), HELD_OUT)]
        if not found:
            raise LimnerError(f"{self.shards[0]}: no photographs; wanted are samples with {sorted(SUFFIXES)}")
        return found

    def begin(self, reader: Reader, turn: int = 0, place: Place | None = None) -> None:
        """Read as a reader that has made ``turn`` draws; ``place``: where its window was once, if it goes on."""
        at = place or Place(turn // DRAWS_PER_NEW, 0, 0)
        self.window = Window(self.passing(reader, at), self.size)

    def draw(self, draw: Draw) -> Pixels:
        """A photograph of the window. LimnerError if the shards have none."""
        if self.window is None:
            self.begin(Reader(), draw.turn)
        assert self.window is not None
        return self.window.drawn(draw)

    @property
    def place(self) -> Place | None:
        """Of the window's first photograph, once there was a draw."""
        return self.window.place if self.window is not None else None

    def passing(self, reader: Reader, at: Place) -> Iterator[tuple[Place, Pixels]]:
        """Photographs without end, from a place on; one that cannot be decoded is passed over."""
        number, last_seen = at.number, at.visit
        for visit in count(at.visit):
            if visit > last_seen + 2 * len(self.shards):
                raise LimnerError(f"{self.pattern}: no photographs to train on; the first {HELD_OUT} are held out")
            shard = reader.visited(self.shards, visit)
            first = max(at.offset if visit == at.visit else 0, HELD_OUT if shard == self.shards[0] else 0)
            for offset, pixels in decoded(shard, first):
                yield Place(number, visit, offset), pixels
                number, last_seen = number + 1, visit


def pictures(shard: str, bad: object = webdataset.ignore_and_continue) -> Iterator[bytes]:
    """The picture of each sample of a shard that has one."""
    for sample in webdataset.tariterators.tarfile_samples([{"url": shard}], handler=bad):
        data = next((sample[suffix[1:]] for suffix in SUFFIXES if suffix[1:] in sample), None)
        if data is not None:
            yield data


def decoded(shard: str, first: int) -> Iterator[tuple[int, Pixels]]:
    """Pictures of a shard and their number in it, from ``first`` on."""
    for offset, data in islice(enumerate(pictures(shard)), first, None):
        try:
            yield offset, as_array(data)
        except OSError:
            continue
