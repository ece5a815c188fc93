"""Pictures of every kind come out as sRGB uint8, or one line says why not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageCms

from limner.errors import ImageError
from limner.image import crop, load, pad, resize, save, to_file

Pixels = NDArray[np.uint8]
STARTS = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"BM", b"P6 "]
PICTURES = st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(lambda sides: arrays(np.uint8, (*sides, 3)))


def as_file(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


# Laws


@settings(max_examples=40)
@given(PICTURES, st.integers(1, 16))
def test_crop_undoes_pad(pixels: Pixels, multiple: int) -> None:
    height, width = pixels.shape[:2]
    grown = pad(pixels, multiple)
    assert grown.shape[0] % multiple == grown.shape[1] % multiple == 0
    assert grown.shape[0] - height < multiple and grown.shape[1] - width < multiple
    assert np.array_equal(crop(grown, width, height), pixels)
    assert np.array_equal(grown[:, width:], np.repeat(grown[:, width - 1 : width], grown.shape[1] - width, axis=1))


@settings(max_examples=40)
@given(PICTURES)
def test_lossless_files_give_the_pixels_back(pixels: Pixels) -> None:
    assert np.array_equal(load(to_file(pixels)).pixels, pixels)
    assert np.array_equal(load(to_file(pixels, ".webp")).pixels, pixels)
    assert np.array_equal(load(pixels).pixels, pixels)
    assert np.array_equal(load(Image.fromarray(pixels)).pixels, pixels)


@settings(max_examples=40)
@given(PICTURES, st.integers(1, 30), st.integers(1, 30))
def test_resize_gives_the_size_asked_for(pixels: Pixels, width: int, height: int) -> None:
    assert resize(pixels, width, height).shape == (height, width, 3)


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"BM", b"P6 "])
)
def test_only_image_errors_come_out_of_arbitrary_bytes(data: bytes, start: bytes) -> None:
    try:
        load(start + data, max_pixels=10_000)
    except ImageError as error:
        assert str(error).startswith("picture: ") and "\n" not in str(error)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "JPEG2000"])
def test_only_image_errors_come_out_of_cut_and_changed_files(photo: Pixels, kind: str) -> None:
    data = as_file(Image.fromarray(photo[:24, :24]), kind)
    numbers = np.random.default_rng(3)
    for _ in range(60):
        bad = bytearray(data[: numbers.integers(1, len(data) + 1)])
        bad[numbers.integers(len(bad))] ^= int(numbers.integers(1, 256))
        try:
            load(bytes(bad), max_pixels=10_000)
        except ImageError as error:
            assert "\n" not in str(error)


# What is no picture


def test_refuses_what_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "words.jpg"
    path.write_text("a limner was a travelling painter")
    with pytest.raises(ImageError, match=r"words\.jpg: not a picture that can be read$"):
        load(path)


def test_refuses_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(ImageError, match=r"empty\.png: not a picture"):
        load(path)


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.png: No such file"):
        load(tmp_path / "none.png")
    with pytest.raises(ImageError, match="Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_refuses_a_cut_picture(photo: Pixels, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cut"
    data = as_file(Image.fromarray(photo), kind)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match="cut: not a"):
        load(path)


def png_that_declares(width: int, height: int) -> bytes:
    """A PNG whose header declares a size and whose pixels are missing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_refuses_a_picture_over_the_limit_before_decoding() -> None:
    with pytest.raises(
        ImageError, match=r"bomb: 10001 x 10000 is 100010000 pixels, over the limit of 100000000: raise max-pixels"
    ):
        load(png_that_declares(10_001, 10_000), name="bomb")


def test_pillows_own_limit_does_not_leak() -> None:
    # 10**10 pixels is far over what Pillow raises at; 10**8 only warns, and is within our limit.
    with pytest.raises(ImageError, match="over the limit"):
        load(png_that_declares(100_000, 100_000))
    with pytest.raises(ImageError, match="not a whole picture"):
        load(png_that_declares(10_000, 10_000))
    with pytest.raises(ImageError, match="not a whole picture"):
        load(png_that_declares(20_000, 10_000), max_pixels=300_000_000)


def test_the_limit_is_an_option(photo_file: Path) -> None:
    assert load(photo_file, max_pixels=96 * 144).pixels.shape == (96, 144, 3)
    with pytest.raises(ImageError, match="over the limit of 13823"):
        load(photo_file, max_pixels=96 * 144 - 1)


def test_refuses_floating_point(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(path)
    with pytest.raises(ImageError, match="no agreed range"):
        load(path)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (0, 4, 3), (1, 4, 4, 3)])
def test_refuses_arrays_that_are_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="array"):
        load(np.zeros(shape, np.uint8))


# Read as a person expects


def test_reads_paths_bytes_and_streams(photo: Pixels, photo_file: Path) -> None:
    with photo_file.open("rb") as stream:
        for source in (photo_file, str(photo_file), photo_file.read_bytes(), stream):
            picture = load(source)
            assert np.array_equal(picture.pixels, photo)
            assert picture.warnings == ()


def test_applies_orientation(photo: Pixels) -> None:
    turns = {1: photo, 2: photo[:, ::-1], 3: photo[::-1, ::-1], 6: np.rot90(photo, -1), 8: np.rot90(photo)}
    for number, upright in turns.items():
        exif = Image.Exif()
        exif[0x0112] = number
        for kind in ("PNG", "TIFF"):
            assert np.array_equal(load(as_file(Image.fromarray(photo), kind, exif=exif)).pixels, upright), (kind, number)


def test_flattens_alpha_on_the_chosen_colour() -> None:
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 0))
    data = as_file(image, "PNG")
    assert load(data).pixels.tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert load(data, background=(1, 2, 3)).pixels.tolist() == [[[255, 0, 0], [1, 2, 3]]]
    half = Image.new("LA", (1, 1), (0, 128))
    assert load(as_file(half, "PNG")).pixels.tolist() == [[[127, 127, 127]]]


@pytest.mark.parametrize("background", [(1, 2), (1, 2, 300), (-1, 0, 0)])
def test_refuses_a_background_that_is_no_colour(photo: Pixels, background: tuple[int, int, int]) -> None:
    with pytest.raises(ImageError, match="background"):
        load(photo, background=background)


def test_reads_palettes_with_and_without_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert load(as_file(image, "PNG")).pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert load(as_file(image, "PNG", transparency=1)).pixels.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_reads_grey_and_black_and_white() -> None:
    assert load(as_file(Image.new("L", (1, 1), 77), "PNG")).pixels.tolist() == [[[77, 77, 77]]]
    assert load(as_file(Image.new("1", (1, 1), 1), "PNG")).pixels.tolist() == [[[255, 255, 255]]]
    assert load(np.full((1, 1), 77, np.uint8)).pixels.tolist() == [[[77, 77, 77]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_reads_16_bit_grey(kind: str) -> None:
    # 257 steps of 16 bits are one of 8: 0x0101 is 1, and 0x7F7F + 128 is nearer to 127 than to 128.
    levels = np.array([[0, 257, 0x7F7F + 128, 0x7F7F + 129, 65535]], np.uint16)
    assert load(as_file(Image.fromarray(levels), kind)).pixels[0, :, 1].tolist() == [0, 1, 127, 128, 255]


def test_turns_16_bit_grey_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    levels = np.array([[0, 65535]], np.uint16)
    assert load(as_file(Image.fromarray(levels), "PNG", exif=exif)).pixels[:, :, 0].tolist() == [[0], [255]]


def test_reads_16_bit_colour() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = zlib.compress(b"\0" + struct.pack(">HHH", 0xFFFF, 0x8080, 0))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    assert load(data).pixels.tolist() == [[[255, 128, 0]]]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_reads_cmyk(kind: str) -> None:
    red = load(as_file(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), kind)).pixels[4, 4]
    assert red[0] > 240 and red[1] < 20 and red[2] < 20


def swapped_profile() -> bytes:
    """An sRGB profile in which red and green have changed places: obeying it is plainly visible."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"s\0R\0G\0B", b"t\0e\0s\0t")
    for old, new in ((b"rXYZ", b"_XYZ"), (b"gXYZ", b"rXYZ"), (b"_XYZ", b"gXYZ")):
        data = data.replace(old, new)
    return data


def test_obeys_the_colour_profile() -> None:
    image = Image.new("RGB", (4, 4), (255, 0, 0))
    picture = load(as_file(image, "PNG", icc_profile=swapped_profile()))
    assert picture.warnings == ()
    red, green, blue = picture.pixels[0, 0]
    assert green > 250 and red < 5 and blue < 5


def test_leaves_srgb_as_it_is(photo: Pixels) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(load(as_file(Image.fromarray(photo), "PNG", icc_profile=profile)).pixels, photo)


def test_warns_of_a_broken_profile(photo: Pixels) -> None:
    picture = load(as_file(Image.fromarray(photo), "PNG", icc_profile=b"not a profile"), name="x.png")
    assert np.array_equal(picture.pixels, photo)
    assert picture.warnings == ("x.png: the colour profile cannot be used: colours are taken as sRGB",)


def test_takes_the_first_frame_and_says_so() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "lime")]
    picture = load(as_file(frames[0], "GIF", save_all=True, append_images=frames[1:]), name="film.gif")
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert picture.warnings == ("film.gif: 3 frames: only the first is read",)


# Writing


def test_png_carries_its_notes(photo: Pixels, tmp_path: Path) -> None:
    save(photo, tmp_path / "x.png", notes={"limner:system": "miniature", "limner:place": "Malmö, 東京"})
    with Image.open(tmp_path / "x.png") as image:
        assert image.info["limner:system"] == "miniature"
        assert image.info["limner:place"] == "Malmö, 東京"


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_other_files_carry_their_notes(photo: Pixels, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    save(photo, path, notes={"limner:system": "miniature", "limner:bytes": "500"})
    with Image.open(path) as image:
        assert image.getexif()[0x010E] == "limner:system: miniature; limner:bytes: 500"
    assert np.abs(load(path).pixels.astype(int) - photo).mean() < 3


def test_refuses_suffixes_it_cannot_write(photo: Pixels, tmp_path: Path) -> None:
    for name in ("x.txt", "x"):
        with pytest.raises(ImageError, match=r"written as \.png"):
            save(photo, tmp_path / name)
    with pytest.raises(ImageError, match="cannot be written as WEBP"):
        to_file(np.zeros((1, 16_384, 3), np.uint8), ".webp")


def test_box_averages_and_the_same_size_changes_nothing() -> None:
    pixels = np.array([[[0, 0, 0], [10, 20, 30]], [[20, 40, 60], [10, 20, 30]]], np.uint8)
    assert resize(pixels, 1, 1).tolist() == [[[10, 20, 30]]]
    assert resize(pixels, 2, 2) is pixels
    with pytest.raises(ImageError):
        resize(pixels, 0, 2)


def test_crop_refuses_what_is_not_there(photo: Pixels) -> None:
    for width, height in ((0, 1), (145, 96), (144, 97)):
        with pytest.raises(ImageError):
            crop(photo, width, height)
