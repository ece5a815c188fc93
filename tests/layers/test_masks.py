"""The masks layer: the law, the grid, golden vectors, what is refused."""

from __future__ import annotations

import contextlib
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.entropy.coder import Writer
from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, LimnerError, TruncatedError
from limner.layers import masks
from limner.layers.masks import Masks

VECTORS = Path(__file__).parents[2] / "spec" / "vectors" / "entropy"
cells = st.sampled_from([1, 2, 4, 8, 128])


@st.composite
def layers(draw: st.DrawFn) -> Masks:
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    return Masks(draw(cells), tuple(draw(st.lists(arrays(np.bool_, shape), min_size=1, max_size=4))))


def side_px(layer: Masks) -> tuple[int, int]:
    """Give a picture's width and height for the layer's grid, the last cells cut."""
    rows, columns = layer.masks[0].shape
    return (columns - 1) * layer.cell_px + 1, (rows - 1) * layer.cell_px + 1


@given(layers())
@settings(max_examples=25, deadline=None)
def test_masks_come_back(layer: Masks) -> None:
    back = masks.read(masks.write(layer), *side_px(layer))
    assert back == layer and hash(back) == hash(layer)


@given(layers())
@settings(max_examples=20, deadline=None)
def test_the_grid_is_kept_by_expand_and_fit(layer: Masks) -> None:
    full = masks.expand(layer, *side_px(layer))
    assert full.shape == (len(layer.masks), *side_px(layer)[::-1])
    assert masks.fit(list(full), layer.cell_px) == layer


@given(st.binary(max_size=30), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_what_is_read_is_what_would_be_written(body: bytes, width_px: int, height_px: int) -> None:
    try:
        layer = masks.read(body, width_px, height_px)
    except LimnerError:
        return
    assert masks.write(layer) == body


@given(layers(), st.data())
@settings(max_examples=20, deadline=None)
def test_a_changed_byte_is_read_or_refused(layer: Masks, data: st.DataObject) -> None:
    body = bytearray(masks.write(layer))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(LimnerError):
        masks.read(bytes(body), *side_px(layer))


def test_a_cell_needs_more_than_half_of_its_own_pixels() -> None:
    # 3 x 3 px on cells of 2: the cut cells hold 4, 2, 2 and 1 px.
    full = np.array([[1, 1, 1], [0, 0, 0], [0, 0, 1]], np.bool_)
    assert masks.fit([full], 2).masks[0].tolist() == [[False, False], [False, True]]


def test_no_masks_and_empty_masks() -> None:
    assert masks.write(Masks()) == b"\x60" and masks.read(b"\x60", 5, 5) == Masks()
    with pytest.raises(DamagedError):
        masks.read(b"\x60\x00", 5, 5)
    blank = Masks(8, (np.zeros((64, 96), np.bool_),) * 3)
    assert len(masks.write(blank)) <= 6
    assert masks.read(masks.write(blank), 768, 512) == blank


def test_rectangles_are_cheap_and_have_one_form() -> None:
    box = np.zeros((64, 96), np.bool_)
    box[10:40, 20:70] = True
    # log2 of 64 * 54 * 96 * 76 = 24.6 bits, one for the kind, and the head.
    assert len(masks.write(Masks(8, (box,)))) <= 5
    writer = Writer()
    masks.Contexts.fresh(1).code(writer, 0, 0)
    masks.code_bitmap(writer, masks.contexts("masks"), box, np.zeros_like(box))
    with pytest.raises(DamagedError):
        masks.read(b"\x61" + writer.finish(), 768, 512)


def test_a_disc_costs_less_than_half_of_what_zlib_makes_of_it() -> None:
    y, x = np.mgrid[:64, :96]
    disc = (y - 30) ** 2 + (x - 50) ** 2 < 20**2
    assert 2 * len(masks.write(Masks(8, (disc,)))) < len(zlib.compress(np.packbits(disc).tobytes(), 9, wbits=-15))


@pytest.mark.parametrize(
    ("cell_px", "arrays_"),
    [
        (3, ()),
        (256, ()),
        (8, (np.zeros((2, 2)),)),
        (8, (np.zeros(4, np.bool_),)),
        (8, (np.zeros((0, 2), np.bool_),)),
        (8, (np.zeros((2, 2), np.bool_), np.zeros((2, 3), np.bool_))),
        (8, (np.zeros((2, 2), np.bool_),) * 17),
        (8, (np.zeros((1, 4097), np.bool_),)),
        (8, (np.zeros((512, 513), np.bool_),)),
        (8, (np.zeros((512, 512), np.bool_),) * 2),
    ],
)
def test_what_is_no_layer_is_refused(cell_px: int, arrays_: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(EncodeError):
        Masks(cell_px, arrays_)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", TruncatedError), (b"\x71", InvalidFieldError), (b"\x01", LimitError), (b"\x61" + b"\xff" * 20, DamagedError)],
)
def test_what_is_no_body_is_refused(body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        masks.read(body, 1000, 1000)


def test_expand_refuses_another_grid() -> None:
    with pytest.raises(EncodeError):
        masks.expand(Masks(8, (np.zeros((2, 2), np.bool_),)), 17, 16)


def vector_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("masks-*.json"))
    if not found:
        raise FileNotFoundError(f"no vectors in {folder}")
    return found


@pytest.mark.parametrize("path", vector_files(VECTORS), ids=lambda path: path.stem)
def test_vectors(path: Path) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    grids = [np.array([[pixel == "#" for pixel in row] for row in rows]) for rows in vector["masks"]]
    layer = Masks(vector["cell_px"], tuple(grids))
    assert masks.write(layer).hex() == vector["hex"]
    assert masks.read(bytes.fromhex(vector["hex"]), vector["width_px"], vector["height_px"]) == layer


def test_the_walker_fails_on_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vector_files(tmp_path)
