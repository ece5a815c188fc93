"""A painter's settings: sizes in exact integers, JSON both ways, identities that never change, what is refused."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import asdict, fields, replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.catalog import CATALOG
from limner.errors import LimnerError, SceneError
from limner.render.identity import digest
from limner.render.painter import PAINTERS, SCHEDULERS, Painter, from_json, identity, model_id, to_json

PAPER, FAST = PAINTERS["pic", "paper"], PAINTERS["pic", "fast"]
SIDES = st.integers(1, 65536) | st.integers(1, 2000)

# Never to be changed: files carry the first two bytes.
IDENTITIES = {
    ("pic", "paper"): "12740bd6deb3962608bbb5eb66207f1e799554bfe728b8c68f4793e097a46fa4",
    ("pics", "paper"): "6d72bc8fa9a8daa2ad74604ea2c67b3d28f8f20df97b0e571659469173eff671",
    ("pic", "fast"): "ce2342b7565d4cb03c5494f9fffd668a53e17e48f001cd9c5cee315c1e318f4f",
    ("pics", "fast"): "d2c4c06691294d02f25350232cd3b9ae089dff709dc832c6763ceeb5c9070954",
}


@st.composite
def painters(draw: st.DrawFn) -> Painter:
    multiple = 8 * draw(st.integers(1, 16))
    area_px = draw(st.integers(multiple**2, 1 << 22))
    most_px = math.isqrt(area_px)
    return Painter(
        base=draw(st.sampled_from(["sd21", "somebody/model", "a folder/é"])),
        control=draw(st.sampled_from(["", "controlnet-hed-sd21"])),
        scheduler=draw(st.sampled_from(SCHEDULERS)),
        steps=draw(st.integers(1, 1000)),
        guidance=draw(st.floats(0, 100) | st.integers(0, 100)),
        conditioning_scale=draw(st.floats(0, 10)),
        suffix=draw(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20)),
        sharpness=draw(st.floats(0, 10)),
        short_px=draw(st.none() | st.integers(multiple, most_px)),
        area_px=area_px,
        multiple=multiple,
    )


# Sizes.


@given(painters(), SIDES, SIDES)
def test_sizes_are_multiples_within_the_area(painter: Painter, width_px: int, height_px: int) -> None:
    found = painter.size_px(width_px, height_px)
    assert all(side >= painter.multiple and side % painter.multiple == 0 for side in found)
    assert math.prod(found) <= painter.area_px


@given(painters(), SIDES, SIDES)
def test_a_longer_side_is_not_painted_shorter(painter: Painter, width_px: int, height_px: int) -> None:
    width, height = painter.size_px(width_px, height_px)
    assert (width >= height) if width_px > height_px else (width <= height) if width_px < height_px else True


@given(SIDES, SIDES)
def test_the_papers_rule_in_fractions(width_px: int, height_px: int) -> None:
    """Python rounds fractions to the even one of two, as the published program does."""
    scale = Fraction(512, min(width_px, height_px))
    width, height = (max(1, round(side * scale / 64)) * 64 for side in (width_px, height_px))
    if width * height <= 2 * 512 * 512:
        assert PAPER.size_px(width_px, height_px) == (width, height)
    else:
        assert max(width_px, height_px) > 1.9 * min(width_px, height_px)


@given(st.integers(64, 65536), st.integers(64, 65536))
def test_by_area_proportions_are_kept(width_px: int, height_px: int) -> None:
    """To half a multiple, or one where the area asks for it, as long as the picture is no strip."""
    if max(width_px, height_px) <= 8 * min(width_px, height_px):
        width, height = FAST.size_px(width_px, height_px)
        expected = 512 * math.sqrt(width_px / height_px), 512 * math.sqrt(height_px / width_px)
        assert abs(min(width, height) - min(expected)) <= 4.001
        assert -20 * 8 <= max(width, height) - max(expected) <= 4.001
        assert width * height > 0.9 * 512 * 512


@pytest.mark.parametrize(
    ("painter", "size_px", "expected"),
    [
        (PAPER, (768, 512), (768, 512)),
        (PAPER, (512, 768), (512, 768)),
        (PAPER, (1920, 1080), (896, 512)),
        (PAPER, (1, 1), (512, 512)),
        (PAPER, (608, 512), (640, 512)),  # 9.5 and 8.5 multiples: to the even one
        (PAPER, (544, 512), (512, 512)),
        (PAPER, (2000, 1000), (1024, 512)),
        (PAPER, (3000, 1000), (1152, 448)),  # by area 20 x 7 multiples, which is too much
        (PAPER, (65536, 1), (8192, 64)),
        (PAPER, (1, 65536), (64, 8192)),
        (FAST, (512, 512), (512, 512)),
        (FAST, (768, 512), (624, 416)),
        (FAST, (1920, 1080), (680, 384)),
        (FAST, (65536, 1), (32768, 8)),
        (FAST, (65536, 65536), (512, 512)),
    ],
)
def test_sizes_by_hand(painter: Painter, size_px: tuple[int, int], expected: tuple[int, int]) -> None:
    assert painter.size_px(*size_px) == expected


@pytest.mark.parametrize("size_px", [(0, 1), (1, 0), (-5, 5), (65537, 1)])
def test_pictures_have_sides(size_px: tuple[int, int]) -> None:
    with pytest.raises(SceneError, match="size_px"):
        PAPER.size_px(*size_px)


# JSON.


@given(painters())
def test_json_both_ways(painter: Painter) -> None:
    assert from_json(to_json(painter)) == painter
    assert identity(from_json(to_json(painter))) == identity(painter)


def test_what_is_left_out_is_as_in_the_paper() -> None:
    assert from_json("{}") == Painter() == PAPER
    assert from_json('{"steps": 4}') == replace(PAPER, steps=4)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "file"),
        ("[]", "file"),
        ("[" * 100_000, "file"),
        ('{"step": 4}', "step"),
        ('{"colour": 4}', "colour"),
        ('{"steps": "4"}', "steps"),
        ('{"steps": 4.0}', "steps"),
        ('{"steps": true}', "steps"),
        ('{"steps": 0}', "steps"),
        ('{"steps": 1001}', "steps"),
        ('{"guidance": NaN}', "guidance"),
        ('{"guidance": Infinity}', "guidance"),
        ('{"guidance": 1' + "0" * 400 + "}", "guidance"),
        ('{"guidance": -1}', "guidance"),
        ('{"guidance": null}', "guidance"),
        ('{"sharpness": 11}', "sharpness"),
        ('{"conditioning_scale": [1]}', "conditioning_scale"),
        ('{"base": ""}', "base"),
        ('{"base": null}', "base"),
        ('{"control": 1}', "control"),
        ('{"scheduler": "Scheduler"}', "scheduler"),
        ('{"suffix": "\\ud800"}', "suffix"),
        ('{"suffix": "a\\nb"}', "suffix"),
        ('{"negative": "' + "x" * 2001 + '"}', "negative"),
        ('{"multiple": 12}', "multiple"),
        ('{"multiple": 0}', "multiple"),
        ('{"area_px": 4095}', "area_px"),
        ('{"area_px": 100000000}', "area_px"),
        ('{"short_px": 63}', "short_px"),
        ('{"short_px": 2000}', "short_px"),
    ],
)
def test_json_that_is_no_painter_names_the_field(text: str, field: str) -> None:
    with pytest.raises(SceneError) as caught:
        from_json(text)
    assert caught.value.field == field


def test_a_slip_is_told_what_was_meant() -> None:
    with pytest.raises(SceneError, match="guidance"):
        from_json('{"guidence": 4}')


@given(
    st.text(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5).map(json.dumps)
)
def test_other_texts_are_refused(text: str) -> None:
    with suppress(LimnerError):
        from_json(text)


@given(st.dictionaries(st.sampled_from([f.name for f in fields(Painter)]), st.none() | st.integers() | st.floats() | st.text()))
def test_other_values_are_refused_or_kept(kept: dict[str, object]) -> None:
    try:
        painter = from_json(json.dumps(kept))
    except SceneError as error:
        assert error.field in kept
    else:
        assert len(identity(painter)) == 32


# Presets and identity.


def test_presets_name_published_weights() -> None:
    for (system, _), painter in PAINTERS.items():
        assert bool(painter.control) == (system == "pics")
        for name in filter(None, (painter.base, painter.control, painter.vae)):
            assert system in CATALOG[name].systems


def test_the_papers_settings() -> None:
    assert (PAPER.base, PAPER.steps, PAPER.guidance, PAPER.suffix) == ("sd21", 25, 9, ", high quality")
    assert PAINTERS["pics", "paper"] == replace(PAPER, control="controlnet-hed-sd21", scheduler="UniPCMultistepScheduler")


@pytest.mark.parametrize("preset", PAINTERS, ids=" ".join)
def test_identities_of_presets_stay(preset: tuple[str, str]) -> None:
    assert identity(PAINTERS[preset]).hex() == IDENTITIES[preset]
    assert model_id(PAINTERS[preset]).hex() == IDENTITIES[preset][:4]


def test_an_identity_by_hand() -> None:
    text = (
        '{"area_px":262144,"base":"sd-turbo","conditioning_scale":0.5,"control":"","guidance":0,"multiple":8,"negative":"\\u00e9",'
        '"scheduler":"EulerDiscreteScheduler","sharpness":2,"short_px":null,"steps":4,"suffix":"","vae":"taesd"}'
    )
    painter = replace(FAST, conditioning_scale=0.5, negative="é")
    assert identity(painter) == hashlib.sha256(text.encode()).digest()


@given(painters(), painters())
def test_other_settings_have_other_identities(one: Painter, other: Painter) -> None:
    assert (identity(one) == identity(other)) == (one == other)


def test_every_setting_counts() -> None:
    painter = Painter()
    other = Painter("b", "c", "DDIMScheduler", 2, 3.0, 4.0, "s", "n", 5.0, "v", None, 512 * 512, 8)
    for name, value in asdict(other).items():
        assert identity(replace(painter, **{name: value})) != identity(painter), name


def folder_of(place: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place


FILES = {"unet/config.json": b"{}", "unet/model.safetensors": b"1234", "tokenizer/merges.txt": b"#"}


def test_a_folder_is_what_is_in_it(tmp_path: Path) -> None:
    one, other = folder_of(tmp_path / "one", FILES), folder_of(tmp_path / "other", FILES)
    assert identity(Painter(base=str(one))) == identity(Painter(base=str(other))) != identity(Painter())
    folder_of(other, {".cache/x.json": b"1", "README.md": b"2", "unet/model.bin": b"3"})
    assert identity(Painter(base=str(one))) == identity(Painter(base=str(other)))
    for name in FILES:
        changed = folder_of(tmp_path / name.replace("/", "-"), FILES | {name: b"changed"})
        assert identity(Painter(base=str(changed))) != identity(Painter(base=str(one)))
    moved = folder_of(tmp_path / "moved", {"a" + name: data for name, data in FILES.items()})
    assert identity(Painter(base=str(moved))) != identity(Painter(base=str(one)))


def test_pickled_tensors_count_where_there_are_no_others(tmp_path: Path) -> None:
    one = folder_of(tmp_path / "one", {"config.json": b"{}", "m.bin": b"1"})
    other = folder_of(tmp_path / "other", {"config.json": b"{}", "m.bin": b"2"})
    assert identity(Painter(control=str(one))) != identity(Painter(control=str(other)))


def test_a_digest_by_hand(tmp_path: Path) -> None:
    folder_of(tmp_path, FILES)
    lines = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()} {name}\n" for name in sorted(FILES))
    assert digest(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()
    text = json.dumps(asdict(Painter()) | {"base": f"sha256:{digest(tmp_path)}", "guidance": 9}, sort_keys=True)
    for long, short in ((": ", ":"), (', "', ',"'), (":1.0", ":1"), (":2.0", ":2")):
        text = text.replace(long, short)
    assert identity(Painter(base=str(tmp_path))) == hashlib.sha256(text.encode()).digest()
