"""Words for encoders that read them: a caption -> vectors, by what the encoder's weights were trained with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from limner import transform
from limner.describe import texts
from limner.nets.wordids import rows_of
from limner.weights import WeightSet

Reader = Callable[[str], NDArray[np.float32]]
"""A caption, "" for none -> vectors (1, n, t)."""


def reader_of(weights: WeightSet, own: str) -> Reader | None:
    """Who reads words for an encoder; None if it reads none. MissingError if that is not here.

    ``own``: the file of a word encoder that a set of weights may have. Without one, ``weights.reads`` names a reader of
    ``limner.describe.texts``.
    """
    if own in weights.files:
        network = transform.session(weights.read(own))
        return lambda caption: np.asarray(network.run(None, {"ids": np.array(rows_of([caption]), np.int64)})[0], np.float32)
    if not weights.reads:
        return None
    told = texts.opened(weights.reads)
    return lambda caption: np.asarray(told.of([caption]).numpy(), np.float32)
