"""``python -m limner.bench.page_samples``: photographs that the service's page offers to try, and what is in them.

They are free of rights: each is given to the public domain by who took it, as scikit-image, which carries them, says.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from PIL import Image
from skimage import data

from limner.atomic import write_atomic

FOLDER = Path("limner/serve/page/samples")
LONGEST_PX, QUALITY = 600, 74
MOST_BYTES = 100_000
"""Of all together."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Thing:
    """Something in a sample. box: left, top, right, bottom in pixels of the sample."""

    name: str
    box: Box
    detail: str


@dataclass(frozen=True)
class Sample:
    """A photograph. carried: its file in scikit-image. what: for who does not see it. words: of the whole."""

    file: str
    carried: str
    what: str
    credit: str
    words: str
    things: tuple[Thing, ...] = field(default=())


SAMPLES = (
    Sample(
        "coffee.jpg",
        "coffee.png",
        "A cup of espresso on a red saucer",
        "Rachel Michetti, CC0",
        "a cup of espresso on a red saucer, on a table of worn wood, warm light",
        (
            Thing("cup", (172, 14, 428, 240), "red cup, white inside, half full of espresso with golden foam"),
            Thing("spoon", (306, 196, 404, 318), "small spoon of polished steel"),
        ),
    ),
    Sample(
        "rocket.jpg",
        "rocket.jpg",
        "A rocket on its launch pad at dusk",
        "SpaceX, public domain",
        "a white rocket on a launch pad at dusk, dark blue sky, lattice masts, bright lamps",
        (Thing("rocket", (284, 118, 328, 386), "tall slender white rocket, lit from below"),),
    ),
    Sample(
        "cat.jpg",
        "chelsea.png",
        "The face of a cat",
        "Stefan van der Walt, CC0",
        "close portrait of a ginger tabby cat, green eyes, pink nose, long whiskers",
        (Thing("face", (20, 4, 360, 296), "ginger tabby fur in stripes, green eyes, pink nose, white whiskers"),),
    ),
)


def jpeg(sample: Sample) -> bytes:
    """The photograph, at most 600 px long."""
    with Image.open(Path(data.__file__).parent / sample.carried) as picture:
        made = picture.convert("RGB")
    made.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    made.save(stream, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return stream.getvalue()


def told(sample: Sample) -> dict[str, object]:
    """What the page is told of it."""
    return {name: value for name, value in asdict(sample).items() if name != "carried"}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the photographs, and ``samples.json``. The exit code is 1 if they are too large for a package."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.page_samples", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder")
    folder: Path = parser.parse_args(argv).out
    folder.mkdir(parents=True, exist_ok=True)
    made = {sample.file: jpeg(sample) for sample in SAMPLES}
    listed = json.dumps([told(sample) for sample in SAMPLES], indent=1) + "\n"
    for name, content in {**made, "samples.json": listed.encode()}.items():
        write_atomic(folder / name, content)
        sys.stdout.write(f"{folder / name}: {len(content)} bytes\n")
    return int(sum(map(len, made.values())) > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
