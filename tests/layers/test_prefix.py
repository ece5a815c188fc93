"""Laws of latent layers whose end is missing: what is known is right, more bytes know no less, and nothing else escapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import hyperpaths
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from paths import random_path

from limner.entropy.coder import Coder, Reader, Writer
from limner.entropy.prefix import PrefixReader
from limner.entropy.tables import Table
from limner.errors import DamagedError, DecodeError, TruncatedError
from limner.layers import hyperlatent, latent, prefix
from limner.layers.latent import Geometry, Latent
from limner.layers.prefix import Part

PATH = random_path()
HYPERPATHS = {kind: hyperpaths.random_path(kind) for kind in hyperpaths.KINDS}
SIDES_PX = st.integers(1, 80)
Values = NDArray[np.int16]


@dataclass
class Heard:
    """A coder that writes down what passes."""

    coder: Coder
    symbols: list[int] = field(default_factory=list)

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        got = self.coder.code(symbols, table)
        self.symbols += got.tolist()
        return got

    def code_bit(self, bit: int, probability: int) -> int:
        return self.coder.code_bit(bit, probability)


@dataclass(frozen=True)
class Case:
    """A body; ``walk`` gives the values that a coder's symbols come to; ``start`` those of its first bytes; ``whole`` all."""

    body: bytes
    walk: Callable[[Coder], Values]
    start: Callable[[bytes], tuple[Values, Part]]
    whole: Callable[[bytes], Values]


def walked_latent(geometry: Geometry, coder: Coder) -> Values:
    there, quality = latent.read_setting(coder, geometry.width_px, geometry.height_px)
    return latent.walk_symbols(coder, there, quality, latent.NOTHING, PATH).values


def walked_hyperlatent(geometry: Geometry, kind: str, coder: Coder) -> Values:
    there = hyperlatent.read_setting(coder, geometry.width_px, geometry.height_px)
    nothing = hyperlatent.nothing(hyperlatent.shapes(HYPERPATHS[kind], there)[0])
    return hyperlatent.walk_symbols(coder, there, HYPERPATHS[kind], nothing).values


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Latents about what a path foresees, so that some symbols cost much, and some next to nothing."""
    geometry = Geometry(draw(SIDES_PX), draw(SIDES_PX), draw(st.integers(0, 7)))
    rng, spread = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from([0, 1, 9]))
    kind = draw(st.sampled_from(["", *hyperpaths.KINDS]))
    size, writer = (geometry.width_px, geometry.height_px), Writer()
    if not kind:
        y, z = (rng.normal(0, spread, shape).astype(np.float32) for shape in (geometry.latent, geometry.hyper))
        latent.fit(y, z, draw(st.integers(0, 63)), geometry, PATH, writer)

        def start(given: bytes) -> tuple[Values, Part]:
            walked, part = prefix.read_latent(given, *size, PATH)
            return walked.values, part

        return Case(
            writer.finish(), partial(walked_latent, geometry), start, lambda body: latent.read(body, *size, PATH).values
        )
    path = HYPERPATHS[kind]
    hyper, shape = hyperlatent.shapes(path, geometry)
    y, z = (rng.normal(0, spread, some).astype(np.float32) for some in (shape, hyper))
    hyperlatent.fit(y, z, geometry, path, writer)

    def start_of(given: bytes) -> tuple[Values, Part]:
        walked, part = prefix.read_hyperlatent(given, *size, path)
        return walked.values, part

    walk = partial(walked_hyperlatent, geometry, kind)
    return Case(writer.finish(), walk, start_of, lambda body: hyperlatent.read(body, *size, path).values)


@settings(max_examples=40, deadline=None)
@given(cases(), st.data())
def test_what_is_known_is_what_the_whole_body_says(case: Case, data: st.DataObject) -> None:
    start = case.body[: data.draw(st.integers(0, len(case.body)))]
    reader = PrefixReader(start)
    sent, found = Heard(Reader(case.body)), Heard(reader)
    case.walk(sent)
    values = case.walk(found)
    assert found.symbols[: reader.known] == sent.symbols[: reader.known]
    assert not any(found.symbols[reader.known :])
    try:
        read, part = case.start(start)
    except TruncatedError:
        return  # Of the setting nothing is known.
    assert len(found.symbols) == len(sent.symbols) == part.symbols
    assert (read == values).all() and part.known == reader.known


@settings(max_examples=15, deadline=None)
@given(cases())
def test_more_bytes_know_no_less_and_all_of_them_nearly_all(case: Case) -> None:
    parts = []
    for length in range(0, len(case.body) + 1, max(1, len(case.body) // 12)):
        try:
            parts.append(case.start(case.body[:length])[1])
        except TruncatedError:
            assert not parts  # only at the beginning
    assert [part.known for part in parts] == sorted(part.known for part in parts)
    assert all(0 <= part.share <= 1 and part.known <= part.symbols for part in parts)
    whole = case.whole(case.body)
    values, part = case.start(case.body) if len(case.body) > 2 else (whole, None)
    if part is not None and part.known == part.symbols:
        assert part.share == 1 and (values == whole).all()


@settings(max_examples=60, deadline=None)
@given(cases(), st.binary(max_size=60), st.data())
def test_bytes_of_any_origin_are_read_or_refused(case: Case, other: bytes, data: st.DataObject) -> None:
    start = case.body[: data.draw(st.integers(0, len(case.body)))]
    for tried in (other, start + other):
        try:
            values, part = case.start(tried)
        except DecodeError as error:
            assert error.field == "coded symbols" and error.offset in (0, len(tried))
            continue
        assert values.dtype == np.int16 and 0 < part.known <= part.symbols


def of_size(width_px: int, height_px: int) -> bytes:
    """The body of a photograph, as far as a random path goes: some bits for every place."""
    geometry = Geometry(width_px, height_px, 0)
    rng, writer = np.random.default_rng(1), Writer()
    y, z = (rng.normal(0, 3, shape).astype(np.float32) for shape in (geometry.latent, geometry.hyper))
    latent.fit(y, z, 30, geometry, PATH, writer)
    return writer.finish()


def test_a_part_grows_with_its_bytes_and_nears_the_whole() -> None:
    body = of_size(160, 96)
    whole = latent.read(body, 160, 96, PATH).values.astype(int)
    errors, shares = [], []
    for tenths in range(1, 11):
        walked, part = prefix.read_latent(body[: len(body) * tenths // 10], 160, 96, PATH)
        errors.append(np.square(walked.values - whole).mean())
        shares.append(part.share)
    assert errors[-1] < errors[4] < errors[0] and shares == sorted(shares)


def test_without_the_setting_there_is_no_picture() -> None:
    body = of_size(40, 40)
    for length in (0, 1):
        with pytest.raises(TruncatedError) as caught:
            prefix.read_latent(body[:length], 40, 40, PATH)
        assert caught.value.offset == length
    walked, part = prefix.read_latent(body[:6], 40, 40, PATH)
    assert walked.layer.quality == 30 and 2 < part.known < part.symbols / 2
    with pytest.raises(TruncatedError):
        prefix.read_hyperlatent(b"", 40, 40, HYPERPATHS["raster"])


def test_few_bytes_make_no_reader_work_on_a_huge_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: object) -> None:
        raise AssertionError("a network was run")

    body = of_size(40, 40)
    monkeypatch.setattr(latent, "walk_symbols", never)
    monkeypatch.setattr(hyperlatent, "walk_symbols", never)
    with pytest.raises(TruncatedError, match="too few"):
        prefix.read_latent(body[:20], 65536, 65536, PATH)
    with pytest.raises(TruncatedError, match="too few"):
        prefix.read_hyperlatent(body[:20], 65536, 65536, HYPERPATHS["slices"])


def test_no_whole_body_of_a_photograph_is_so_short_for_its_size() -> None:
    # What is refused as too little has at most a bit for so many places; the narrowest table takes a bit for 23,000 zeros.
    geometry = Geometry(640, 480, 0)
    layer = Latent(0, 0, np.zeros(geometry.hyper, np.int16), np.zeros(geometry.latent, np.int16))
    body = latent.write(layer, geometry, PATH)
    assert geometry.latent[0] * geometry.latent[1] * geometry.latent[2] < prefix.PLACES_A_BIT * 8 * len(body)
    least_bits = min(table.bits(np.zeros(1, int)) for table in latent.gaussians())
    assert 1 / least_bits < 2 * prefix.PLACES_A_BIT


@dataclass
class Wild:
    """A writer that sends 200 in place of its first symbol of a latent."""

    writer: Writer = field(default_factory=Writer)
    done: bool = False

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        sent = symbols.copy()
        if table.low < 0 and sent.size and not self.done:
            sent[0], self.done = 200, True
        self.writer.code(sent, table)
        return symbols

    def code_bit(self, bit: int, probability: int) -> int:
        return self.writer.code_bit(bit, probability)


def test_a_symbol_that_no_writer_sends_is_refused() -> None:
    wild = Wild()
    latent.walk(wild, Geometry(16, 16, 0), 3, latent.NOTHING, PATH)
    with pytest.raises(DamagedError, match="127"):
        prefix.read_latent(wild.writer.finish()[:12], 16, 16, PATH)


def test_more_bytes_than_the_symbols_need_start_no_body() -> None:
    body = latent.write(Latent(0, 5, np.zeros((32, 1, 1), np.int16), np.zeros((64, 1, 1), np.int16)), Geometry(9, 9, 0), PATH)
    with pytest.raises(DamagedError):
        prefix.read_latent(body + b"\1" * 99, 9, 9, PATH)
