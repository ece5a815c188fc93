"""Records in order: which curve each belongs to, seeds, and what is refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from made_records import curve, failed, record, sha256, two_systems

from limner.bench.report.series import Cell, Family, Target, groups, place
from limner.errors import LimnerError


@pytest.mark.parametrize(
    ("setting", "budget", "way", "target"),
    [
        ("target_bytes=500", 500, "", "500"),
        ("target_bytes=500 painter=vivid", 500, "painter=vivid", "500"),
        ("target_bytes=500 effort=9", 500, "effort=9", "500"),
        ("quality=30 downscaled", None, "downscaled", "quality=30"),
        ("4x3", None, "", "4x3"),
        ("default", None, "", "–"),
    ],
)
def test_a_setting_is_a_way_and_a_target(setting: str, budget: int | None, way: str, target: str) -> None:
    one = replace(record(), setting=setting, budget_bytes=budget)
    found = place(one)
    assert (found[0].way, found[1].label) == (way, target)


@pytest.mark.parametrize(
    ("family", "label"),
    [
        (Family("jpeg", "", "none"), "jpeg"),
        (Family("jpeg", "downscaled", "none"), "jpeg downscaled"),
        (Family("taco", "", "na"), "taco (na words)"),
    ],
)
def test_a_label_tells_families_apart(family: Family, label: str) -> None:
    assert family.label == label


def test_the_order_of_records_is_nothing() -> None:
    records = two_systems()
    shuffled = random.Random(1).sample(records, len(records))
    assert groups(shuffled) == groups(records)


def test_data_sets_and_preparations_stay_apart() -> None:
    records = [record(), replace(record(), preparation="512"), replace(record(), data="other")]
    assert [group.title for group in groups(records)] == ["made", "made, 512", "other"]


def test_systems_whose_layers_are_known_come_first() -> None:
    ours = replace(record(system="taco"), layer_bytes={"latent": 480, "header": 10})
    (group,) = groups([record(system="avif"), ours, replace(ours, picture="hill.png", picture_sha256=sha256("hill.png"))])
    assert [family.system for family in group.families] == ["taco", "avif"]


def test_two_pictures_of_one_name_are_refused() -> None:
    with pytest.raises(LimnerError, match="two different pictures"):
        groups([record(), replace(record(system="jpeg"), picture_sha256="1" * 64)])


def test_seeds_of_a_picture_are_averaged_first() -> None:
    seeds = tuple(replace(record(psnr_db=value), seed=seed) for seed, value in enumerate((20.0, 23.0)))
    cell = Cell(Family("pic", "", "true"), Target(500, ""), (*seeds, record("hill.png", psnr_db=30.0)))
    assert cell.figures("psnr_db") == {"harbour.png": 21.5, "hill.png": 30.0}


def test_a_picture_of_which_a_seed_failed_has_no_figure() -> None:
    seeds = (record(), replace(failed(record()), seed=1))
    assert Cell(Family("pic", "", "true"), Target(500, ""), seeds).figures("psnr_db") == {}


def test_a_rate_is_bits_of_the_file_over_pixels() -> None:
    (group,) = groups(curve("jpeg", 20.0, budgets=[768], pictures=["harbour.png"]))
    assert group.cells[0].rates_bpp() == {"harbour.png": 8 * 768 / (96 * 64)}
