"""A reader of layer bodies written from the text of the format alone.

It imports nothing of the package: plain integers, slow and short. What it cannot read, the text does not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[1] / "limner" / "data"
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


class Start(Stream):
    """9.1: the symbols that two readings have in common; for others the place of 0 in the table of a latent."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.readings = [Stream(data + byte * 16) for byte in (b"\x00", b"\xff")]
        self.certain, self.over = 0, False

    def symbol(self, frequencies: tuple[int, ...], ends: tuple[int, ...]) -> int:
        if not self.over:
            try:
                one, other = (reading.symbol(frequencies, ends) for reading in self.readings)
            except Refused:
                one, other = 0, 1
            self.over = one != other
        if not self.over:
            self.certain += 1
            return one
        if len(frequencies) != 511:
            raise Refused  # scale code or quality
        return 255

    def end(self) -> None:
        if not self.over:
            self.steps = self.readings[0].steps
            super().end()


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


def read_map(body: bytes) -> tuple[int, int, int, bytes, bytes]:
    """Coding, width and height of the map, model, latent body."""
    rows, rest = varint(body)
    columns, rest = varint(rest)
    assert rest[0] in (1, 2)
    return rest[0], columns + 1, rows + 1, rest[1:3], rest[3:]


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


def read_sedic(layers: list[tuple[int, bytes]], width: int, height: int) -> tuple[str, list[Any], int, bytes]:
    """5.1: words for the whole, objects with cell, mask and words, the seed, the painter; no reference."""
    whole, seed, drawn = "", 0, bytes.fromhex("0D63")
    objects: list[Any] = []
    for place, (kind, body) in enumerate(layers):
        if kind == 3:
            cell, (mask,) = read_masks(body, width, height)
            objects.append((cell, mask, ""))
        elif kind == 2 and objects:
            if objects[-1][2]:
                raise Refused
            objects[-1] = (*objects[-1][:2], read_text(body))
        elif kind == 2:
            if whole or any(one == 2 for one, _ in layers[:place]):
                raise Refused
            whole = read_text(body)
        elif kind == 5:
            seed = read_choice(body)[0]
        elif kind == 6:
            drawn = body
    return whole, objects, seed, drawn


def under(mask: Any, cell: int, width: int, height: int, w: int, h: int) -> list[list[bool]]:
    """5.1: which pixels of a painted picture, w by h, are under a mask."""

    def of(x: int, w: int, side: int) -> int:
        return (2 * x + 1) * side // (2 * w) // cell

    return [[bool(mask[of(y, h, height)][of(x, w, width)]) for x in range(w)] for y in range(h)]


def layer(x: Any, weight: Any, bias: Any, shift: Any, form: Any) -> Any:
    stride, padding, spread, trim, leak, shuffle, slope = (int(value) for value in (*form, -2)[:7])
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
    if slope >= 0:
        total = np.where(total < 0, (total * slope + 2**14) >> 15, total)
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


def read_latent(
    body: bytes, width: int, height: int, kept: dict[str, Any], stream: Stream | None = None
) -> tuple[int, int, Any, Any, Any]:
    stream = stream or Stream(body)
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


# --- 10.11 latent, of system 4


def read_hyperlatent(body: bytes, width: int, height: int, kept: dict[str, Any]) -> tuple[int, Any, Any, Any]:
    stream = Stream(body)
    scale = stream.number(8)
    n = (16, 12, 8, 6, 4, 3, 2, 1)[scale]
    coded = [-(-side * n // 16) for side in (height, width)]
    rows, columns = (-(-side // 16) for side in coded)
    tables = [tuple(int(value) for value in row) for row in kept["prior.frequencies"]]
    t = int(np.prod([kept[name][5] for name in kept if name.startswith("hyper.") and name.endswith(".form")]))
    shape = len(tables), -(-rows // t), -(-columns // t)
    hyper = np.zeros(shape, np.int64)
    for c, r, x in np.ndindex(*shape):
        hyper[c, r, x] = stream.symbol(tables[c], tuple(accumulate(tables[c]))) + int(kept["prior.low"][0])
    features = run(kept, "hyper", 64 * hyper + kept["prior.medians"].astype(np.int64)[:, None, None])[:, :rows, :columns]
    kind, *sizes = (int(value) for value in kept["context"])
    symbols, values = np.zeros((2, sum(sizes) if kind == 2 else sizes[0], rows, columns), np.int64)
    for channels, positions, number in turns(kind, sizes, rows, columns):
        found = []
        for r, x in positions:
            out = parameters(kept, kind, number, channels, features, values, r, x)
            count = len(channels)
            means = out[count:] if len(out) > count else [0] * count
            for c, width_of, mean in zip(channels, out, means, strict=False):
                index = sum(int(limit) <= width_of for limit in kept["thresholds"])
                found.append((index, c, r, x, min(max(int(mean), -16320), 16320)))
        for index, c, r, x, mean in sorted(found):
            symbols[c, r, x] = stream.symbol(*gaussian(index)) - 255
            values[c, r, x] = 64 * symbols[c, r, x] + mean
    stream.end()
    return scale, hyper, symbols, values


def turns(kind: int, sizes: list[int], rows: int, columns: int) -> Iterator[tuple[range, list[tuple[int, int]], int]]:
    """Channels, positions, and for slices 2 g for the anchors and 2 g + 1 for the others."""
    grid = list(np.ndindex(rows, columns))
    if kind == 0:
        yield range(sizes[0]), grid, 0
    elif kind == 1:
        for wave in range(columns + 3 * rows):
            yield range(sizes[0]), [(r, x) for r, x in grid if x + 3 * r == wave], 0
    else:
        for g in range(len(sizes)):
            channels = range(sum(sizes[:g]), sum(sizes[: g + 1]))
            for other in (0, 1):
                yield channels, [(r, x) for r, x in grid if (r + x) % 2 != other], 2 * g + other


def parameters(
    kept: dict[str, Any], kind: int, number: int, channels: range, features: Any, values: Any, r: int, x: int
) -> list[int]:
    here = features[:, r, x]
    if kind == 0:
        return [int(value) for value in here]
    if kind == 1:
        around = near(values, r, x, lambda down, right: (down, right) < (0, 0))
        return at(kept, "mix", np.concatenate([here, at(kept, "context", around)]))
    g = number // 2
    if g:
        earlier = run(kept, f"earlier{g - 1}", values[: channels.start])
        here = np.concatenate([earlier[:, r, x], here])
    if number % 2 == 0:
        return at(kept, f"anchors{g}", here)
    around = near(values[channels.start : channels.stop], r, x, lambda down, right: (down + right) % 2 == 1)
    return at(kept, f"others{g}", np.concatenate([at(kept, f"local{g}", around), here]))


def near(values: Any, r: int, x: int, wanted: Any) -> Any:
    wide = np.pad(values, ((0, 0), (2, 2), (2, 2)))
    window = [place for place in product(range(-2, 3), range(-2, 3)) if wanted(*place)]
    return np.array([wide[c, r + 2 + down, x + 2 + right] for c in range(len(values)) for down, right in window])


def at(kept: dict[str, Any], name: str, x: Any) -> list[int]:
    return [int(value) for value in run(kept, name, np.asarray(x)[:, None, None])[:, 0, 0]]
