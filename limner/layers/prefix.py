"""Latent layers of which only the first bytes are there: what these make certain, and for all else what is likeliest.

    start of a body --PrefixReader--> certain symbols --the layer's own walk--> values
                                      0 for all others: their predicted means

The walk is that of a whole body, so that what is certain is what a reader of the whole body has. Nothing guards a start: bytes
that were changed, and not just lost behind the end, give another picture. See spec, *A file whose end is missing*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from limner.entropy.prefix import PrefixReader
from limner.errors import TruncatedError
from limner.layers import hyperlatent, latent
from limner.layers.hyperpath import HyperPath
from limner.layers.path import Path

PLACES_A_BIT = 1 << 14
LUCK_BITS = hyperlatent.LUCK_BITS


@dataclass(frozen=True)
class Part:
    """How much of a layer is there. known, symbols: how many symbols are certain, and how many there are. share: of the whole
    body, 0 to 1, estimated from what the tables expect of the rest; on photographs it is right to a twentieth.
    """

    known: int
    symbols: int
    share: float


def read_latent(start: bytes, width_px: int, height_px: int, path: Path) -> tuple[latent.Walked, Part]:
    """Read the start of a latent body.

    TruncatedError if it says nothing of the picture, or too little of one so large; DamagedError for what starts no body.
    """
    reader = PrefixReader(start)
    geometry, quality = latent.read_setting(reader, width_px, height_px)
    enough(reader, start, geometry.latent)
    walked = latent.walk_symbols(reader, geometry, quality, latent.NOTHING, path)
    return walked, part(reader)


def read_hyperlatent(start: bytes, width_px: int, height_px: int, path: HyperPath) -> tuple[hyperlatent.Walked, Part]:
    """Read the start of a hyperlatent body. Raises as ``read_latent``."""
    reader = PrefixReader(start)
    geometry = hyperlatent.read_setting(reader, width_px, height_px)
    hyper, shape = hyperlatent.shapes(path, geometry)
    enough(reader, start, shape)
    walked = hyperlatent.walk_symbols(reader, geometry, path, hyperlatent.nothing(hyper))
    return walked, part(reader)


def enough(reader: PrefixReader, start: bytes, shape: tuple[int, int, int]) -> None:
    """Refuse a start without the setting, or for whose few bytes the latent is so large that no whole body would be so short:
    it cannot make a reader compute more than a whole body of its length."""
    if reader.ended:
        raise TruncatedError("the bytes end before the latent begins", offset=len(start), field="coded symbols")
    if math.prod(shape) > PLACES_A_BIT * (8 * len(start) + LUCK_BITS):
        raise TruncatedError("the bytes are too few for a picture of this size", offset=len(start), field="coded symbols")


def part(reader: PrefixReader) -> Part:
    """How much it knew at the end of a walk. DamagedError if that is all, and the bytes are not those of a whole body."""
    reader.finish()
    return Part(reader.known, reader.asked, reader.share)
