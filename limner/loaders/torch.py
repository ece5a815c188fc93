"""A PyTorch data set of files of limner: any order, any number of workers.

DataLoader(LimnDataset("blobs.parquet", Decoding("torchrgb", size=(256, 192))), batch_size=32, shuffle=True, num_workers=4)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from pathlib import Path

from torch.utils.data import Dataset

from limner.errors import LimnerError, MissingError
from limner.loaders.blobs import Blobs, Urls, opened
from limner.loaders.decoding import Decoding, Picture


class LimnDataset(Dataset[object]):
    """Pictures by number.

    ``source``: a folder, or files .limn, .tar or .parquet, one or several, here or anywhere that fsspec reaches; or `Blobs`.
    A folder with tables is what its tables say, one without is all files and then all samples of shards. ``transform``: is
    given each picture. ``label``: is given each name (a file's path, or what a table says); items are then pairs of picture
    and label. ``column``: of tables.

    Reads lists and nothing else when it is made (LimnerError if there is nothing), and can be pickled to workers, begun or
    forked: each opens the weights once, and works with one thread unless OMP_NUM_THREADS says otherwise. An item that cannot be
    read or decoded raises LimnerError with its name; a number too high IndexError, as for lists.
    """

    def __init__(
        self,
        source: Urls | Blobs,
        decoding: Decoding | None = None,
        transform: Callable[[Picture], object] | None = None,
        label: Callable[[str], object] | None = None,
        *,
        column: str = "blob",
    ) -> None:
        self.blobs: Blobs = opened(source, column) if isinstance(source, str | Path | Sequence) else source
        self.decoding = decoding or Decoding()
        self.transform = transform
        self.label = label

    def __len__(self) -> int:
        return len(self.blobs)

    def __getitem__(self, number: int) -> object:
        name, picture = self.named(number)
        made = picture if self.transform is None else self.transform(picture)
        return made if self.label is None else (made, self.label(name))

    def named(self, number: int) -> tuple[str, Picture]:
        """A name and a picture, before the transform."""
        name, blob = self.blobs.read(self._place(number))
        try:
            return name, self.decoding(blob)
        except MissingError:
            raise
        except LimnerError as error:
            # One text is all that torch takes of an error from a worker to the loader.
            raise LimnerError(f"{name}: {error}") from error

    def _place(self, number: int) -> int:
        place, length = operator.index(number), len(self)
        if not -length <= place < length:
            raise IndexError(f"{number} of {length} pictures")
        return place % length
