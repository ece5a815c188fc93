"""One thread for integer networks, and as many as before afterwards: also where several threads of a program code at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import threadpoolctl

from limner.entropy import fixedpoint
from limner.entropy.fixedpoint import Layer, Network
from limner.entropy.threads import one_thread

PATIENCE_S = 60


def threads() -> set[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return {one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("NumPy's BLAS has one thread here")
        yield


def test_one_inside_and_as_many_as_before_outside(two_threads: None) -> None:
    with one_thread():
        assert threads() == {1}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_an_error_lifts_it_too(two_threads: None) -> None:
    with pytest.raises(ValueError), one_thread():
        raise ValueError
    assert threads() == {2}


def test_threads_that_code_at_once_leave_it_as_it_was(two_threads: None) -> None:
    both_in, one_out = Barrier(2), Barrier(2)

    def first() -> None:
        with one_thread():
            both_in.wait(PATIENCE_S)
        one_out.wait(PATIENCE_S)

    def last() -> None:
        with one_thread():
            both_in.wait(PATIENCE_S)
            one_out.wait(PATIENCE_S)

    with ThreadPoolExecutor(2) as pool:
        for begun in pool.submit(first), pool.submit(last):
            begun.result()
    assert threads() == {2}


def test_a_network_runs_on_one_thread(two_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    real = fixedpoint.apply
    monkeypatch.setattr(fixedpoint, "apply", lambda *given: seen.append(threads()) or real(*given))
    weight = np.ones((1, 1, 1, 1), np.int16)
    layer = Layer(weight, np.zeros(1, np.int64), np.zeros(1, np.int8))
    Network((layer,))(np.ones((1, 2, 2), np.int32))
    assert seen == [{1}]
    assert threads() == {2}
