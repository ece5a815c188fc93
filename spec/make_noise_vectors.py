"""Make the table of ``spec`` section 10.12 and ``spec/vectors/noise``: words and normal numbers of some seeds and draws.

    PYTHONPATH=. python spec/make_noise_vectors.py

Pictures depend on every one of these numbers: what is there is never changed, and this fails where it would be.
"""

from __future__ import annotations

import hashlib
import json
import sys
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from statistics import NormalDist

from limner.render import noise

FOLDER = Path(__file__).parent / "vectors" / "noise"
DIGITS = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
CASES = {
    "first": (0, 0, 0, 12),
    "second-draw": (0, 1, 0, 12),
    "second-seed": (1, 0, 0, 12),
    "highest": (2**32 - 1, 2**32 - 1, 0, 12),
    "far": (20_230_706, 24, 65_530, 11),
}


def beyond(z: Decimal) -> Decimal:
    """Probability that a normal number is further than z from 0: one less a sum of positive terms."""
    term = total = z
    place = 1
    while term > total.scaleb(-DIGITS):
        place += 2
        term = term * z * z / place
        total += term
    return 1 - total * (2 / PI).sqrt() * (-z * z / 2).exp()


def entry(number: int) -> int:
    """An entry of the table: by Newton's method from what floats give."""
    p = Decimal((64 + number % 64) << number // 64) / (1 << 38)
    if p == 1:
        return 0
    z = Decimal(-NormalDist().inv_cdf(float(p) / 2))
    for _ in range(3):
        z += (beyond(z) - p) / ((2 / PI).sqrt() * (-z * z / 2).exp())
    return int((z * (1 << noise.FRACTION_BITS)).to_integral_value(ROUND_HALF_EVEN))


def keep(path: Path, data: bytes) -> None:
    if path.exists() and path.read_bytes() != data:
        sys.exit(f"{path} would change: what was painted from it would too")
    path.write_bytes(data)


def make_table() -> None:
    with localcontext(prec=DIGITS):
        entries = [entry(number) for number in range(noise.OCTAVES * noise.ENTRIES + 1)]
    data = b"".join(value.to_bytes(4, "big") for value in entries)
    keep(noise.TABLE_FILE, data)
    sys.stdout.write(f"{noise.TABLE_FILE.name} {hashlib.sha256(data).hexdigest()}\n")


def make(name: str) -> None:
    seed, draw, first, count = CASES[name]
    drawn = noise.words(seed, draw, first + count)[first:]
    expected = {
        "seed": seed,
        "draw": draw,
        "first": first,
        "words": [f"{word:08x}" for word in drawn.tolist()],
        "normals": noise.quantiles(drawn).tolist(),
    }
    keep(FOLDER / f"{name}.json", (json.dumps(expected, indent=1) + "\n").encode())


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    make_table()
    for case in CASES:
        make(case)
