"""Pictures as files that other programs read and write: PNG, PPM, and YUV4MPEG2 (4:2:0) for coders of video.

    (h, w, 3) sRGB --to_file--> program --from_file--> (h, w, 3) sRGB

Y'CbCr is that of JPEG (JFIF 1.02, section 2): full range, chroma sampled between pixels.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner import image
from limner.errors import ImageError
from limner.image import Pixels

FORMATS = ("png", "ppm", "y4m")
MAGIC = b"YUV4MPEG2 "
MOST_SIDE_PX = 1 << 16
RED, GREEN, BLUE = 0.299, 0.587, 0.114
CENTRE = 128.0
OF_BLUE, OF_RED = 2 - 2 * BLUE, 2 - 2 * RED
TO_YCC = np.array(
    [[RED, GREEN, BLUE], [-RED / OF_BLUE, -GREEN / OF_BLUE, 0.5], [0.5, -GREEN / OF_RED, -BLUE / OF_RED]],
).T
TO_RGB = np.linalg.inv(TO_YCC)


def to_file(pixels: Pixels, kind: str) -> bytes:
    """The file of a picture (h, w, 3); ``kind``: one of FORMATS."""
    if kind == "png":
        return image.to_file(pixels)
    if kind == "y4m":
        return to_y4m(pixels)
    height_px, width_px = pixels.shape[:2]
    return b"P6\n%d %d\n255\n" % (width_px, height_px) + pixels.tobytes()


def from_file(data: bytes, kind: str) -> Pixels:
    """The picture (h, w, 3) of a file. Raises ImageError for anything else."""
    return from_y4m(data) if kind == "y4m" else image.load(data, name="what was decoded").pixels


def to_y4m(pixels: Pixels) -> bytes:
    """One frame of YUV4MPEG2, 8 bits, 4:2:0."""
    height_px, width_px = pixels.shape[:2]
    luma, *chromas = np.moveaxis(image.pad(pixels, 2) @ TO_YCC, -1, 0)
    quarters = [one.reshape(one.shape[0] // 2, 2, -1, 2).mean((1, 3)) + CENTRE for one in chromas]
    head = f"YUV4MPEG2 W{width_px} H{height_px} F1:1 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=FULL\nFRAME\n"
    return head.encode() + b"".join(bytes_of(plane).tobytes() for plane in (luma[:height_px, :width_px], *quarters))


def from_y4m(data: bytes) -> Pixels:
    """The first frame of YUV4MPEG2, 4:2:0 of 8 to 16 bits. Raises ImageError for anything else."""
    head, _, rest = data.partition(b"\n")
    frame, _, body = rest.partition(b"\n")
    if not head.startswith(MAGIC) or not frame.startswith(b"FRAME"):
        raise ImageError("not a picture of YUV4MPEG2")
    said = {word[:1]: word[1:].decode("ascii", "replace") for word in head.split()[1:]}
    width_px, height_px = (int(said[name]) if said.get(name, "").isdigit() else 0 for name in (b"W", b"H"))
    sampling = re.fullmatch(r"420(?:jpeg|mpeg2|paldv)?(?:p(\d+))?", said.get(b"C", "420"))
    bits = int(sampling[1] or 8) if sampling else 0
    if not (0 < width_px <= MOST_SIDE_PX and 0 < height_px <= MOST_SIDE_PX and 8 <= bits <= 16):
        raise ImageError(f"a picture of YUV4MPEG2 is 4:2:0 of 8 to 16 bits here, not {head.decode('ascii', 'replace')}")
    return _rgb(body, (width_px, height_px), bits)


def _rgb(body: bytes, size: tuple[int, int], bits: int) -> Pixels:
    half = (size[0] + 1) // 2, (size[1] + 1) // 2
    samples = np.frombuffer(body, "<u2" if bits > 8 else np.uint8, count=len(body) // (1 + (bits > 8)))
    planes, start = [], 0
    for width_px, height_px in (size, half, half):
        end = start + width_px * height_px
        if end > len(samples):
            raise ImageError("the picture of YUV4MPEG2 ends too early")
        planes.append(eight_bits(samples[start:end].reshape(height_px, width_px), bits))
        start = end
    # Chroma of an odd side reaches over its end.
    whole = [Image.fromarray(plane).resize((2 * half[0], 2 * half[1]), Image.Resampling.BICUBIC) for plane in planes[1:]]
    chromas = [np.asarray(plane.crop((0, 0, *size)), np.float64) - CENTRE for plane in whole]
    return bytes_of(np.stack([planes[0], *chromas], -1) @ TO_RGB)


def bytes_of(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return found


def eight_bits(plane: NDArray[np.uint8] | NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    """Samples rounded to 8 bits."""
    if bits == 8:
        return plane.astype(np.uint8)
    over = bits - 8
    rounded = np.right_shift(plane.astype(np.int64) + (1 << (over - 1)), over)
    found: NDArray[np.uint8] = np.clip(rounded, 0, 255).astype(np.uint8)
    return found
