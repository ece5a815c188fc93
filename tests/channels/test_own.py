"""A user's own links: TOML says all there is, and what is wrong is told where."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from links import FILES, plan_of

from limner.channels import ARMOURS, CHANNELS, Channel, Fare, Joined, Limits, Line, LoRa, from_toml, to_toml
from limner.channels.own import read
from limner.errors import ChannelError

lines = st.sampled_from(["modem", 'say "so" \\ or not', "Größe 340 · 水", "#[x] = 'y'", "\U0001f4f7"])
small = st.integers(0, 40)
seconds = st.floats(0, 1000)
radios = st.builds(
    LoRa,
    spreading=st.integers(7, 12),
    bandwidth_hz=st.sampled_from([7_800, 62_500.5, 500_000]),
    coding=st.integers(5, 8),
    preamble=st.integers(6, 65535),
    overhead_bytes=small,
    inner_bytes=small,
    block_bytes=st.integers(1, 16),
    explicit_header=st.booleans(),
    crc=st.booleans(),
)
wires = st.builds(
    Line,
    bit_per_s=st.floats(0.001, 1e9),
    overhead_bytes=small,
    block_bytes=st.integers(1, 16),
    lead_s=seconds,
    stuffing=st.floats(0, 1),
    times=st.integers(1, 9),
)
fares = st.builds(Fare, lines, small, small, st.none() | st.floats(0, 1e6), lines)
limits = st.builds(
    Limits,
    duty=st.none() | st.floats(1e-6, 1),
    interval_s=seconds,
    messages_a_day=st.none() | st.integers(1, 10**6),
    air_s_a_day=st.none() | st.floats(0.01, 86_400),
)


@st.composite
def channels(draw: st.DrawFn) -> Channel:
    size = draw(st.integers(8, 100))
    return Channel(
        draw(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True)),
        draw(lines),
        draw(lines),
        size,
        armour=draw(st.sampled_from(["", *ARMOURS])),
        joined=draw(st.none() | st.builds(Joined, st.integers(1, size), st.integers(2, 99))),
        fare=draw(st.none() | fares),
        limits=draw(limits),
        **draw(st.just({}) | st.builds(dict, lora=radios) | st.builds(dict, line=wires)),
    )


@settings(max_examples=60)
@given(st.lists(channels(), max_size=2, unique_by=lambda link: link.name))
def test_toml_says_all_there_is(links: list[Channel]) -> None:
    assert list(from_toml(to_toml(links)).values()) == links


@settings(max_examples=60)
@given(channels(), FILES)
def test_own_links_are_planned_too(link: Channel, blob_bytes: int) -> None:
    found = plan_of(link, blob_bytes)
    assert found.left_bytes >= 0 and found.wait_s >= 0 and found.rest_s >= 0
    assert all(value is None or value >= 0 for value in (found.air_s, found.cost, found.price, found.files_a_day))


def test_toml_of_what_is_known() -> None:
    assert from_toml(to_toml(CHANNELS.values())) == CHANNELS


def test_a_link_is_written_as_one_would() -> None:
    text = '[buoy]\nwhat = "modem"\nsource = "its manual, page 12"\nsize = 32\n\n[buoy.line]\nbit_per_s = 80\nlead_s = 0.2\n'
    assert from_toml(text) == {"buoy": Channel("buoy", "modem", "its manual, page 12", 32, line=Line(80, lead_s=0.2))}


GOOD = 'what = "a"\nsource = "b"\nsize = 9\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[x", "not TOML"),
        ("x = 3", "x: a table was expected, not int"),
        ("[x]\n", "x: what is missing"),
        ('[x]\nwhat = "a"\nsource = "b"\n', "x: size is missing"),
        (f"[x]\n{GOOD}payload = 4", "x.payload: not a field: name, what"),
        (f"[x]\n{GOOD}name = 'y'", "x.name: the table's own name"),
        ('[x]\nwhat = "a"\nsource = "b"\nsize = "9"', "x.size: int was expected, not str"),
        ('[x]\nwhat = "a"\nsource = "b"\nsize = true', "x.size: int was expected, not bool"),
        ('[x]\nwhat = "a"\nsource = "b"\nsize = 0', r"x: size is 0, not in 1"),
        ('[x]\nwhat = "a"\nsource = "b"\nsize = 0x' + "f" * 9999, "x: size is not in 1"),
        ("[x]\nsize = " + "9" * 9999, "not TOML"),
        ("x = " + "[" * 9999, "not TOML"),
        ('[x]\nwhat = " "\nsource = "b"\nsize = 9', "x: what is ' ', not a line of text"),
        ('[x]\nwhat = "a\\nb"\nsource = "b"\nsize = 9', "x: what is"),
        (f'[x]\n{GOOD}armour = "rot13"', "x: no armour 'rot13': hex, base45"),
        (f"[X]\n{GOOD}", "no name of a link"),
        (f"[x]\n{GOOD}lora = 4", "x.lora: a table was expected"),
        (f"[x]\n{GOOD}[x.lora]\nspreading = 9", "x.lora: bandwidth_hz is missing"),
        (f"[x]\n{GOOD}[x.lora]\nspreading = 6\nbandwidth_hz = 125000", r"x.lora: spreading is 6, not in 7\.\.12"),
        (f"[x]\n{GOOD}[x.lora]\nspreading = 9\nbandwidth_hz = nan", "x.lora: bandwidth_hz"),
        (f"[x]\n{GOOD}[x.lora]\nspreading = 9.0\nbandwidth_hz = 1e5", "x.lora.spreading: int was expected, not float"),
        (f"[x]\n{GOOD}line = {{bit_per_s = 5}}\n[x.lora]\nspreading = 9\nbandwidth_hz = 1e5", "x: a link is either lora or"),
        (f"[x]\n{GOOD}[x.lora]\nspreading = 9\nbandwidth_hz = 1e5\noverhead_bytes = 250", "x: a LoRa frame has at most 255"),
        (f"[x]\n{GOOD}[x.limits]\nduty = 0.0", "x.limits: limits.duty is 0.0"),
        (f"[x]\n{GOOD}[x.fare]\nunit = 'u'\nprice = 1", "x.fare: fare.currency is ''"),
        (f"[x]\n{GOOD}joined = {{size = 10, most_messages = 9}}", "x: messages that are joined"),
        ('[x]\nwhat = "a"\nsource = "b"\nsize = 1\narmour = "hex"', "x: 1 characters of hex carry no byte"),
        ("#" * ((1 << 20) + 1), "at most 1048576 bytes"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_toml_that_is_wrong_is_told_where(text: str, said: str) -> None:
    with pytest.raises(ChannelError, match=said):
        from_toml(text)


KEYS = ("what", "source", "size", "armour", "joined", "lora", "line", "fare", "limits", "spreading", "unit", "x")
VALUES = ("1", "-1", "9", "1e9", "inf", "nan", "true", '"a"', '""', "[1]", "{size = 3}", "{unit = 'u'}", "2020-01-01")
tables = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))


@given(tables, tables)
def test_nothing_but_a_channel_error_comes_of_bad_toml(outer: dict[str, str], inner: dict[str, str]) -> None:
    rows = [f"{key} = {value}" for key, value in outer.items()]
    text = "\n".join(["[x]", *rows, "[x.y]", *[f"{key} = {value}" for key, value in inner.items()]])
    for form in (text, text.replace("[x.y]", "[x.fare]"), text.replace("[x.y]", "[x.lora]"), text.replace("[x.y]", "[y]")):
        with suppress(ChannelError):
            assert from_toml(form)


@given(st.text(max_size=50))
def test_nothing_but_a_channel_error_comes_of_any_text(text: str) -> None:
    with suppress(ChannelError):
        assert from_toml(text) == {}


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(to_toml([CHANNELS["sbd"]]), "utf-8")
    assert read(path) == {"sbd": CHANNELS["sbd"]}
    for data in (b"\xff", b"[sbd]\nsize = 1", b"#" * ((1 << 20) + 1)):
        path.write_bytes(data)
        with pytest.raises(ChannelError, match=r"mine\.toml"):
            read(path)
