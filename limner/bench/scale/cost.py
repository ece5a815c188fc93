"""What a million and a billion pictures cost, from what was measured here and from prices that are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HOUR_S = 3600.0
MONTH_GB = 1e9
CLASSES_PX = (128 * 128, 192 * 192, 256 * 256)


@dataclass(frozen=True)
class Prices:
    """What is assumed. core_hour, gpu_hour: of a rented core or GPU. gb_month: of storage. cores: that work at once."""

    core_hour: float
    gpu_hour: float
    gb_month: float
    cores: int


@dataclass(frozen=True)
class Size:
    """Pictures of some size: means of one. encode_s: from a picture's bytes to a file of limner; decode_s: from that to pixels;
    on one core."""

    name: str
    pictures: int
    encode_s: float
    decode_s: float
    source_bytes: float
    bytes: float


@dataclass(frozen=True)
class Cost:
    """Of so many pictures: hours of one core and of all; the price of these; bytes that are read and written, and the price of
    a month of what is written."""

    pictures: int
    core_hours: float
    hours: float
    price: float
    read_bytes: float
    written_bytes: float
    storage: float


def sizes(rows: Iterable[Mapping[str, Any]]) -> list[Size]:
    """Rows of ``limner scale bench`` by the pixels of their pictures."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        pixels = row["width_px"] * row["height_px"]
        kinds.setdefault(_name(pixels), []).append(row)
    order = [*map(_limit, CLASSES_PX), _over()]
    return [_size(name, kinds[name]) for name in order if name in kinds]


def _name(pixels: int) -> str:
    return next((_limit(limit) for limit in CLASSES_PX if pixels <= limit), _over())


def _limit(pixels: int) -> str:
    return f"up to {round(pixels**0.5)} x {round(pixels**0.5)} px"


def _over() -> str:
    return "the photographs"


def _size(name: str, rows: Sequence[Mapping[str, Any]]) -> Size:
    def mean(column: str) -> float:
        return float(sum(row[column] for row in rows)) / len(rows)

    return Size(name, len(rows), mean("load_s") + mean("encode_s"), mean("decode_s"), mean("source_bytes"), mean("bytes"))


def cost(size: Size, pictures: int, overhead: float, row_bytes: float, prices: Prices) -> Cost:
    """Encoding so many pictures. overhead: seconds of a worker for each second that is measured for a row. row_bytes: what a
    row takes in the output, beside the file in it."""
    core_hours = pictures * size.encode_s * overhead / HOUR_S
    written = pictures * (size.bytes + row_bytes)
    return Cost(
        pictures=pictures,
        core_hours=core_hours,
        hours=core_hours / prices.cores,
        price=core_hours * prices.core_hour,
        read_bytes=pictures * size.source_bytes,
        written_bytes=written,
        storage=written / MONTH_GB * prices.gb_month,
    )


def on_gpu(pictures: int, seconds: float, prices: Prices) -> tuple[float, float]:
    """GPU hours of so many pictures at so many seconds each, and their price."""
    hours = pictures * seconds / HOUR_S
    return hours, hours * prices.gpu_hour
