"""How many threads the codec takes in a worker process that others began (a DataLoader's, say): one.

There are as many workers as there are cores to be used. Were each to take all cores too, as onnxruntime does by itself, they
would wait for each other most of the time.
"""

from __future__ import annotations

import multiprocessing
import os
from functools import cache

from limner.cores import THREADS

IMPORTED_IN = os.getpid()


def settle() -> None:
    """Hold the codec of a worker process to one thread, unless OMP_NUM_THREADS says how many. Elsewhere it does nothing."""
    _settle(os.getpid())


@cache
def _settle(process: int) -> None:
    forked = process != IMPORTED_IN
    if THREADS[0] in os.environ or not (forked or multiprocessing.parent_process() is not None):
        return
    os.environ.update(dict.fromkeys(THREADS, "1"))  # read by onnxruntime's sessions, which are not open yet
