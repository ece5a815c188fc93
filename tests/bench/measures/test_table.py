"""The table of measures: every one told in full, absent with a reason or present with a finite number, and nothing between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from measure_laws import TOLD, noisy
from pictures import scene

from limner.bench.measures import LIGHT, MEASURES, SET_MEASURES, Measure, Told, described, measured, on, sets_on
from limner.bench.measures.measure import packaged
from limner.errors import ImageError, LimnerError

PICTURE = scene(30, 24)


def made(value: float, **said: object) -> dict[str, Measure]:
    return {"x": replace(MEASURES["psnr_db"], name="x", of=lambda one, two, told: value, **said)}  # type: ignore[arg-type]


def test_every_measure_is_told_in_full() -> None:
    for table in (MEASURES, SET_MEASURES):
        for name, measure in table.items():
            assert measure.name == name and measure.better in (1, -1) and len(measure.parameters) > 20
    assert {"psnr_db", "ssim", "ms_ssim", "ssimulacra2", "butteraugli", "flip", "lpips_alex", "lpips_vgg"} <= MEASURES.keys()
    assert {"dists", "clip_image", "clip_text", "ocr_cer", "things_lost"} <= MEASURES.keys()
    assert SET_MEASURES.keys() == {"fid", "fid_patched", "kid", "kid_patched"}
    better = {name for name, measure in MEASURES.items() if measure.better > 0}
    assert better == {"psnr_db", "ssim", "ms_ssim", "ssimulacra2", "clip_image", "clip_text"}
    assert len(set(described().values())) == len(MEASURES) and described(["flip"])["flip"].split()[-1][0].isdigit()
    assert len(set(described(table=SET_MEASURES).values())) == len(SET_MEASURES)


def test_the_device_is_said() -> None:
    for table in (on("cuda:1"), sets_on("cuda:1")):
        told = [name for name, measure in table.items() if "cuda:1" in measure.parameters]
        assert told == [name for name in table if name.startswith(("lpips", "dists", "clip", "things", "fid", "kid"))]


@pytest.mark.parametrize("side_px", [1, 7, 8, 11, 31, 161])
def test_each_is_a_finite_number_or_absent_with_a_reason(side_px: int) -> None:
    picture = scene(side_px, side_px + 1)
    figures, absent = measured(picture, noisy(picture, 9, 1), TOLD, LIGHT)
    assert figures.keys() | absent.keys() == set(LIGHT) and not figures.keys() & absent.keys()
    assert all(np.isfinite(value) for value in figures.values()) and all(absent.values())
    assert {name for name in LIGHT if MEASURES[name].least_px > side_px} == absent.keys()


def test_what_is_not_finite_is_absent() -> None:
    for value, why in ((np.inf, "infinite: the pictures are equal"), (np.nan, "no finite number: nan"), (-np.inf, "-inf")):
        figures, absent = measured(PICTURE, PICTURE, table=made(value))
        assert figures == {} and why in absent["x"]


def test_what_is_needed_and_not_told_is_said() -> None:
    for needs, told, why in (("words", Told("", ("dog",)), "words"), ("things", "a dog", "things")):
        assert why in measured(PICTURE, PICTURE, told, table=made(1.0, needs=needs))[1]["x"]
        assert measured(PICTURE, PICTURE, TOLD, table=made(1.0, needs=needs)) == ({"x": 1.0}, {})


def test_what_is_missing_is_not_tried() -> None:
    def never(one: object, two: object, told: object) -> float:
        raise AssertionError

    table = {"x": replace(MEASURES["psnr_db"], of=never, missing=lambda: "not here: do this")}
    assert measured(PICTURE, PICTURE, table=table) == ({}, {"x": "not here: do this"})
    assert packaged("no_such_package")() == "no_such_package is not installed: pip install 'limner[bench]'"
    assert packaged("numpy")() == ""


def test_an_error_of_one_leaves_the_others() -> None:
    def fails(one: object, two: object, told: object) -> float:
        raise LimnerError("nothing to measure")

    table = made(3.0) | {"y": replace(MEASURES["psnr_db"], of=fails)}
    assert measured(PICTURE, PICTURE, table=table) == ({"x": 3.0}, {"y": "nothing to measure"})


def test_wrong_questions_are_errors() -> None:
    with pytest.raises(LimnerError, match="no measure 'psnr': there are psnr_db, ssim"):
        measured(PICTURE, PICTURE, names=["psnr_db", "psnr"])
    with pytest.raises(ImageError, match="compared"):
        measured(PICTURE, PICTURE[1:], names=[])
    assert measured(PICTURE, PICTURE, names=[]) == ({}, {})
