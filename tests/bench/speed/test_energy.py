"""Energy of packages: which counters are read, and how they go round."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_samples import RANGE_UJ, powercap

from limner.bench.speed.energy import MOST_W, Energy, opened, passed_uj


@given(st.integers(2, 10**12), st.data())
def test_a_counter_that_began_again_is_read_as_if_it_had_not(range_uj: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, range_uj - 1))
    passed = data.draw(st.integers(0, range_uj - 1))
    assert passed_uj(start, (start + passed) % range_uj, range_uj) == passed


def test_packages_alone_are_read(tmp_path: Path) -> None:
    meter = opened(powercap(tmp_path))
    assert [package.folder.name for package in meter.packages] == ["intel-rapl:0"]
    assert meter.read_uj() == (5_000_000,) and meter.absent == ""
    before = meter.read_uj()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("7500000\n")
    assert meter.joules(before, meter.read_uj(), 1.0) == 2.5


def test_packages_add_up(tmp_path: Path) -> None:
    powercap(tmp_path)
    (tmp_path / "intel-rapl:1" / "name").write_text("package-1")
    meter = opened(tmp_path)
    assert meter.joules((RANGE_UJ - 1, 0), (1_999_999, 3_000_000), 1.0) == 5.0


def test_a_span_in_which_a_counter_could_go_round_is_not_told(tmp_path: Path) -> None:
    meter = opened(powercap(tmp_path))
    longest_s = RANGE_UJ / 1e6 / MOST_W
    assert meter.joules((0,), (1,), longest_s * 0.9) is not None
    assert meter.joules((0,), (1,), longest_s * 1.1) is None


def test_where_nothing_is_told_that_is_said(tmp_path: Path) -> None:
    assert "no powercap" in opened(tmp_path / "none").absent
    assert "no package" in opened(tmp_path).absent
    powercap(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert "root" in opened(tmp_path).absent
    assert Energy(absent="why").joules((), (), 1.0) is None


@pytest.mark.parametrize("text", ["", "many"])
def test_a_counter_that_is_no_number_is_absent(tmp_path: Path, text: str) -> None:
    powercap(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text(text)
    meter = opened(tmp_path)
    assert meter.packages == () and meter.absent
