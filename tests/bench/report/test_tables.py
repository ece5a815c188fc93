"""Tables: the three ways out, and what each table says of records that were made for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import BUDGETS, curve, failed, one_failed, record, two_systems

from limner.bench.report.ablation import ablation_table
from limner.bench.report.scales import SCALES, in_order, scale_of
from limner.bench.report.series import groups
from limner.bench.report.table import Column, Table, Value, latex, one_line, rows_of_csv, to_csv, to_latex, to_markdown
from limner.bench.report.tables import absent, costs, failures, layers, means, pictures, systems, tables
from limner.errors import LimnerError

COLUMNS = (Column("name, of a thing"), Column("bytes", 0), Column("PSNR dB ↑", 2))
TEXTS = st.text(max_size=20).map(one_line)
NUMBERS = st.none() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.tuples(TEXTS, st.none() | st.integers(-(10**12), 10**12), NUMBERS), max_size=5)
SMALL = Table("small", "A title", "Some words.", COLUMNS, (("a_b|c", 7, 20.0), ("50 % & more", None, -0.125)))


@given(ROWS)
def test_csv_is_read_back_as_it_was(rows: list[tuple[Value, ...]]) -> None:
    table = Table("t", "t", "", COLUMNS, tuple(rows))
    assert rows_of_csv(to_csv(table), COLUMNS) == table.rows


@given(ROWS)
def test_every_way_out_has_a_line_for_each_row(rows: list[tuple[Value, ...]]) -> None:
    table = Table("t", "t", "", COLUMNS, tuple(rows))
    assert len(to_markdown(table).splitlines()) == 2 + len(rows)
    assert len(to_latex(table).splitlines()) == 7 + len(rows)


def test_markdown() -> None:
    assert to_markdown(SMALL) == (
        "| name, of a thing | bytes | PSNR dB ↑ |\n"
        "| --- | ---: | ---: |\n"
        "| a\\_b\\|c | 7 | 20.00 |\n"
        "| 50 % & more | – | -0.12 |\n"
    )


def test_csv() -> None:
    assert to_csv(SMALL) == '"name, of a thing","bytes","PSNR dB ↑"\n"a_b|c",7,20.0\n"50 % & more",,-0.125\n'


def test_latex() -> None:
    assert to_latex(SMALL) == (
        "% A title. Some words.\n"
        "\\begin{tabular}{lrr}\n"
        "\\toprule\n"
        "name, of a thing & bytes & PSNR dB $\\uparrow$ \\\\\n"
        "\\midrule\n"
        "a\\_b\\textbar{}c & 7 & 20.00 \\\\\n"
        "50 \\% \\& more & -- & $-$0.12 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


@given(st.text(alphabet='\\&%$#_{}~^<>|"abc -1', max_size=20))
def test_no_sign_of_latex_is_left_by_itself(text: str) -> None:
    found = latex(text)
    for command in (r"\textbackslash{}", r"\textasciitilde{}", r"\textasciicircum{}", r"\textless{}", r"\textgreater{}"):
        found = found.replace(command, "")
    found = found.replace(r"\textbar{}", "").replace("$-$", "")
    for sign in "&%$#_{}":
        found = found.replace("\\" + sign, "")
    assert not set(found) & set('\\&%$#_{}~^<>|"')


@pytest.mark.parametrize("row", [("a", 1), (None, 1, 1.0), ("a\nb", 1, 1.0), ("a", "1", 1.0), ("a", 1, float("nan"))])
def test_rows_that_do_not_fit_are_refused(row: tuple[Value, ...]) -> None:
    with pytest.raises(LimnerError, match="table t"):
        Table("t", "t", "", COLUMNS, (row,))


def test_another_table_is_not_read_back() -> None:
    with pytest.raises(LimnerError, match="not that table"):
        rows_of_csv(to_csv(SMALL), COLUMNS[:2])


def test_means_are_of_all_pictures_or_a_dash() -> None:
    (group,) = groups(one_failed(two_systems(), "jpeg", 250))
    rows = means(group).rows
    assert rows[0] == ("250", "jpeg", 2, None, None, None, None)
    assert rows[1] == ("250", "miniature", 3, 250.0, 0.325521, 24.0, pytest.approx(0.26))
    assert [row[0] for row in rows] == [str(budget) for budget in BUDGETS for _ in range(2)]


def test_every_picture_has_a_row() -> None:
    (group,) = groups([*curve("jpeg", 20.0), failed(record(system="webp"))])
    rows = pictures(group).rows
    assert len(rows) == 13 and rows[0] == ("harbour.png", "250", "jpeg", 250.0, 0.325521, 20.0, 0.3, "–")
    assert ("harbour.png", "500", "webp", None, None, None, None, "–") in rows


def test_layers_add_up_to_the_file() -> None:
    one = replace(record(), layer_bytes={"header": 10, "latent": 480})
    other = replace(record("hill.png"), layer_bytes={"header": 10, "text": 40, "latent": 440})
    (group,) = groups([one, other])
    rows = layers(group).rows
    assert [row[2:4] for row in rows] == [("header", 10.0), ("latent", 460.0), ("text", 20.0)]
    assert rows[0][4:] == (2.04082, 2)
    assert sum(row[3] for row in rows if isinstance(row[3], float)) == 490


def test_costs_are_medians_and_the_greatest_peak() -> None:
    slow = replace(record("hill.png"), decode=replace(record().decode, wall_s=1.5, peak_bytes=128 << 20))
    (group,) = groups([record(), slow])
    assert costs(group).rows == (("500", "miniature", 0.25, 0.5, 64.0, 1.0, 0.75, 128.0, "cpu"),)


def test_costs_that_were_not_measured_are_absent() -> None:
    (group,) = groups([replace(record(), encode=None)])
    assert costs(group).rows[0][2:6] == (None, None, None, 0.5)


def test_failures_say_where_and_why() -> None:
    (group,) = groups([record(), failed(record("hill.png"), "no room\nat all")])
    table = failures(group)
    assert table.words == "1 of 2 records are failures."
    assert table.rows == (("hill.png", "500", "miniature", "encode", "BudgetError", "no room at all"),)


def test_absent_figures_are_counted_by_why() -> None:
    (group,) = groups([replace(record(name), absent={"lpips_alex": "weights are not here"}) for name in ("a.png", "b.png")])
    assert absent(group).rows == (("LPIPS (alex)", "miniature", "weights are not here", 2),)


def test_what_made_the_files_is_named() -> None:
    (group,) = groups([replace(record(), weights_sha256="ab" * 32), record("hill.png", system="miniature")])
    assert systems(group).rows == (("miniature", "abababababababab", "limner 1", "0"),)


def words_records(shift_db: float) -> list[object]:
    """True words, and others that change the PSNR of each picture by about that much."""
    pictures = [f"{number}.png" for number in range(8)]
    true = [record(name, "taco", words="true", psnr_db=20.0 + place) for place, name in enumerate(pictures)]
    other = [
        record(name, "taco", words="shuffled", psnr_db=20.0 + place + shift_db + 0.1 * (place % 3 - 1))
        for place, name in enumerate(pictures)
    ]
    return [*true, *other]


@pytest.mark.parametrize(("shift_db", "verdict"), [(-0.5, "worse"), (0.5, "better"), (0.01, "no difference shown")])
def test_what_words_change_is_paired_by_picture(shift_db: float, verdict: str) -> None:
    (group,) = groups(words_records(shift_db))
    size, psnr = ablation_table(group).rows
    assert size == ("taco", "500", "shuffled", "bytes ↓", 8, 8, 490.0, 0.0, 0.0, 0.0, "no difference shown")
    assert psnr[:7] == ("taco", "500", "shuffled", "PSNR dB ↑", 8, 8, 23.5) and psnr[10] == verdict
    # Pictures lie 7 dB apart; unpaired, no such difference could be seen.
    assert isinstance(psnr[8], float) and isinstance(psnr[9], float) and psnr[9] - psnr[8] < 0.2
    assert psnr[8] <= psnr[7] <= psnr[9]


def test_words_of_which_a_picture_is_missing_make_no_mean() -> None:
    (group,) = groups(words_records(-0.5)[:-1])
    assert [row[4:] for row in ablation_table(group).rows] == [(7, 8, None, None, None, None, "incomplete")] * 2


def test_tables_without_a_row_are_left_out() -> None:
    (group,) = groups(two_systems())
    assert [table.name for table in tables(group, None)] == ["means", "costs", "systems", "curves", "pictures"]


def test_columns_stand_in_one_order() -> None:
    assert in_order(["zebra", "flip", "psnr_db", "ape"]) == ["psnr_db", "flip", "ape", "zebra"]
    assert scale_of("zebra").heading == "zebra" and scale_of("flip").heading == "FLIP ↓"


def test_scales_agree_with_what_measures_say_of_themselves() -> None:
    measures = pytest.importorskip("limner.bench.measures").MEASURES
    assert {name: scale.better for name, scale in SCALES.items()} == {name: one.better for name, one in measures.items()}
    assert {name: scale.unit for name, scale in SCALES.items() if scale.unit} == {"psnr_db": measures["psnr_db"].unit}
