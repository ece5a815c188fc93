"""Files by strips are the pictures that they are as a whole, by Pillow and by libvips, and so are their faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pictures import scene
from PIL import Image, ImageCms

from limner import api
from limner.errors import ImageError
from limner.image import load
from limner.pixels import png, source, strips
from limner.pixels.source import Decoded, PictureFile, read
from limner.pixels.strips import Held, joined

Pixels = NDArray[np.uint8]
ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures in many strips, and none too small for libvips."""
    monkeypatch.setattr(strips, "STRIP_PX", 2000)
    monkeypatch.setattr(source, "LARGE_PX", 1)


def made(mode: str) -> Image.Image:
    pixels = scene(150, 90)
    alpha = np.linspace(0, 255, 150 * 90).reshape(90, 150, 1).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray((pixels[:, :, 0].astype(np.uint16) * 257 + 100).clip(0, 65535).astype(np.uint16))
    if mode in ("RGBA", "LA"):
        return Image.fromarray(np.concatenate([pixels, alpha], 2)).convert(mode)
    return Image.fromarray(pixels).convert(mode)


FILES = {
    "rgb.png": ("RGB", {}),
    "grey.png": ("L", {}),
    "palette.png": ("P", {}),
    "clear_palette.png": ("P", {"transparency": 3}),
    "clear_colour.png": ("RGB", {"transparency": (120, 150, 230)}),
    "alpha.png": ("RGBA", {}),
    "grey_alpha.png": ("LA", {}),
    "deep.png": ("I;16", {}),
    "two.png": ("1", {}),
    "rgb.jpg": ("RGB", {"quality": 90}),
    "grey.jpg": ("L", {}),
    "full.jpg": ("RGB", {"subsampling": 0}),
    "progressive.jpg": ("RGB", {"progressive": True}),
    "cmyk.jpg": ("CMYK", {}),
    "rgb.tif": ("RGB", {}),
    "packed.tif": ("L", {"compression": "tiff_lzw"}),
    "rgb.webp": ("RGB", {"lossless": True}),
}


def saved(folder: Path, name: str, **more: object) -> Path:
    mode, options = FILES[name]
    made(mode).save(folder / name, **options, **more)
    return folder / name


def by_strips(path: Path, *, stream: bool) -> tuple[PictureFile, Pixels]:
    found = read(path, stream=stream)
    assert isinstance(found, PictureFile)
    assert len(list(found)) > 3
    return found, joined(found)


def streams(found: PictureFile) -> bool:
    return not isinstance(found.grid(), Decoded)


@pytest.mark.parametrize("name", FILES)
def test_strips_by_pillow_are_the_whole(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, name)
    assert np.array_equal(by_strips(path, stream=False)[1], load(path).pixels)


# libvips and Pillow may have other versions of libjpeg: that is a level or two. Here they are the same.
PEAK = {"jpg": 2}


@pytest.mark.parametrize("name", FILES)
def test_strips_by_libvips_are_nearly_the_same(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    path = saved(tmp_path, name)
    found, pixels = by_strips(path, stream=True)
    assert streams(found) == (path.suffix in (".jpg", ".png") and name != "cmyk.jpg")
    assert np.abs(pixels.astype(int) - load(path).pixels).max() <= PEAK.get(path.suffix[1:], 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["rgb.jpg", "rgb.png"])
def test_every_orientation(name: str, orientation: int, stream: bool, tmp_path: Path) -> None:
    if stream:
        pytest.importorskip("pyvips")
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = saved(tmp_path, name, exif=exif)
    found, pixels = by_strips(path, stream=stream)
    assert streams(found) == stream
    assert np.abs(pixels.astype(int) - load(path).pixels).max() <= PEAK.get(path.suffix[1:], 0)
    with Image.open(path) as stored:
        turned = np.array(Image.fromarray(np.array(stored)).transpose(found.turn.method)) if found.turn else np.array(stored)
    assert np.array_equal(turned, load(path).pixels)


def test_what_stands_behind_the_pixels_is_obeyed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    made("RGB").save(tmp_path / "before.png", exif=exif)
    data = (tmp_path / "before.png").read_bytes()
    turned = [png.chunk(*one) for one in png.chunks_of(data) if one[0] == b"eXIf"]
    assert len(turned) == 1
    behind = data.replace(turned[0], b"")
    end = png.chunk(b"IEND", b"")
    (tmp_path / "behind.png").write_bytes(behind.removesuffix(end) + turned[0] + end)
    assert png.names_behind_pixels(tmp_path / "behind.png") == {b"eXIf", b"IEND"}
    expected = load(tmp_path / "before.png").pixels
    assert expected.shape == (150, 90, 3)
    assert np.array_equal(by_strips(tmp_path / "behind.png", stream=True)[1], expected)
    assert np.array_equal(load(tmp_path / "behind.png").pixels, expected)


@pytest.mark.parametrize("stream", [False, True])
def test_a_colour_profile_is_obeyed_by_strips(stream: bool, tmp_path: Path) -> None:
    if stream:
        pytest.importorskip("pyvips")
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = saved(tmp_path, "rgb.png", icc_profile=wide)
    found, pixels = by_strips(path, stream=stream)
    assert np.array_equal(pixels, load(path).pixels)
    assert found.warnings == load(path).warnings and len(found.warnings) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["rgb.jpg", "rgb.png", "rgb.tif"])
def test_a_cut_file_is_refused(name: str, stream: bool, tmp_path: Path) -> None:
    if stream:
        pytest.importorskip("pyvips")
    path = saved(tmp_path, name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match=rf"^{path}: not a"):
        joined(read(path, stream=stream))


def test_the_limit_is_tested_before_anything_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, "rgb.png")
    with pytest.raises(ImageError, match="over the limit of 100"):
        read(path, max_pixels=100)
    with pytest.raises(ImageError, match="over the limit of 100"):
        read(scene(20, 20), max_pixels=100)


def test_arrays_are_taken_as_they_are() -> None:
    pixels = scene(20, 10)
    found = read(pixels)
    assert isinstance(found, Held) and found.pixels is pixels


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asked", [{"target_bytes": 300}, {"quality": 20}])
def test_a_file_by_strips_and_its_array_make_the_same_bytes(asked: dict[str, int], stream: bool, tmp_path: Path) -> None:
    if stream:
        pytest.importorskip("pyvips")
    path = saved(tmp_path, "rgb.png")
    assert api.encode(read(path, stream=stream), **asked) == api.encode(load(path).pixels, **asked)
