"""Bits per boundary pixel of object masks: the masks layer against zlib, PNG and run lengths with Huffman codes.

    python -m limner.bench.masks --data ../shared/data            writes results/masks.md
    python -m limner.bench.masks --data ../shared/data --prior    makes limner/data/{masks,sketch}.prior anew

Segmentations are made of BSDS500's human boundaries (Arbelaez et al. 2011): the boundary map is blurred and thresholded, the
gaps closed, and each connected rest is a component. The priors see ``train/`` only; what is measured is ``test/``.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from limner import image
from limner.describe.scene import from_json
from limner.describe.things import GrabCut
from limner.entropy.adaptive import Contexts
from limner.entropy.bitmap import CONTEXTS, Bitmap, beneath, code_bitmap, prior_file
from limner.entropy.coder import Writer
from limner.layers import masks as masks_layer
from limner.train.boundaries import drawings

CELL_PX = 8
LEAST_SHARE = 0.01
MOST_COMPONENTS = 8
OBJECTS = 3
NESTED_PART = 4  # for every so many counts of overlapping things one is taken
SKETCH_CELL_PX = 4
IMPORTANCE = (9, 5, 10, 4, 6, 8, 11, 12, 1, 7, 3, 2, 0, 13, 14)
"""Bits of a context, counted from its first, in the order in which they are given up where too little was seen."""
OWN = (*((-2, x) for x in range(-1, 2)), *((-1, x) for x in range(-2, 3)), (0, -2), (0, -1))
"""A context's own pixels (rows down, columns across), from its first bit."""
Scene = tuple[Bitmap, ...]


def boundary_px(mask: Bitmap) -> int:
    """Count the pixels of a mask that have one of their four neighbours outside it (or outside the grid)."""
    held = np.pad(mask, 1)
    inner = held[:-2, 1:-1] & held[2:, 1:-1] & held[1:-1, :-2] & held[1:-1, 2:]
    return int((mask & ~inner).sum())


# The data


def boundaries(data: Path, part: str) -> Iterator[NDArray[np.float64]]:
    """Give the boundary maps (height, width), 0..1, of ``part`` (train, val or test) of boundaries.tar, sorted by name."""
    for _, share in sorted(drawings(data / "train" / "boundaries.tar", part).items()):
        yield share / 255.0


def components(edges: NDArray[np.float64]) -> list[Bitmap]:
    """Cut a picture along its boundaries: the components of at least 1 % of it, at most 8, the largest first."""
    wall = ndimage.gaussian_filter(edges, 1.5) >= 0.08
    wall = ndimage.binary_closing(np.pad(wall, 6), iterations=4)[6:-6, 6:-6]
    labels, _ = ndimage.label(~wall)
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    labels = labels[tuple(nearest)]
    area = np.bincount(labels.ravel())
    order = [k for k in np.argsort(-area, kind="stable") if k and area[k] >= LEAST_SHARE * labels.size]
    return [labels == k for k in order[:MOST_COMPONENTS]]


def objects(parts: Sequence[Bitmap]) -> list[Bitmap]:
    """Leave out the largest component, the ground, and keep the next three: what an object-wise system sends."""
    return list(parts[1 : 1 + OBJECTS]) or list(parts)


def segmentations(data: Path, part: str, cell_px: int) -> Iterator[tuple[Scene, Scene]]:
    """Give for each picture of ``part`` the objects and the whole segmentation, on the grid."""
    for edges in boundaries(data, part):
        whole = components(edges)
        yield masks_layer.fit(objects(whole), cell_px).masks, masks_layer.fit(whole, cell_px).masks


def boxes(data: Path) -> Iterator[Scene]:
    """Give the boxes of each Kodak picture's objects, filled, on the grid."""
    for scene in json.loads((data / "kodak" / "scenes.json").read_text(encoding="utf-8")).values():
        width, height = scene["size"]
        full = np.zeros((len(scene["objects"]), height, width), np.bool_)
        for mask, thing in zip(full, scene["objects"], strict=True):
            left, top, right, bottom = (round(side) for side in thing["box"])
            mask[top:bottom, left:right] = True
        if len(full):
            yield masks_layer.fit(list(full), CELL_PX).masks


def things(data: Path) -> Iterator[Scene]:
    """Give the masks of each Kodak picture's objects, cut out of their boxes by GrabCut, on the grid."""
    for stem, kept in json.loads((data / "kodak" / "scenes.json").read_text(encoding="utf-8")).items():
        found = from_json(json.dumps(kept), data)
        pixels = image.load(data / "kodak" / f"{Path(stem).stem}.png").pixels
        full = [GrabCut().mask(pixels, thing.box) for thing in found.things if thing.box is not None]
        if full:
            yield masks_layer.fit(full, CELL_PX).masks


# The coders: bytes of one picture's masks


def ours_bytes(scene: Scene) -> float:
    """Measure the body of the masks layer, head included."""
    return len(masks_layer.write(masks_layer.Masks(CELL_PX, scene)))


def no_prior_bytes(scene: Scene) -> float:
    """Measure the same bitmaps with contexts that start from nothing: what the prior and the rectangles are worth."""
    writer, states, under = Writer(), Contexts.fresh(CONTEXTS), np.zeros_like(scene[0])
    for mask in scene:
        under = under | code_bitmap(writer, states, mask, under)
    return 1 + len(writer.finish())


def zlib_bytes(scene: Scene) -> float:
    """Measure raw deflate at level 9 of the packed bits; rows to whole bytes or not, whichever is smaller."""
    stack = np.stack(scene)
    return min(len(zlib.compress(np.packbits(stack, axis=axis).tobytes(), 9, wbits=-15)) for axis in (None, 2))


def png_bytes(scene: Scene) -> float:
    """Measure an optimised 1-bit PNG, the masks one above the other."""
    out = io.BytesIO()
    Image.fromarray(np.concatenate(scene)).convert("1").save(out, "PNG", optimize=True)
    return len(out.getvalue())


def runs_bits(scene: Scene) -> tuple[int, int]:
    """Measure run lengths with Huffman codes made for this picture: bits of the runs, bits of the code's table.

    The table is the gaps between the lengths that occur, as Elias gamma codes, and 4 bits for each code's length.
    """
    pixels = np.concatenate([np.array([False]), np.stack(scene).ravel()])
    ends = np.append(np.flatnonzero(np.diff(pixels)), pixels.size - 1)
    counts = Counter(np.diff(ends, prepend=0).tolist())
    heap = sorted(counts.values())
    body = heap[0] if len(heap) == 1 else 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        body += joined
        heapq.heappush(heap, joined)
    gaps = np.diff(sorted(counts), prepend=-1)
    return body, sum(2 * int(gap).bit_length() - 1 + 4 for gap in gaps)


def runs_bytes(scene: Scene) -> float:
    """Measure run lengths with Huffman codes, the table counted."""
    return -(-sum(runs_bits(scene)) // 8)


def bare_runs_bytes(scene: Scene) -> float:
    """Measure run lengths with Huffman codes whose table costs nothing."""
    return -(-runs_bits(scene)[0] // 8)


CODERS: dict[str, Callable[[Scene], float]] = {
    "masks layer": ours_bytes,
    "the same, no prior, no rectangles": no_prior_bytes,
    "zlib -9": zlib_bytes,
    "PNG, 1 bit": png_bytes,
    "runs + Huffman, with table": runs_bytes,
    "runs + Huffman, table free": bare_runs_bytes,
}


# The priors


def context_numbers(mask: Bitmap, under: Bitmap) -> NDArray[np.int64]:
    """Give every pixel's context as ``code_bitmap`` counts them, all at once."""
    rows, columns = mask.shape
    held = np.pad(mask, ((2, 0), (2, 2))).astype(np.int64)
    held[2:, -2:] = mask[:, -1:]
    held[3:, :2] = mask[:-1, :1]
    number = np.zeros(mask.shape, np.int64)
    for down, across in OWN:
        number = number << 1 | held[2 + down : 2 + down + rows, 2 + across : 2 + across + columns]
    around: NDArray[np.int64] = number << 5 | beneath(under)
    return around


def turned(mask: Bitmap) -> Iterator[Bitmap]:
    """Give the eight ways to turn and mirror a mask."""
    for way in (mask, mask.T):
        yield from (way, way[::-1], way[:, ::-1], way[::-1, ::-1])


def seen(scene: Scene) -> NDArray[np.int64]:
    """Count zeros and ones in each context, (2, contexts), over all eight turns of the masks."""
    counts = np.zeros(2 * CONTEXTS, np.int64)
    for way in zip(*(turned(mask) for mask in scene), strict=True):
        under = np.zeros_like(way[0])
        for mask in way:
            if not masks_layer.is_rectangle(mask):
                both = mask * CONTEXTS + context_numbers(mask, under)
                counts += np.bincount(both.ravel(), minlength=2 * CONTEXTS)
            under = under | mask
    return counts.reshape(2, CONTEXTS)


def smoothed(counts: NDArray[np.float64], strength: float = 8.0) -> NDArray[np.float64]:
    """Estimate P(1) of each context of (2, n) counts; where little was seen, from the contexts without their last bit."""
    if counts.shape[1] == 1:
        coarse, strength = np.full(1, 0.5), 1.0
    else:
        coarse = np.repeat(smoothed(counts.reshape(2, -1, 2).sum(axis=2), strength), 2)
    estimate: NDArray[np.float64] = (counts[1] + strength * coarse) / (counts.sum(axis=0) + strength)
    return estimate


def prior(counts: NDArray[np.int64], most: int = 12) -> bytes:
    """Make a prior's file of (2, 32768) counts: probability in 12 bits, half the confidence in 4, big-endian."""
    axes = (2,) * 15
    order = counts.astype(np.float64).reshape(2, *axes).transpose(0, *(1 + k for k in IMPORTANCE))
    ones = smoothed(order.reshape(2, -1)).reshape(axes).transpose(np.argsort(IMPORTANCE)).ravel()
    confidence = np.minimum(counts.sum(axis=0) // 16, most)
    numbers: NDArray[np.int64] = np.clip(np.rint(4096 * ones), 1, 4095).astype(np.int64) << 4 | confidence
    return bytes(numbers.astype(">u2").tobytes())


def make_priors(data: Path) -> dict[str, bytes]:
    """Learn both priors from ``train/``: masks at two cell sizes, and lines (boundaries that 3 in 10 annotators drew).

    Components never overlap, but things do: some of what is counted are components joined, with their parts.
    """
    masks, nested, lines = (np.zeros((2, CONTEXTS), np.int64) for _ in range(3))
    for edges in boundaries(data, "train"):
        whole = components(edges)
        for cell_px in (5, CELL_PX):
            grid = [masks_layer.majority(mask, cell_px) for mask in whole]
            masks += seen(tuple(grid)) + seen(tuple(objects(grid)))
            for scene in overlapping(objects(grid)):
                nested += seen(scene)
        lines += seen((pooled(edges >= 0.3, SKETCH_CELL_PX),))
    # Nothing lies under a sketch: its file has one number for every 32 contexts.
    return {"masks": prior(masks + nested // NESTED_PART), "sketch": np.frombuffer(prior(lines), ">u2")[::32].tobytes()}


def overlapping(parts: Sequence[Bitmap]) -> list[Scene]:
    """Things that lie in one another: two components joined and one of them, in either order; three, and two of them."""
    if len(parts) < 2:
        return []
    first, second, *rest = parts
    found: list[Scene] = [(first | second, second, *rest), (second, first | second, *rest)]
    if rest:
        found.append((first | second | rest[0], first, rest[0]))
    return found


def pooled(lines: Bitmap, cell_px: int) -> Bitmap:
    """Draw a cell where any of its pixels is drawn."""
    starts = [np.arange(0, side, cell_px) for side in lines.shape]
    down = np.logical_or.reduceat(lines, starts[0], axis=0)
    drawn: Bitmap = np.logical_or.reduceat(down, starts[1], axis=1)
    return drawn


# The command


def row(name: str, scenes: Sequence[Scene]) -> str:
    """Measure every coder over a set of pictures: total bits over total boundary pixels, and mean bytes a picture."""
    pixels = sum(boundary_px(mask) for scene in scenes for mask in scene)
    masks = sum(len(scene) for scene in scenes)
    cells = [f"{name}: {len(scenes)} pictures, {masks} masks, {pixels} boundary pixels"]
    for coder in CODERS.values():
        total = sum(coder(scene) for scene in scenes)
        cells.append(f"{8 * total / pixels:.3f} ({total / len(scenes):.1f})")
    return "| " + " | ".join(cells) + " |"


def report(data: Path) -> str:
    """Measure all sets and make the text of results/masks.md."""
    pairs = list(segmentations(data, "test", CELL_PX))
    rows = [
        row("boxes of Kodak's objects", list(boxes(data))),
        row("Kodak's objects by GrabCut", list(things(data))),
        row("objects of BSDS test", [some for some, _ in pairs]),
        row("whole segmentations of BSDS test", [whole for _, whole in pairs]),
    ]
    head = "| set | " + " | ".join(CODERS) + " |\n|---|" + "---|" * len(CODERS)
    return NOTE + "\n".join([head, *rows]) + "\n"


NOTE = f"""# Masks: bits per boundary pixel

Made by `python -m limner.bench.masks --data ../shared/data`; do not edit by hand.

Each entry: sum of bits over all pictures / sum of boundary pixels over all masks; in brackets the mean bytes a picture.
All masks of a picture are coded together, on a grid of {CELL_PX} px cells, and the bytes are whole bytes with everything
a reader needs except the picture's size. A boundary pixel is a mask's pixel with one of its four neighbours outside the mask.

- *boxes*: the objects' boxes of the Kodak scenes, filled.
- *by GrabCut*: what `limner describe --masks grabcut` makes of these boxes.
- *objects*: BSDS500 `test/`, human boundaries closed to components; the largest (the ground) left out, the next {OBJECTS} kept.
- *whole segmentations*: the same, all components of at least 1 % of the picture, at most {MOST_COMPONENTS}.
- zlib: raw deflate, no header; PNG: the whole file; Huffman codes are made for each picture, the table is Elias gamma coded.
- The layer's prior was learned from BSDS500 `train/` alone, its components as they are and joined, with their parts.

"""


def main() -> None:
    """Write results/masks.md, or with --prior the two files of priors (and say their SHA-256)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prior", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("results") / "masks.md")
    chosen = parser.parse_args()
    if not chosen.prior:
        chosen.out.write_text(report(chosen.data), encoding="utf-8")
        return
    for name, content in make_priors(chosen.data).items():
        prior_file(name).write_bytes(content)
        print(name, hashlib.sha256(content).hexdigest())


if __name__ == "__main__":
    main()
