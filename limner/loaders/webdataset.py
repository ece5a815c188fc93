"""A decoder for WebDataset: files ``.limn`` in samples become pictures.

webdataset.WebDataset("shards/{000..099}.tar").decode(limn_handler(Decoding("torchrgb", size=(256, 192))))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from limner.loaders.decoding import Decoding, Picture

EXTENSION = "limn"

Handler = Callable[[str, bytes], "Picture | None"]


def limn_handler(decoding: Decoding | None = None) -> Handler:
    """What ``decode`` of a WebDataset takes: gives a picture for a file ``.limn``, None for others, which are left to the next.

    A file that cannot be decoded raises a LimnerError, which webdataset puts under an error of its own that names the sample;
    ``decode(..., handler=...)`` says what then happens.
    """
    return partial(decoded, decoding=decoding or Decoding())


def decoded(key: str, data: bytes, *, decoding: Decoding) -> Picture | None:
    """``key``: the name of a file behind that of its sample, as in ``.limn`` and ``.small.limn``."""
    return decoding(data) if key.lower().rpartition(".")[2] == EXTENSION else None
