"""What data sets of the tests call in worker processes."""

from __future__ import annotations

import os


def first_letter(name: str) -> str:
    return name[0]


def threads(user_api: str) -> int:
    """Of NumPy's BLAS."""
    import threadpoolctl

    return max(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == user_api)


class Told:
    """In place of a picture: the threads of the BLAS, those of a network, and what the environment says."""

    def __call__(self, _picture: object) -> tuple[int, int, str | None]:
        from limner.systems import miniature

        network = miniature.embedded().synthesis.network
        return threads("blas"), network.get_session_options().intra_op_num_threads, os.environ.get("OMP_NUM_THREADS")
