"""Published numbers: whole, with a source, and never in a table with ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_records import curve, two_systems

from limner.bench.harness.record import Head
from limner.bench.report.kept import Kept
from limner.bench.report.make import Source, Wish, files
from limner.bench.report.reported import RATES, Reported, reported, reported_tables
from limner.errors import LimnerError


def test_every_entry_is_whole() -> None:
    for one in reported():
        assert one.reference and one.rate in RATES and one.figures
        assert list(one.bpp) == sorted(one.bpp) and one.bpp[0] > 0 and one.bpp[-1] < 1


RANGES = [("psnr_db", 5, 40), ("ms_ssim", 0, 1), ("lpips_alex", 0, 1), ("dists", 0, 1)]


@pytest.mark.parametrize(("metric", "low", "high"), RANGES)
def test_figures_are_in_range(metric: str, low: float, high: float) -> None:
    found = [value for one in reported() for value in one.figures.get(metric, ())]
    assert found and all(low < value < high for value in found)


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(LimnerError, match="columns of"):
        Reported("x", "kodak", "none", "file", "s", "r", (0.1, 0.2), {"psnr_db": (20.0,)})
    with pytest.raises(LimnerError, match="rate is one of"):
        Reported("x", "kodak", "none", "guess", "s", "r", (0.1,), {"psnr_db": (20.0,)})


def test_tables_are_by_data_set_and_preparation() -> None:
    assert [table.name for table in reported_tables("kodak")] == ["reported-kodak", "reported-kodak-512"]
    assert reported_tables("made") == []
    for table in reported_tables("kodak"):
        assert all(row[2] in RATES for row in table.rows)
        for name in {row[-2] for row in table.rows}:
            assert f"{name}: " in table.words


def test_they_never_stand_in_a_table_with_ours() -> None:
    records = tuple(replace(one, data="kodak") for one in [*two_systems(), *curve("webp", 20.0)])
    made = dict(files(Source(Head(), records, Kept()), Wish(("csv",))))
    published = {name for name in made if name.startswith("tables/reported-")}
    assert published == {"tables/reported-kodak.csv", "tables/reported-kodak-512.csv"}
    for name, data in made.items():
        assert (b"StableCodec" in data or b"CoD, " in data) == (name in published)
        assert (b'"miniature"' in data) == (name not in published)


def test_data_sets_and_preparations_are_named_as_records_name_them() -> None:
    sources = pytest.importorskip("limner.bench.sources").SOURCES
    preparations = pytest.importorskip("limner.bench.preparations").PREPARATIONS
    assert {one.data for one in reported()} <= set(sources) and {one.preparation for one in reported()} <= set(preparations)
