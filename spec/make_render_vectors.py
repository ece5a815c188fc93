"""Make ``spec/vectors/render``: whole miniature files, the integers they hold, and what they look like.

    PYTHONPATH=.:tests python spec/make_render_vectors.py [--bless]

A file of a released set of weights stays decodable for ever: existing vectors are never changed, unless ``--bless`` says that
their weights were never released.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from pictures import scene

import limner
from limner import api, files, image

FOLDER = Path(__file__).parent / "vectors" / "render"
PEAK = 4  # largest difference of a sample between two machines' paintings, of 255
RMS = 0.5

CASES: dict[str, tuple[tuple[int, int], dict[str, int], bool]] = {
    "one-pixel": ((1, 1), {"quality": 32}, False),
    "narrow": ((3, 150), {"quality": 10}, False),
    "odd-sides": ((129, 83), {"quality": 40}, False),
    "lowest-quality": ((160, 96), {"quality": 0}, False),
    "highest-quality": ((160, 96), {"quality": 63}, False),
    "bare": ((96, 64), {"quality": 20}, True),
    "coded-smaller": ((320, 200), {"target_bytes": 60}, False),
}


def integers_sha256(blob: bytes) -> str:
    """Hash of everything the entropy path decides: hyper symbols, symbols, and latents with their means, big-endian."""
    fitted = files.read(blob).fitted
    arrays = (fitted.layer.hyper, fitted.layer.symbols, fitted.values)
    return hashlib.sha256(b"".join(array.astype(">i2").tobytes() for array in arrays)).hexdigest()


def make(name: str, bless: bool) -> None:
    (width_px, height_px), target, bare = CASES[name]
    path = FOLDER / f"{name}.limn"
    blob = limner.encode(scene(width_px, height_px), bare=bare, **target)  # type: ignore[arg-type]
    if path.exists() and path.read_bytes() != blob and not bless:
        sys.exit(f"{path} would change: old files are decoded for ever (--bless if its weights were never released)")
    found = files.read(blob)
    codec, fitted = found.codec, found.fitted
    expected = {
        "weights": codec.weights.name,
        "identity": codec.weights.identity.hex(),
        "scale": fitted.layer.scale,
        "quality": fitted.layer.quality,
        "integers_sha256": integers_sha256(blob),
        "peak": PEAK,
        "rms": RMS,
        "rows": [asdict(row) for row in limner.inspect(blob).rows],
    }
    path.write_bytes(blob)
    path.with_suffix(".json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", "utf-8")
    image.save(limner.decode(blob), path.with_suffix(".png"))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        make(case, "--bless" in sys.argv[1:])
