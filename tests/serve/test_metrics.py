"""Counts as Prometheus reads them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from limner.serve.metrics import BUCKETS_S, Gauge, Meter

LINE = re.compile(r'[a-z_]+(\{[a-z]+="(\\.|[^"\\\n])*"(,[a-z]+="(\\.|[^"\\\n])*")*\})? [0-9.e+-]+')


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_buckets_add_up(seconds: list[float]) -> None:
    meter = Meter()
    for one in seconds:
        meter.answered("/v1/encode", "POST", 200, one)
    text = meter.text([])
    found = [int(number) for number in re.findall(r'seconds_bucket\{.*le="[^+].*"\} (\d+)', text)]
    assert found == [sum(one <= bound for one in seconds) for bound in BUCKETS_S]
    assert f'le="+Inf"}} {len(seconds)}' in text and f"seconds_count{{route=\"/v1/encode\"}} {len(seconds)}" in text


@given(st.text(max_size=10))
def test_every_line_can_be_read(value: str) -> None:
    meter = Meter(upload_bytes=5)
    meter.answered(value, "GET", 200, 0.1)
    meter.ended("workers", value)
    gauge = Gauge("limner_queue", "Requests that wait", (((("pool", value),), 3.0),))
    for line in meter.text([gauge]).removesuffix("\n").split("\n"):
        assert line.startswith(("# HELP limner_", "# TYPE limner_")) or LINE.fullmatch(line), line
