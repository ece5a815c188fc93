"""One thread for the products of integer networks.

They are small and many. The threads of a BLAS cost them more than they bring, and where others use the cores too, as threads
that spin wait for each other, many times as much.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import threadpoolctl


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, the BLAS that NumPy calls has one thread; afterwards as many as before.

    It is one number for all threads of a program: threadpoolctl lets that thread set it that did so first, for as long as it
    lives, so that no two of them can leave it at one. Another thread computes the same, with as many as there are.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    """Those that are loaded when they are first asked for, NumPy's among them."""
    return threadpoolctl.ThreadpoolController()
