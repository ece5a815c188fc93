"""A whole report: the same bytes for the same records, golden pages, names of files, and what is refused."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from made_records import PICTURES, curve, failed, one_failed, record, run_folder, two_systems

from limner.bench.harness.record import Head, kept_picture
from limner.bench.report.kept import Kept
from limner.bench.report.make import FORMATS, Source, Wish, files, opened, write
from limner.bench.report.page import Page, page_data, page_html, report_id
from limner.bench.report.part import Part
from limner.bench.report.series import groups
from limner.bench.report.tables import tables
from limner.errors import LimnerError

GOLDEN = Path(__file__).with_name("golden")
HEAD = Head({"psnr_db": "8-bit sRGB, peak 255", "flip": "67 pixels a degree"}, "limner bench run --data made", {"workers": "1"})
# Set, golden files are written anew; look at what changes.
WRITES = "LIMNER_WRITE_GOLDEN" in os.environ


def source() -> Source:
    """Two systems, a failure, an absent metric, and words."""
    records = one_failed(two_systems(), "jpeg", 250)
    words = [one for words in ("true", "empty") for one in curve("taco", 22.0, (500,), words=words)]
    told = [replace(one, layer_bytes={"header": 8, "latent": (one.bytes or 0) - 8}) for one in words]
    missing = replace(record(PICTURES[0], "webp"), absent={"dists": "weights dists are not here"})
    return Source(HEAD, (*records, *told, missing), Kept())


def golden(name: str, text: str) -> None:
    if WRITES:
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(text, "utf-8")
    assert text == (GOLDEN / name).read_text("utf-8")


def test_the_report_is_the_golden_one() -> None:
    pytest.importorskip("bjontegaard")
    made = dict(files(source(), Wish(("md",))))
    assert set(made) == {"report.md"}
    golden("report.md", made["report.md"].decode())


def test_the_data_of_the_page_are_the_golden_ones() -> None:
    some = [one for one in source().records if one.budget_bytes == 500 and one.system != "taco"]
    (group,) = groups(some)
    kept = Kept(Path("run"), frozenset(kept_picture(one) for one in some if one.picture == PICTURES[0]))
    data = page_data(Page(HEAD, (Part(group, tables(group, None), []),), kept))
    golden("page.json", json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for module in ("bjontegaard", "matplotlib"):
        pytest.importorskip(module)
    mixed = replace(source(), records=tuple(random.Random(2).sample(source().records, len(source().records))))
    one, other = dict(files(source(), Wish())), dict(files(mixed, Wish()))
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert {Path(name).suffix.removeprefix(".") for name in one} == set(FORMATS)


def test_times_change_costs_and_nothing_else() -> None:
    slower = [replace(one, encode=one.encode and replace(one.encode, wall_s=9.0)) for one in source().records]
    one, other = (dict(files(replace(source(), records=tuple(some)), Wish(("csv",)))) for some in (source().records, slower))
    assert [name for name in one if one[name] != other[name]] == ["tables/costs.csv"]


def test_files_have_names_of_their_own() -> None:
    pytest.importorskip("bjontegaard")
    made = [name for name, _ in files(source(), Wish(("md", "csv", "tex", "html"), name="kodak"))]
    assert {"kodak.md", "kodak.html", "kodak-tables/means.csv", "kodak-tables/bd.tex"} <= set(made)
    assert all(name.startswith("kodak") for name in made) and len(made) == len(set(made))


def test_groups_have_files_of_their_own() -> None:
    other = [replace(one, preparation="512") for one in source().records]
    made = [name for name, _ in files(replace(source(), records=(*source().records, *other)), Wish(("csv", "md")))]
    assert {"tables/made-means.csv", "tables/made-512-means.csv", "report.md"} <= set(made) and len(made) == len(set(made))


def test_a_long_table_has_a_page_of_its_own() -> None:
    names = [f"{number:03}.png" for number in range(160)]
    made = dict(files(Source(HEAD, tuple(curve("webp", 20.0, (500,), names)), Kept()), Wish(("md",))))
    assert set(made) == {"report.md", "pictures.md"}
    assert b"160 rows: [pictures.md](pictures.md)." in made["report.md"] and made["pictures.md"].count(b"webp") == 160


def test_plots_are_named_in_the_report() -> None:
    pytest.importorskip("matplotlib")
    made = dict(files(source(), Wish(("md", "svg"))))
    assert b"![PSNR over bits a pixel](curves/psnr_db.svg)" in made["report.md"]
    assert made["curves/psnr_db.svg"].startswith(b"<?xml")


@pytest.mark.parametrize("formats", [(), ("pdf",), ("md", "docx")])
def test_formats_that_are_none_are_refused(formats: tuple[str, ...]) -> None:
    with pytest.raises(LimnerError, match="formats are of md, csv"):
        Wish(formats)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "a b"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(LimnerError, match="a report's name"):
        Wish(name=name)


def test_an_anchor_that_is_not_there_is_refused_only_if_asked_for() -> None:
    alone = Source(HEAD, tuple(curve("webp", 20.0)), Kept())
    assert "tables/bd.csv" not in dict(files(alone, Wish(("csv",))))
    with pytest.raises(LimnerError, match="'jpeg' is no system"):
        dict(files(alone, Wish(("csv",), anchor="jpeg")))


def test_a_folder_or_a_file_of_records_is_opened(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, two_systems())
    assert opened(folder) == opened(folder / "rows.jsonl")
    assert len(opened(folder).kept.names) == len(PICTURES) + len(two_systems())


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match=r"rows\.jsonl"):
        opened(tmp_path)
    run_folder(tmp_path, [])
    with pytest.raises(LimnerError, match="holds no records"):
        opened(tmp_path)


def test_what_is_written_is_complete(tmp_path: Path) -> None:
    lost = failed(record(system="webp"))
    folder = run_folder(tmp_path, [*curve("avif", 22.0, (500,)), lost])
    written = write(opened(folder), Wish(("html",)), tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    pictures = data["groups"][0]["pictures"]
    addresses = [picture["original"] for picture in pictures]
    addresses += [shot["src"] for picture in pictures for shot in picture["shots"]["500"].values()]
    names = {unquote(address) for address in addresses}
    assert len(names) == 2 * len(PICTURES)
    assert {tmp_path / "out" / name for name in (*names, "index.html")} == set(written)
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_a_report_into_the_folder_of_the_run_leaves_its_pictures_alone(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, list(curve("avif", 22.0, (500,))))
    assert write(opened(folder), Wish(("html",)), folder) == [folder / "index.html"]


def test_nothing_in_the_data_ends_the_script() -> None:
    evil = replace(record("</script><script>alert(1)</script>.png"), data="<b>&amp;")
    (group,) = groups([evil])
    page = page_html(Page(Head({}, "</script>"), (Part(group, tables(group, None), []),), Kept()))
    assert "<script>alert" not in page and "<title>&lt;b&gt;&amp;amp;</title>" in page
    assert page.count("</script>") == 2


def test_a_page_asks_no_network() -> None:
    (group,) = groups(two_systems())
    page = page_html(Page(HEAD, (Part(group, tables(group, None), []),), Kept()))
    assert "default-src 'none'" in page
    assert set(word for word in page.split('"') if word.startswith("http")) == {"http://www.w3.org/2000/svg"}


def test_the_name_of_a_report_is_of_what_was_coded() -> None:
    one, other = groups(two_systems()), groups(replace(one, figures={"psnr_db": 1.0}) for one in two_systems())
    assert report_id(one) == report_id(other) != report_id(groups(two_systems()[1:]))
