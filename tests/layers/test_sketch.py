"""The sketch layer: lines, and maps whose payload only their codec judges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, LimnerError, TruncatedError
from limner.layers import sketch
from limner.layers.sketch import Sketch

drawings = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda shape: arrays(np.bool_, shape))


@given(drawings)
@settings(max_examples=25, deadline=None)
def test_a_sketch_comes_back(lines: np.ndarray) -> None:
    made = sketch.draw(lines)
    assert sketch.read(sketch.write(made)) == made
    assert np.array_equal(sketch.lines(made), lines)


@given(st.binary(max_size=20))
@settings(max_examples=50, deadline=None)
def test_what_is_read_is_what_would_be_written(body: bytes) -> None:
    body = bytes(byte & 0x1F for byte in body[:2]) + body[2:]  # Small grids, mostly.
    try:
        made = sketch.read(body)
    except LimnerError:
        return
    assert sketch.write(made) == body


@given(drawings, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_fit_takes_back_what_expand_gives(lines: np.ndarray, down: int, across: int) -> None:
    rows, columns = lines.shape
    full = sketch.expand(sketch.draw(lines), columns * across, rows * down)
    assert full.shape == (rows * down, columns * across) and set(np.unique(full)) <= {0, 255}
    assert sketch.fit(full > 0, rows, columns) == sketch.draw(lines)


def test_a_thin_line_is_kept_by_fit() -> None:
    lines = np.zeros((40, 60), np.bool_)
    lines[7] = True
    assert sketch.lines(sketch.fit(lines, 5, 6)).tolist() == [[row == 0] * 6 for row in range(5)]


@given(st.integers(1, 4096), st.integers(1, 4096), st.sampled_from([sketch.LATENT, sketch.HYPERLATENT]), st.binary(min_size=2))
@settings(max_examples=25, deadline=None)
def test_a_map_comes_back_without_its_weights(rows: int, columns: int, coding: int, payload: bytes) -> None:
    made = Sketch(rows, columns, coding, payload)
    body = sketch.write(made)
    assert sketch.read(body) == made
    assert (made.model, body[made.payload_at :]) == (payload[:2], payload)


def test_a_map_takes_a_cell_for_each_latent_position() -> None:
    made = Sketch(33, 16, sketch.LATENT, b"id")
    assert made.cells == 3
    assert sketch.read(sketch.write(made), most_cells=3) == made
    with pytest.raises(LimitError):
        sketch.read(sketch.write(made), most_cells=2)


def test_a_map_has_no_lines() -> None:
    with pytest.raises(EncodeError, match="the codec with its weights"):
        sketch.lines(Sketch(1, 1, sketch.LATENT, b"id"))


def test_what_is_no_sketch_is_refused() -> None:
    for rows, columns, coding in ((0, 1, 0), (1, 4097, 0), (513, 512, 0), (1, 1, 3), (1, 4097, 1)):
        with pytest.raises(EncodeError):
            Sketch(rows, columns, coding, b"id")
    with pytest.raises(EncodeError):
        Sketch(1, 1, sketch.LATENT, b"i")
    for shape in ((3,), (0, 3), (1, 4097)):
        with pytest.raises(EncodeError):
            sketch.draw(np.zeros(shape, np.bool_))
    with pytest.raises(EncodeError):
        sketch.fit(np.zeros((4, 4), np.bool_), 5, 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", TruncatedError),
        (b"\x03\x03", TruncatedError),
        (b"\x03\x03\x03", InvalidFieldError),
        (b"\x03\x03\x01", TruncatedError),
        (b"\x03\x03\x02\x00", TruncatedError),
        (b"\x83\x00\x03\x00", DamagedError),
        (b"\xff\x1f\xff\x1f\x00", LimitError),
        (b"\x03\x03\x00" + b"\xff" * 20, DamagedError),
    ],
)
def test_what_is_no_body_is_refused(body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        sketch.read(body)
