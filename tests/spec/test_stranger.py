"""A reader of layer bodies written from the text of the format alone, and the package read by it.

It imports nothing of the package but what writes: plain integers, slow and short. What it cannot read, the text does not say.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from limner.layers import choice, latent, masks, path, sketch, text

DATA = Path(__file__).parents[2] / "limner" / "data"
PARTS = ("hyper_context", "hyper_head", "context", "head")
NETWORKS = ("hyper", *(f"{name}{k}" for name in PARTS for k in range(4)))
Bits = dict[tuple[int, int], int]


class Refused(Exception):
    """What the text says is to be refused."""


# --- 10.6 range coder, 10.7 tables


class Stream:
    """Reads symbols; keeps what it has read, to see at the end whether a writer would have written the same."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.width = data, 8, 2**64 - 1
        self.point = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
        self.steps: list[tuple[int, int]] = []

    def symbol(self, frequencies: tuple[int, ...], ends: tuple[int, ...]) -> int:
        if len(frequencies) == 1:
            return 0
        scale = self.width // 2**24
        q = self.point // scale
        if q >= 2**24:
            raise Refused
        place = int(np.searchsorted(ends, q, side="right"))
        below = ends[place] - frequencies[place]
        self.steps.append((below, frequencies[place]))
        self.point -= scale * below
        self.width = scale * frequencies[place]
        if self.width < 2**32:
            self.point = self.point * 2**32 + int.from_bytes(self.data[self.at : self.at + 4].ljust(4, b"\0"), "big")
            self.width, self.at = self.width * 2**32, self.at + 4
        return place

    def number(self, count: int) -> int:
        return self.symbol(*uniform(count))

    def bit(self, probability: int) -> int:
        ones = 4096 * probability
        return self.symbol((2**24 - ones, ones), (2**24 - ones, 2**24))

    def end(self) -> None:
        low, width, words = 0, 2**64 - 1, 0
        for below, frequency in self.steps:
            scale = width // 2**24
            low, width = low + scale * below, scale * frequency
            if width < 2**32:
                low, width, words = low * 2**32, width * 2**32, words + 1
        for k in range(8 + 4 * words + 1):
            unit = 256 ** (8 + 4 * words - k)
            least = -(-low // unit) * unit
            if least < low + width:
                if (least // unit).to_bytes(k, "big") != self.data:
                    raise Refused
                return


@cache
def uniform(n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    frequencies = tuple(2**24 // n + (j < 2**24 % n) for j in range(n))
    return frequencies, tuple(accumulate(frequencies))


@cache
def gaussian(i: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    row = (DATA / "gaussians.bin").read_bytes()[1024 * i : 1024 * (i + 1)]
    half = [int.from_bytes(row[4 * j : 4 * j + 4], "big") for j in range(256)]
    frequencies = (*half, *half[254::-1])
    return frequencies, tuple(accumulate(frequencies))


# --- 10.8 adaptive bits, 10.9 bitmaps


class Adaptive:
    def __init__(self, numbers: list[int] | None = None) -> None:
        self.p = [number - number % 16 for number in numbers or ()] or [32768]
        self.n = [2 * (number % 16) for number in numbers or ()] or [0]

    def bit(self, stream: Stream, context: int) -> int:
        p, n = self.p[context], self.n[context]
        bit = stream.bit(min(max(p // 16, 1), 4095))
        self.p[context] = p + (2 * ((65536 if bit else 0) - p)) // (2 * n + 3)
        self.n[context] = min(n + 1, 255)
        return bit


def prior(name: str) -> Adaptive:
    data = (DATA / f"{name}.prior").read_bytes()
    numbers = [int.from_bytes(data[j : j + 2], "big") for j in range(0, len(data), 2)]
    return Adaptive([numbers[j * len(numbers) // 32768] for j in range(32768)])


def bitmap(stream: Stream, states: Adaptive, rows: int, columns: int, under: Bits) -> Bits:
    found: Bits = {}

    def own(r: int, x: int) -> int:
        if r < 0:
            return 0
        return own(r - 1, 0) if x < 0 else found[r, min(x, columns - 1)]

    def ground(r: int, x: int) -> int:
        return under.get((min(max(r, 0), rows - 1), min(max(x, 0), columns - 1)), 0)

    for r, x in product(range(rows), range(columns)):
        pixels = [own(r - 2, x + i) for i in (-1, 0, 1)] + [own(r - 1, x + i) for i in (-2, -1, 0, 1, 2)]
        pixels += [own(r, x - 2), own(r, x - 1)]
        pixels += [ground(r, x), ground(r, x + 1), ground(r + 1, x), ground(r, x - 1), ground(r - 1, x)]
        found[r, x] = states.bit(stream, int("".join(map(str, pixels)), 2))
    return found


# --- 10.3 masks, 10.4 sketch, 10.5 choice


def read_masks(body: bytes, width: int, height: int) -> tuple[int, list[NDArray[np.bool_]]]:
    cell, count = 2 ** (body[0] // 32), body[0] % 32
    rows, columns = -(-height // cell), -(-width // cell)
    stream, kind, states, under, found = Stream(body[1:]), Adaptive(), prior("masks"), {}, []
    for _ in range(count):
        if kind.bit(stream, 0):
            top = stream.number(rows)
            bottom = top + stream.number(rows - top) + 1
            left = stream.number(columns)
            right = left + stream.number(columns - left) + 1
            mask = {place: 1 for place in product(range(top, bottom), range(left, right))}
        else:
            mask = bitmap(stream, states, rows, columns, under)
        under = {place: under.get(place, 0) | mask.get(place, 0) for place in product(range(rows), range(columns))}
        found.append(np.array([[mask.get((r, x), 0) == 1 for x in range(columns)] for r in range(rows)]))
    stream.end()
    return cell, found


def varint(body: bytes) -> tuple[int, bytes]:
    length = next(j for j, byte in enumerate(body) if byte < 128) + 1
    return sum((byte % 128) << 7 * j for j, byte in enumerate(body[:length])), body[length:]


def read_sketch(body: bytes) -> NDArray[np.bool_]:
    rows, rest = varint(body)
    columns, rest = varint(rest)
    assert rest[0] == 0
    stream = Stream(rest[1:])
    lines = bitmap(stream, prior("sketch"), rows + 1, columns + 1, {})
    stream.end()
    return np.array([[lines[r, x] == 1 for x in range(columns + 1)] for r in range(rows + 1)])


# --- 10.2 text, 10.10 words


def step(h: int, v: int) -> int:
    m = (h ^ v) * 2654435761 % 2**32
    return m ^ m // 2**15


@cache
def english() -> tuple[dict[str, Any], list[dict[int, list[tuple[int, int]]]]]:
    with np.load(DATA / "english.npz", allow_pickle=False) as file:
        kept = {name: file[name] for name in file.files}
    followers = []
    for j in range(12):
        keys = [key for key, gap in zip(accumulate(map(int, kept[f"gaps{j}"])), kept[f"gaps{j}"], strict=True) if gap < 255]
        entries = zip(kept[f"symbols{j}"].tolist(), kept["ladder"][kept[f"counts{j}"]].tolist(), strict=True)
        followers.append(
            {k: [next(entries) for _ in range(int(n) + 1)] for k, n in zip(keys, kept[f"lengths{j}"], strict=True)}
        )
    return kept, followers


def read_text(body: bytes) -> str:
    if body[0] == 0:
        return body[1:].decode()
    stream, kept, followers = Stream(body), *english()
    if stream.symbol((1048577, 15728639), (1048577, 2**24)) != 1:
        raise Refused
    b, w, words, text = [255] * 6, 0, [1, 1, 1], bytearray()
    while True:
        c = [0]
        for byte in b:
            c.append(step(c[-1], byte + 1))
        c.append(w or step(2, b[0]))
        c += [step(c[7], words[0])]
        c += [step(c[8], words[1]), step(c[7], words[1]), step(c[7], words[2])]
        found = [followers[j].get(c[j] >> (32 - int(kept["bits"][j])), []) for j in range(12)]
        bits = ""
        while len(bits) < 8:
            bits += str(stream.bit(mixed(kept, [counted(row, bits) for row in found])))
        if bits == "1" * 8:
            stream.end()
            return text.decode()
        text.append(int(bits, 2))
        byte = text[-1] + 32 if 65 <= text[-1] <= 90 else text[-1]
        b = [byte, *b[:5]]
        if chr(byte) in "abcdefghijklmnopqrstuvwxyz0123456789'" or byte >= 128:
            w = step(w or 1, byte)
        else:
            words, w = [w, *words[:2]] if w else words, 0
            words = words if byte == 32 else [step(3, byte), *words[:2]]


def counted(row: list[tuple[int, int]], bits: str) -> tuple[int, int]:
    n0, n1 = (sum(n for symbol, n in row if f"{symbol:08b}".startswith(bits + bit)) for bit in "01")
    return n0, n1


def mixed(kept: dict[str, Any], counts: list[tuple[int, int]]) -> int:
    known = [n0 + n1 > 0 for n0, n1 in counts]
    chosen = 3 * max([k for k in range(1, 7) if known[k]], default=0) + (2 if known[9] else 1 if known[8] else 0)
    t = 4096 * int(kept["biases"][chosen])
    for j, (n0, n1) in enumerate(counts):
        bucket = sum(least <= n0 + n1 for least in (1, 3, 7, 16, 60, 400))
        while max(n0, n1) > 4095:
            n0, n1 = n0 // 2, n1 // 2
        t += int(kept["weights"][chosen][j][bucket]) * int(kept["logs"][n1] - kept["logs"][n0]) if known[j] else 0
    return int(kept["squashed"][min(max(t // 4096, -2047), 2047) + 2047])


def read_choice(body: bytes) -> tuple[int, int, int]:
    seed, rest = varint(body)
    others, rest = varint(rest)
    stream = Stream(rest)
    index = stream.number(others + 1)
    stream.end()
    return seed, others + 1, index


# --- 10.1 latent


def layer(x: Any, weight: Any, bias: Any, shift: Any, form: Any) -> Any:
    stride, padding, spread, trim, leak, shuffle = (int(value) for value in form)
    if spread > 1:
        wide = np.zeros((len(x), *(spread * (side - 1) + 1 + trim for side in x.shape[1:])), np.int64)
        wide[:, : wide.shape[1] - trim : spread, : wide.shape[2] - trim : spread] = x
        x = wide
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    k = weight.shape[2]
    rows, columns = ((side - k) // stride + 1 for side in x.shape[1:])
    total = np.repeat(bias.astype(np.int64), rows * columns).reshape(-1, rows, columns)
    for u, v in product(range(k), range(k)):
        seen = x[:, u : u + stride * rows : stride, v : v + stride * columns : stride][:, :rows, :columns]
        total += np.tensordot(weight[:, :, u, v].astype(np.int64), seen, 1)
    steps = shift.astype(np.int64)[:, None, None]
    total = np.clip(np.where(steps > 0, (total + (1 << np.maximum(steps - 1, 0))) >> steps, total), -(2**30), 2**30)
    if leak >= -1:
        total = np.where(total < 0, 0 if leak == -1 else total >> max(leak, 0), total)
    total = np.clip(total, -32767, 32767)
    out = np.zeros((len(total) // shuffle**2, rows * shuffle, columns * shuffle), np.int64)
    for i, j in product(range(shuffle), range(shuffle)):
        out[:, i::shuffle, j::shuffle] = total[i * shuffle + j :: shuffle**2]
    return out


def run(kept: dict[str, Any], name: str, x: Any) -> Any:
    i = 0
    while f"{name}.{i}.form" in kept:
        x = layer(x, *(kept[f"{name}.{i}.{part}"] for part in ("weight", "bias", "shift", "form")))
        i += 1
    return x


def read_latent(body: bytes, width: int, height: int, kept: dict[str, Any]) -> tuple[int, int, Any, Any, Any]:
    stream = Stream(body)
    scale, quality = stream.number(8), stream.number(64)
    n = (16, 12, 8, 6, 4, 3, 2, 1)[scale]
    coded = [-(-side * n // 16) for side in (height, width)]
    rows, columns = (-(-side // 16) for side in coded)
    shape = (32, -(-rows // 4), -(-columns // 4))
    f = len(kept["hyper_context0.0.weight"])
    hyper, hyper_values = steps(stream, kept, "hyper_", shape, np.full((f, *shape[1:]), 2 * quality))
    given = np.concatenate([hyper_values, np.full((1, *shape[1:]), 2 * quality)])
    features = run(kept, "hyper", given)[:, :rows, :columns]
    symbols, values = steps(stream, kept, "", (64, rows, columns), features)
    stream.end()
    return scale, quality, hyper, symbols, values


def steps(stream: Stream, kept: dict[str, Any], name: str, shape: tuple[int, int, int], features: Any) -> tuple[Any, Any]:
    row, column = np.indices(shape[1:]) % 2 * 128
    symbols, values = np.zeros((2, *shape), np.int64)
    for k in range(4):
        features = run(kept, f"{name}context{k}", np.concatenate([features, row[None], column[None], values]))
        out = run(kept, f"{name}head{k}", features)
        mean, index = np.clip(out[: shape[0]], -16256, 16256), np.clip((out[shape[0] :] + 8) >> 4, 0, 63)
        for place in sorted(places(k, *shape), key=lambda place: (index[place], place)):
            symbols[place] = stream.symbol(*gaussian(int(index[place]))) - 255
            values[place] = 128 * symbols[place] + mean[place]
        if np.abs(symbols).max() > 127:
            raise Refused
    return symbols, values


def places(k: int, channels: int, rows: int, columns: int) -> Iterator[tuple[int, int, int]]:
    for c, r, x in np.ndindex(channels, rows, columns):
        if 4 * c // channels == k ^ (2 * (r % 2) + x % 2):
            yield c, r, x


# --- what the package writes, the stranger reads


@cache
def weights() -> tuple[path.Path, dict[str, Any]]:
    data = (DATA / "miniature" / "entropy.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return path.load(data), {name: kept[name] for name in kept.files}


@pytest.mark.parametrize(
    ("width", "height", "scale", "quality"), [(40, 70, 0, 63), (1, 1, 7, 0), (150, 90, 2, 20), (64, 17, 1, 41)]
)
def test_latent(width: int, height: int, scale: int, quality: int) -> None:
    rng = np.random.default_rng(width)
    geometry = latent.Geometry(width, height, scale)
    drawn = (rng.normal(0, reach, shape) for reach, shape in ((2, geometry.hyper), (1.5, geometry.latent)))
    hyper, symbols = (np.clip(np.rint(values), -127, 127).astype(np.int16) for values in drawn)
    entropy_path, kept = weights()
    body = latent.write(latent.Latent(scale, quality, hyper, symbols), geometry, entropy_path)
    found = read_latent(body, width, height, kept)
    assert found[:2] == (scale, quality)
    np.testing.assert_array_equal(found[2], hyper)
    np.testing.assert_array_equal(found[3], symbols)
    np.testing.assert_array_equal(found[4], latent.read(body, width, height, entropy_path).values)
    with pytest.raises(Refused):
        read_latent(body + b"\1", width, height, kept)


bool_maps = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5, 0.9]))


def drawn_map(rows: int, columns: int, seed: int, share: float) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((rows, columns)) < share


@settings(max_examples=25)
@given(st.integers(0, 7), st.integers(1, 60), st.integers(1, 60), st.integers(0, 4), st.integers(0, 2**32))
def test_masks(cell: int, width: int, height: int, count: int, seed: int) -> None:
    rng, shape = np.random.default_rng(seed), (-(-height // 2**cell), -(-width // 2**cell))
    if shape[0] * shape[1] > 600:
        cell, shape = 7, (1, 1)
    made = [rng.random(shape) < rng.choice([0, 0.2, 0.8]) for _ in range(count)]
    if count:
        made[-1][:] = False
        made[-1][rng.integers(shape[0]) :, : rng.integers(shape[1]) + 1] = True  # a rectangle
    found_cell, found = read_masks(masks.write(masks.Masks(2**cell, tuple(made))), width, height)
    assert found_cell == 2**cell
    assert [mask.tolist() for mask in found] == [mask.tolist() for mask in made]


@settings(max_examples=25)
@given(bool_maps)
def test_sketch(drawn: tuple[int, int, int, float]) -> None:
    lines = drawn_map(*drawn)
    assert read_sketch(sketch.write(sketch.draw(lines))).tolist() == lines.tolist()


@settings(max_examples=15, deadline=None)
@given(
    st.text(max_size=12) | st.sampled_from(["a red boat", "Two dogs, one of them WET; it's raining.", "naïve façade", "x" * 40])
)
def test_text(words: str) -> None:
    for coding in (text.PLAIN, text.MODELLED):
        assert read_text(text.write(text.Text(words, coding))) == words


@given(st.integers(0, 2**32 - 1), st.integers(1, 65536), st.data())
def test_choice(seed: int, candidates: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, candidates - 1))
    assert read_choice(choice.write(choice.Choice(seed, candidates, index))) == (seed, candidates, index)
