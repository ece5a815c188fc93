"""Integer tables: their invariants, the shipped Gaussians, and what is refused."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.entropy import tables
from limner.entropy.tables import TOTAL, Table, gaussian_sigma, gaussians, make_gaussian, quantise, uniform
from limner.errors import EncodeError, MissingError

probabilities = arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 1e6)).filter(lambda p: p.sum() > 0)


@given(probabilities)
@settings(max_examples=60, deadline=None)
def test_quantised_frequencies_are_a_table(wanted: np.ndarray) -> None:
    got = quantise(wanted)
    assert got.dtype == np.uint32 and got.min() >= 1 and int(got.sum(dtype=np.int64)) == TOTAL
    assert Table(0, got).high == wanted.size - 1


@given(probabilities)
@settings(max_examples=60, deadline=None)
def test_quantisation_is_close(wanted: np.ndarray) -> None:
    got = quantise(wanted) / TOTAL
    assert np.abs(got - wanted / wanted.sum()).max() <= 2 * wanted.size / TOTAL


@pytest.mark.parametrize("wanted", [[], [0.0, 0.0], [1.0, -0.1], [math.nan], [math.inf, 1.0], [[1.0]]])
def test_what_is_no_distribution_is_refused(wanted: list[float]) -> None:
    with pytest.raises(EncodeError):
        quantise(np.array(wanted))


@pytest.mark.parametrize(
    "frequencies", [[TOTAL - 1], [TOTAL, 0], [TOTAL + 1, -1], [], [[TOTAL]], [float(TOTAL)], [TOTAL // 2] * 3]
)
def test_what_is_no_table_is_refused(frequencies: list[int]) -> None:
    with pytest.raises(EncodeError):
        Table(0, np.array(frequencies))


def test_symbols_must_fit_32_bits() -> None:
    Table(2**31 - 2, np.array([1, TOTAL - 1]))
    with pytest.raises(EncodeError):
        Table(2**31 - 1, np.array([1, TOTAL - 1]))


def test_a_table_keeps_its_own_frequencies() -> None:
    mine = np.array([1, TOTAL - 1], np.uint32)
    table = Table(0, mine)
    mine[0] = 7
    assert table.frequencies.tolist() == [1, TOTAL - 1]
    with pytest.raises(ValueError, match="read-only"):
        table.frequencies[0] = 2


def test_information_by_hand() -> None:
    # 1/4 costs 2 bits, 3/4 costs log2(4/3) = 0.415037.
    table = Table(-1, np.array([TOTAL // 4, 3 * TOTAL // 4]))
    assert table.bits(np.array([-1, -1, 0])) == pytest.approx(4.4150375)
    with pytest.raises(EncodeError):
        table.bits(np.array([1]))


@given(st.integers(1, 5000))
def test_uniform_differs_by_one_at_most(count: int) -> None:
    got = uniform(count).frequencies
    assert got.size == count and int(got.max()) - int(got.min()) <= 1 and np.all(np.diff(got.astype(int)) <= 0)


@pytest.mark.parametrize("count", [0, -1, TOTAL + 1])
def test_uniform_refuses(count: int) -> None:
    with pytest.raises(EncodeError):
        uniform(count)


def test_the_gaussians_are_symmetric_and_widen() -> None:
    loaded = gaussians()
    assert len(loaded) == 64
    for table in loaded:
        assert table.low == -255 and table.high == 255
        assert np.array_equal(table.frequencies, table.frequencies[::-1])
    peaks = [int(table.frequencies[255]) for table in loaded]
    assert peaks == sorted(peaks, reverse=True)


@pytest.mark.parametrize("index", [0, 20, 31, 40, 63])
def test_the_gaussians_are_what_the_formula_makes(index: int) -> None:
    # Another machine's erfc may differ in the last place, which may move a frequency by one.
    made = make_gaussian(gaussian_sigma(index)).astype(np.int64)
    held = gaussians()[index].frequencies.astype(np.int64)
    assert np.abs(made[:255] - held[:255]).max() <= 1 and abs(int(made[255] - held[255])) <= 510


def test_the_gaussian_costs_its_entropy() -> None:
    # Differential entropy of a Gaussian: log2(sigma * sqrt(2 pi e)) bits.
    table = gaussians()[48]
    shares = table.frequencies / TOTAL
    entropy_bits = float(-(shares * np.log2(shares)).sum())
    assert entropy_bits == pytest.approx(math.log2(gaussian_sigma(48) * math.sqrt(2 * math.pi * math.e)), abs=2e-3)


def test_the_data_file_is_the_named_one(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    assert hashlib.sha256(tables.GAUSSIANS_FILE.read_bytes()).hexdigest() == tables.GAUSSIANS_SHA256
    other = tmp_path / "gaussians.bin"
    monkeypatch.setattr(tables, "GAUSSIANS_FILE", other)
    with pytest.raises(MissingError):
        gaussians.__wrapped__()
    other.write_bytes(bytes(65536))
    with pytest.raises(MissingError):
        gaussians.__wrapped__()
    tables.main()
    assert other.stat().st_size == 65536
