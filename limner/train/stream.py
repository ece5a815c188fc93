"""Training photographs from WebDataset shards that need not fit into memory.

    shards, drawn at random, for ever --> pool of some photographs --> draw

Every process and every worker has its own pool and draws its own shards; a draw now and then renews one place of the pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice

import numpy as np
import webdataset

from limner.errors import LimnerError
from limner.train.photos import SUFFIXES, Pixels, as_array

POOL = 512
DRAWS_PER_NEW = 8  # crops that are taken of a photograph, on average
HELD_OUT = 24  # the first of the first shard are never trained on


class Stream:
    """Photographs of WebDataset shards: ``pattern`` as in ``shards/{000..099}.tar``, a path, or a URL that webdataset opens."""

    def __init__(self, pattern: str, pool: int = POOL) -> None:
        self.pattern, self.size = pattern, pool
        self.first = webdataset.shardlists.expand_urls(pattern)[0]

    @cached_property
    def held_out(self) -> list[Pixels]:
        """The first pictures of the first shard. LimnerError if there are none."""
        shard = webdataset.WebDataset(self.first, shardshuffle=False, empty_check=False)
        found = [as_array(data) for _, data in islice(pictures(iter(shard)), HELD_OUT)]
        if not found:
            raise LimnerError(f"{self.first}: no photographs; wanted are samples with {sorted(SUFFIXES)}")
        return found

    @cached_property
    def held_out_keys(self) -> frozenset[str]:
        shard = webdataset.WebDataset(self.first, shardshuffle=False, empty_check=False)
        return frozenset(key for key, _ in islice(pictures(iter(shard)), HELD_OUT))

    @cached_property
    def passing(self) -> Iterator[Pixels]:
        """Photographs without end; one that cannot be decoded is passed over."""
        shards = webdataset.WebDataset(self.pattern, resampled=True, shardshuffle=False, handler=webdataset.ignore_and_continue)
        return decoded((data for key, data in pictures(iter(shards)) if key not in self.held_out_keys))

    @cached_property
    def pool(self) -> list[Pixels]:
        found = list(islice(self.passing, self.size))
        if not found:
            raise LimnerError(f"{self.pattern}: no photographs to train on; the first {HELD_OUT} are held out")
        return found

    def draw(self, rng: np.random.Generator) -> Pixels:
        """One photograph of the pool."""
        place = int(rng.integers(len(self.pool)))
        if rng.random() < 1 / DRAWS_PER_NEW:
            self.pool[place] = next(self.passing)
        return self.pool[place]


def pictures(samples: Iterator[dict[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of the picture of each sample that has one."""
    for sample in samples:
        data = next((sample[suffix[1:]] for suffix in SUFFIXES if suffix[1:] in sample), None)
        if data is not None:
            yield str(sample["__key__"]), data


def decoded(files: Iterator[bytes]) -> Iterator[Pixels]:
    for data in files:
        try:
            yield as_array(data)
        except OSError:
            continue
