"""The settings of SEDIC's decoder: JSON both ways, identities that never change, what is refused, what the presets say."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.catalog import CATALOG
from limner.errors import LimnerError, SceneError
from limner.render import painter as painters
from limner.render.identity import digest
from limner.render.painter import Painter
from limner.render.stagepainter import (
    STAGE_PAINTERS,
    STAGE_SCHEDULERS,
    StagePainter,
    from_json,
    identity,
    model_id,
    to_json,
)

PAPER, RELEASED = STAGE_PAINTERS["paper"], STAGE_PAINTERS["released"]

# Never to be changed: files carry the first two bytes.
IDENTITIES = {
    "paper": "0d635744df88c93a5d2984543dc188d0b30e90a4e3b787d84774a92c386e09f9",
    "released": "0315d90413ca20179d3b927f71df3a9fdab02d21bdea7b1238e851aa530131d0",
    "fast": "7370a054a1144384bc6fc71d531f833e4ad7e89c773ac11f4aee9a7bacf0ddd3",
    "tile": "6db8ac6255ad4d3155cfdc46c5432c0b7a73668dfc60ba452d2b0fa64501c0d7",
}


@st.composite
def stage_painters(draw: st.DrawFn) -> StagePainter:
    mode = draw(st.sampled_from(["paper", "released"]))
    blocks = st.sampled_from(["mid_block", "up_blocks.1", "down_blocks.0"])
    return StagePainter(
        base=draw(st.sampled_from(["sd21", "somebody/model", "a folder/é"])),
        control_kind=draw(st.sampled_from(["ircontrol", "tile"])),
        control_scale=draw(st.floats(0, 10)),
        scheduler=draw(st.sampled_from(STAGE_SCHEDULERS)),
        spacing=draw(st.sampled_from(["", "linspace", "leading", "trailing"])),
        mode=mode,
        object_steps=tuple(draw(st.lists(st.integers(1, 1000), min_size=1, max_size=1 if mode == "paper" else 4))),
        last_steps=draw(st.integers(1, 1000)),
        object_guidance=draw(st.floats(0, 100) | st.integers(0, 100)),
        eta=draw(st.floats(0, 10_000)),
        guided_part=draw(st.floats(0, 1)),
        guided_blocks=tuple(draw(st.lists(blocks, min_size=1, unique=True))),
        margin_px=draw(st.none() | st.integers(0, 1000)),
        suffix=draw(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20)),
    )


# JSON and identity.


@given(stage_painters())
def test_json_both_ways(painter: StagePainter) -> None:
    assert from_json(to_json(painter)) == painter
    assert identity(from_json(to_json(painter))) == identity(painter)


@given(stage_painters(), stage_painters())
def test_other_settings_have_other_identities(one: StagePainter, other: StagePainter) -> None:
    assert (identity(one) == identity(other)) == (one == other)


@pytest.mark.parametrize("name", STAGE_PAINTERS)
def test_identities_of_presets_stay(name: str) -> None:
    assert identity(STAGE_PAINTERS[name]).hex() == IDENTITIES[name]
    assert model_id(STAGE_PAINTERS[name]).hex() == IDENTITIES[name][:4]


def test_model_ids_of_presets_differ() -> None:
    ids = [model_id(painter) for painter in STAGE_PAINTERS.values()] + [
        painters.model_id(each) for each in painters.PAINTERS.values()
    ]
    assert len(set(ids)) == len(ids)


def test_an_identity_by_hand() -> None:
    text = (
        '{"area_px":524288,"base":"sd21","control":"diffbir-v2","control_kind":"ircontrol","control_scale":0.5,"eta":0,'
        '"guided_blocks":["mid_block","up_blocks.1"],"guided_part":0.2,"last_guidance":7,"last_steps":50,"margin_px":null,'
        '"mode":"released","multiple":64,"negative":"\\u00e9","object_guidance":3.5,"object_steps":[5,10],'
        '"scheduler":"DDPMScheduler","short_px":512,"spacing":"linspace","suffix":"","vae":""}'
    )
    painter = replace(RELEASED, control_scale=0.5, negative="é")
    assert identity(painter) == hashlib.sha256(text.encode()).digest()


def test_every_setting_counts() -> None:
    other: dict[str, Any] = {
        "base": "b",
        "control": "c",
        "control_kind": "tile",
        "control_scale": 2.0,
        "vae": "v",
        "scheduler": "DDPMScheduler",
        "spacing": "trailing",
        "mode": "released",
        "object_steps": (7,),
        "last_steps": 7,
        "object_guidance": 1.0,
        "last_guidance": 1.0,
        "suffix": "s",
        "negative": "n",
        "eta": 1.0,
        "guided_part": 0.5,
        "guided_blocks": ("mid_block",),
        "margin_px": 0,
        "short_px": None,
        "area_px": 512 * 512,
        "multiple": 8,
    }
    assert list(other) == [field.name for field in fields(StagePainter)]
    for name, value in other.items():
        assert identity(replace(PAPER, **{name: value})) != identity(PAPER), name


def test_a_checkpoint_in_a_folder_is_what_is_in_it(tmp_path: Path) -> None:
    for name, data in (("one", b"1"), ("same", b"1"), ("other", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v2.pth").write_bytes(data)
    one, same, other = (identity(replace(PAPER, control=str(tmp_path / name))) for name in ("one", "same", "other"))
    assert one == same != other
    # For those who paint from words alone such a file is no model.
    assert digest(tmp_path / "one") == digest(tmp_path / "other")
    assert digest(tmp_path / "one", (".pth",)) != digest(tmp_path / "other", (".pth",))


def test_what_is_left_out_is_as_in_the_paper() -> None:
    assert from_json("{}") == StagePainter() == PAPER
    assert from_json('{"object_steps": [4], "guided_blocks": []  , "eta": 0}').object_steps == (4,)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "file"),
        ("[]", "file"),
        ('{"step": 4}', "step"),
        ('{"base": ""}', "base"),
        ('{"control": ""}', "control"),
        ('{"control_kind": "canny"}', "control_kind"),
        ('{"scheduler": "PNDMScheduler"}', "scheduler"),
        ('{"scheduler": "UniPCMultistepScheduler"}', "scheduler"),
        ('{"spacing": "wide"}', "spacing"),
        ('{"mode": "fast"}', "mode"),
        ('{"object_steps": 5}', "object_steps"),
        ('{"object_steps": []}', "object_steps"),
        ('{"object_steps": [5, 10]}', "object_steps"),
        ('{"mode": "released", "object_steps": [5, 0]}', "object_steps"),
        ('{"object_steps": [1001]}', "object_steps"),
        ('{"object_steps": [true]}', "object_steps"),
        ('{"object_steps": [[5]]}', "object_steps"),
        ('{"object_steps": {"5": 5}}', "object_steps"),
        ('{"last_steps": 0}', "last_steps"),
        ('{"last_guidance": NaN}', "last_guidance"),
        ('{"object_guidance": -1}', "object_guidance"),
        ('{"control_scale": 11}', "control_scale"),
        ('{"eta": 1e9}', "eta"),
        ('{"eta": "1"}', "eta"),
        ('{"guided_part": 1.5}', "guided_part"),
        ('{"guided_blocks": []}', "guided_blocks"),
        ('{"guided_blocks": "mid_block"}', "guided_blocks"),
        ('{"guided_blocks": ["mid_block", "mid_block"]}', "guided_blocks"),
        ('{"guided_blocks": ["up_blocks"]}', "guided_blocks"),
        ('{"guided_blocks": ["up_blocks.1.attentions"]}', "guided_blocks"),
        ('{"guided_blocks": ["up_blocks.1\\n"]}', "guided_blocks"),
        ('{"guided_blocks": [1]}', "guided_blocks"),
        ('{"margin_px": -1}', "margin_px"),
        ('{"margin_px": 1.5}', "margin_px"),
        ('{"multiple": 12}', "multiple"),
        ('{"short_px": 2000}', "short_px"),
        ('{"suffix": "a\\nb"}', "suffix"),
    ],
)
def test_json_that_is_no_painter_names_the_field(text: str, field: str) -> None:
    with pytest.raises(SceneError) as caught:
        from_json(text)
    assert caught.value.field == field


NAMES = [field.name for field in fields(StagePainter)]
VALUES = st.none() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text(), max_size=3)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_other_values_are_refused_or_kept(kept: dict[str, object]) -> None:
    try:
        painter = from_json(json.dumps(kept))
    except SceneError as error:
        assert error.field in kept
    else:
        assert len(identity(painter)) == 32


@given(st.text(max_size=60))
def test_other_texts_are_refused(text: str) -> None:
    with suppress(LimnerError):
        from_json(text)


# What settings mean.


@given(stage_painters(), st.integers(1, 65536), st.integers(1, 65536))
def test_sizes_are_those_of_a_painter(painter: StagePainter, width_px: int, height_px: int) -> None:
    other = Painter(short_px=painter.short_px, area_px=painter.area_px, multiple=painter.multiple)
    assert painter.size_px(width_px, height_px) == other.size_px(width_px, height_px)


@given(stage_painters(), st.integers(1, 1000))
def test_guided_steps_are_a_part(painter: StagePainter, steps: int) -> None:
    found = painter.guided(steps)
    assert 0 <= found <= steps and abs(found - painter.guided_part * steps * (painter.eta > 0)) <= 0.5
    assert replace(painter, guided_part=1.0, eta=1.0).guided(steps) == steps


def test_steps_of_objects() -> None:
    assert [RELEASED.steps(number) for number in (1, 2, 3, 8)] == [5, 10, 10, 10]
    assert [PAPER.steps(number) for number in (1, 8)] == [20, 20] and PAPER.guided(20) == 4


def test_presets_name_published_weights() -> None:
    for painter in STAGE_PAINTERS.values():
        for name in filter(None, (painter.base, painter.control, painter.vae)):
            assert "sedic" in CATALOG[name].systems


def test_the_programs_settings() -> None:
    assert (RELEASED.object_guidance, RELEASED.last_guidance, RELEASED.last_steps, RELEASED.eta) == (3.5, 7, 50, 0)
    assert asdict(RELEASED)["object_steps"] == (5, 10) and RELEASED.spacing == "linspace"
