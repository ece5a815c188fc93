"""The classical codecs themselves: one file of one picture, and back. What is best is sought in `baselines`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  registers itself with Pillow
from numpy.typing import NDArray
from PIL import Image

FILTERS = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}

Picture = NDArray[np.uint8]


def _jpeg(image: Image.Image, quality: int, chroma: str, speed: int, tune: str | None) -> bytes:
    return _saved(lambda to: image.save(to, "JPEG", quality=quality, subsampling=chroma, optimize=True, progressive=True))


def _webp(image: Image.Image, quality: int, chroma: str, speed: int, tune: str | None) -> bytes:
    return _saved(lambda to: image.save(to, "WEBP", quality=quality, method=6))


def _avif(image: Image.Image, quality: int, chroma: str, speed: int, tune: str | None) -> bytes:
    # One thread, so that the file does not depend on the machine.
    more = {} if tune is None else {"tune": tune}
    return _saved(
        lambda to: image.save(
            to, "AVIF", quality=quality, subsampling=chroma, speed=speed, max_threads=1, autotiling=False, advanced=more
        )
    )


def _jxl(image: Image.Image, quality: int, chroma: str, speed: int, tune: str | None) -> bytes:
    effort = 7 if tune is None else 9
    return _saved(lambda to: image.save(to, "JXL", quality=quality, effort=effort, num_threads=0))


def _heic(image: Image.Image, quality: int, chroma: str, speed: int, tune: str | None) -> bytes:
    more = {} if tune is None else {"enc_params": {"tune": tune, "preset": "veryslow"}}
    return _saved(lambda to: image.save(to, "HEIF", quality=quality, chroma=chroma.replace(":", ""), **more))


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class Codec:
    """One classical codec: ``code(image, quality, chroma, speed, tune)``, its range of qualities, the chroma formats it has."""

    code: Callable[[Image.Image, int, str, int, str | None], bytes]
    lowest: int
    highest: int
    chromas: tuple[str, ...]


CODECS = {
    "jpeg": Codec(_jpeg, 1, 95, ("4:2:0", "4:4:4")),
    "webp": Codec(_webp, 0, 100, ("4:2:0",)),
    "avif": Codec(_avif, 0, 100, ("4:2:0", "4:4:4")),
    "jxl": Codec(_jxl, 0, 95, ("XYB",)),
    "heic": Codec(_heic, 0, 95, ("4:2:0", "4:4:4")),
}


pillow_heif.register_heif_opener()


def shrunk(picture: Picture, scale: int, down: str) -> Image.Image:
    image = Image.fromarray(picture)
    if scale == 1:
        return image
    size = (max(1, round(image.width / scale)), max(1, round(image.height / scale)))
    return image.resize(size, FILTERS[down])


def enlarged(blob: bytes, size: tuple[int, int], up: str) -> Picture:
    with Image.open(io.BytesIO(blob)) as image:
        decoded = image.convert("RGB")
    if decoded.size != size:
        decoded = decoded.resize(size, FILTERS[up])
    return np.asarray(decoded, dtype=np.uint8)
