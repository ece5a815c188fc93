"""The work itself, without a service: what is made is what `limner.api` makes, and nothing opens a file for a request."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from pictures import scene
from PIL import Image
from services import as_file

from limner import api
from limner.errors import BudgetError, ChannelError, EncodeError, ImageError, LimnerError, SceneError
from limner.serve import sending, work
from limner.serve.asks import Begin, Decode, Encode, Inspect, Join, Pack, Survey
from limner.serve.wire import Json
from limner.serve.work import Bench, NeedsJob

PIXELS = scene(96, 64)
PNG = as_file(PIXELS, "PNG")
BENCH = Bench(Begin(100_000))


def layer(facts: object, number: int) -> dict[str, Json]:
    assert isinstance(facts, list)
    found = facts[number]
    assert isinstance(found, dict)
    return found


def test_a_file_is_that_of_the_library() -> None:
    answer = work.do(Encode(target_bytes=200), PNG, BENCH)
    assert answer.body == api.encode(PIXELS, target_bytes=200)
    assert (answer.facts["bytes"], answer.facts["width"], answer.facts["height"]) == (len(answer.body), 96, 64)
    layers = answer.facts["layers"]
    assert isinstance(layers, list)
    assert sum(layer(layers, number)["bytes"] for number in range(len(layers))) == len(answer.body)  # type: ignore[misc]


@pytest.mark.parametrize(("format", "kind"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
def test_a_picture_is_that_of_the_library(format: str, kind: str) -> None:
    blob = api.encode(PIXELS, target_bytes=200)
    answer = work.do(Decode(format=format), blob, BENCH)
    with Image.open(io.BytesIO(answer.body)) as found:
        assert found.format == kind and found.size == (96, 64)
        if kind != "JPEG":
            assert np.array_equal(np.asarray(found), api.decode(blob))
    assert answer.facts["detail"] == "nothing invented"


def test_what_is_invented_is_said() -> None:
    blob = api.encode(PIXELS, target_bytes=200)
    answer = work.do(Decode(painter="vivid", size="48x32"), blob, BENCH)
    with Image.open(io.BytesIO(answer.body)) as found:
        assert found.info["limner:detail"] == "may be invented" and found.size == (48, 32)


def test_words_are_shown() -> None:
    blob = work.do(Encode(system="pics", caption="a hill"), PNG, BENCH).body
    facts = work.do(Inspect(pictures=True), blob, BENCH).facts
    layers = facts["layers"]
    assert isinstance(layers, list)
    kinds = {layer(layers, number)["kind"]: layer(layers, number) for number in range(len(layers))}
    assert kinds["text"]["words"] == "a hill" and kinds["text"]["picture"] is None
    with Image.open(io.BytesIO(base64.b64decode(str(kinds["sketch"]["picture"])))) as drawn:
        assert drawn.format == "PNG"
    assert layer(work.do(Inspect(), blob, BENCH).facts["layers"], 2)["picture"] is None


def test_a_scene_is_sent_in_masks_and_words() -> None:
    pytest.importorskip("cv2")
    told = {"overall": "a hill", "objects": [{"name": "tree", "box": [10, 10, 60, 50], "detail": "green"}]}
    blob = work.do(Encode(system="sedic", scene=json.dumps(told), level="low"), PNG, BENCH).body
    layers = work.do(Inspect(pictures=True), blob, BENCH).facts["layers"]
    assert isinstance(layers, list)
    kinds = [layer(layers, number)["kind"] for number in range(len(layers))]
    assert "masks" in kinds and kinds.count("text") == 2
    assert layer(layers, kinds.index("masks"))["picture"]
    reference = work.do(Decode(stages=0), blob, BENCH)
    assert reference.facts["detail"] == "the reference alone: nothing invented"


@pytest.mark.parametrize(
    "ask",
    [
        Encode(system="pic", settings="paper"),
        Encode(system="pic", caption="a", settings="fast", candidates=2),
        Encode(system="pics", caption="a", settings="paper"),
        Encode(system="sedic", settings="paper", scene="{}"),
        Encode(system="sedic", scene="{}", proved=True),
    ],
)
def test_what_paints_or_opens_models_is_a_job(ask: Encode) -> None:
    with pytest.raises(NeedsJob):
        work.do(ask, PNG, BENCH)


def test_what_diffusion_paints_is_a_job() -> None:
    blob = work.do(Encode(system="pic", caption="a hill"), PNG, BENCH).body
    with pytest.raises(NeedsJob, match="preview"):
        work.do(Decode(), blob, BENCH)
    assert work.do(Decode(preview=True), blob, BENCH).facts["detail"] == "a preview: what was sent, not a picture"


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (Encode(target_bytes=5), BudgetError),
        (Encode(target_bytes=100, quality=3), EncodeError),
        (Encode(channel="sms", target_bytes=100), EncodeError),
        (Encode(messages=3), EncodeError),
        (Encode(channel="/etc/passwd"), ChannelError),
        (Encode(channel="a.toml:b"), ChannelError),
        (Encode(caption="words"), EncodeError),
        (Encode(scene="{}"), EncodeError),
        (Encode(settings="light"), EncodeError),
        (Encode(system="pic", caption="a", settings="/etc/passwd"), SceneError),
        (Encode(system="pics"), SceneError),
        (Encode(system="sedic"), SceneError),
        (Encode(system="sedic", settings="nothing"), SceneError),
        (Encode(system="sedic", scene="not json"), SceneError),
        (Encode(system="sedic", scene='{"objects": [{"name": "a", "mask": "../../etc/passwd"}]}'), SceneError),
        (Encode(system="sedic", scene='{"objects": [{"name": "a", "mask": "mask.png"}]}'), SceneError),
        (Encode(system="sedic", scene="[" * 100_000), SceneError),
        (Encode(system="sedic", scene='{"size": [1' + "0" * 400 + ", 1]}"), SceneError),
        (Encode(background="nothing"), EncodeError),
    ],
)
def test_what_cannot_be_encoded(ask: Encode, error: type[LimnerError]) -> None:
    with pytest.raises(error):
        work.do(ask, PNG, BENCH)


def test_no_mask_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from limner.describe import scene as scenes

    def opened(*given: object) -> None:
        raise AssertionError(given)

    monkeypatch.setattr(scenes, "beside", opened)
    with pytest.raises(SceneError, match="no file is opened"):
        work.scene_of('{"objects": [{"name": "a"}, {"name": "b", "mask": "b.png"}]}')


def test_a_picture_over_the_limit_is_refused() -> None:
    with pytest.raises(ImageError, match="over the limit"):
        work.do(Encode(), PNG, Bench(Begin(1000)))
    blob = api.encode(PIXELS, target_bytes=200)
    with pytest.raises(LimnerError, match="over the limit"):
        work.do(Decode(), blob, Bench(Begin(1000)))


def test_a_link_gives_the_budget_and_a_plan() -> None:
    answer = work.do(Encode(channel="sms", messages=2), PNG, BENCH)
    plan = answer.facts["sending"]
    assert isinstance(plan, dict) and len(answer.body) <= 268
    messages = plan["messages"]
    assert isinstance(messages, int) and messages <= 2 and answer.facts["bare"] is True
    with pytest.raises(BudgetError, match="messages would do"):
        work.do(Encode(channel="sigfox"), as_file(scene(600, 400)), Bench(Begin(10**6)))


@pytest.mark.parametrize("armour", ["base64", "hex", "base45", "base91", "gsm7"])
def test_packets_come_back(armour: str) -> None:
    blob = api.encode(PIXELS, target_bytes=300)
    made = work.do(Pack(payload=60, parity=2, armour=armour), blob, BENCH).facts["packets"]
    assert isinstance(made, list)
    texts = [str(layer(made, number)["data"]) for number in range(len(made))]
    answer = work.do(Join(), json.dumps({"packets": texts[2:], "armour": armour}).encode(), BENCH)
    (picture,) = answer.facts["pictures"]  # type: ignore[misc]
    assert isinstance(picture, dict) and picture["whole"] and base64.b64decode(str(picture["blob"])) == blob


def test_what_is_missing_is_said() -> None:
    blob = api.encode(PIXELS, target_bytes=300)
    made = work.do(Pack(payload=60), blob, BENCH).facts["packets"]
    assert isinstance(made, list)
    texts = [str(layer(made, number)["data"]) for number in (0, 2)]
    facts = work.do(Join(), json.dumps({"packets": [*texts, "AAAA", "!"]}).encode(), BENCH).facts
    (picture,) = facts["pictures"]  # type: ignore[misc]
    assert isinstance(picture, dict) and not picture["whole"] and 1 in picture["missing"]  # type: ignore[operator]
    assert [one["index"] for one in facts["refused"]] == [2, 3]  # type: ignore[union-attr,index,call-overload]


def test_qr_codes_are_pictures() -> None:
    pytest.importorskip("segno")
    facts = work.do(Pack(payload=100, armour="qr"), api.encode(PIXELS, target_bytes=90), BENCH).facts
    data = base64.b64decode(str(layer(facts["packets"], 0)["data"]))
    assert facts["media_type"] == "image/png" and data.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"packets": []}', b'{"packets": [1]}', b'{"packets": ["a"], "armour": "a"}', b'{"packets": ["a"], "x": 1}'],
)
def test_bodies_that_are_no_packets(body: bytes) -> None:
    with pytest.raises(EncodeError):
        work.do(Join(), body, BENCH)


def test_every_link_is_told() -> None:
    told = {str(one["name"]): one for one in sending.channels(5000, 1)}
    assert told["sms"]["plan"] and told["sigfox"]["plan"] is None
    assert all(one["plan"] is None for one in sending.channels(None, 0))


def test_the_survey_knows_what_is_here() -> None:
    facts = work.do(Survey(), b"", BENCH).facts
    found = {one["name"]: one for one in facts["systems"]}  # type: ignore[union-attr,index,call-overload]
    assert set(found) == set(api.ENCODERS)
    assert found["miniature"]["encodes"] and found["miniature"]["paints"]
