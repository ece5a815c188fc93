"""Big pictures: memory that hardly grows with them, no seam between tiles, and the same bytes and pixels by any strips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cut_strips import Cut
from numpy.typing import NDArray
from pictures import scene
from PIL import Image

from limner import api
from limner.bench.fresh import run_python
from limner.describe import analysis
from limner.image import load, png_pieces
from limner.pixels import resample
from limner.pixels.strips import joined
from limner.render import synthesis
from limner.systems import miniature
from limner.systems.miniature import Painting, Setting, embedded

Pixels = NDArray[np.uint8]


# Memory. Each size is in a process of its own, with one thread, which gives back what it frees: heaps with holes differ.

MEASURED = """
import sys
from pathlib import Path
from limner import api
from limner.pixels import source, strips
from limner.describe import analysis
from limner.layers import path
from limner.render import synthesis
from limner.systems.miniature import Setting, embedded
# Both sizes have many tiles, bands and strips, so that one takes as much.
path.BAND_POSITIONS, strips.STRIP_PX = 256, 1 << 17
analysis.CORE = synthesis.CORE = 8
analysis.MARGIN = synthesis.MARGIN = 4
{work}
from limner.bench.speed.machine import peak_mb
print(peak_mb())
"""
READ = "picture = source.read(sys.argv[1], stream=%r)\n"
ENCODE = "scene = embedded().describe(picture)\nscene.activity(0)\nembedded().fit(scene, Setting(20, 6))"
DECODE = "for strip in api.decode_strips(Path(sys.argv[1]).read_bytes()): pass"
QUIET = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
WHOLE_FLOATS = 12.0  # bytes a pixel that a picture takes in floats


@dataclass(frozen=True)
class Waves:
    """A picture that takes no memory and no time."""

    width_px: int
    height_px: int

    def __iter__(self) -> Iterator[Pixels]:
        across = np.arange(self.width_px)[:, None] * np.array([1, 2, 3]) // 9
        for first in range(0, self.height_px, 100):
            down = np.arange(first, min(self.height_px, first + 100))[:, None, None] // 7
            yield (across + down).astype(np.uint8)


SIZES = (Waves(4000, 3000), Waves(6000, 4000))


def peak_bytes(work: str, path: Path) -> float:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of memory is read as Linux tells it")
    done = run_python(["-c", MEASURED.format(work=work), str(path)], folder=path.parent, variables=QUIET)
    assert done.returncode == 0, done.stderr
    return 1e6 * float(done.stdout.split()[-1])


def growth(work: str, paths: list[Path]) -> float:
    """Bytes for each pixel more."""
    small, large = (peak_bytes(work, path) for path in paths)
    return (large - small) / (SIZES[1].width_px * SIZES[1].height_px - SIZES[0].width_px * SIZES[0].height_px)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """PNG files of 12 and 24 million pixels."""
    folder = tmp_path_factory.mktemp("big")
    for size in SIZES:
        with (folder / f"{size.height_px}.png").open("wb") as stream:
            stream.writelines(png_pieces(size, {}))
    return [folder / f"{size.height_px}.png" for size in SIZES]


def test_encoding_through_libvips_takes_no_memory_for_the_picture(files: list[Path]) -> None:
    pytest.importorskip("pyvips")
    assert growth("source.LARGE_PX = 1\n" + READ % True + ENCODE, files) < 1


def test_encoding_through_pillow_takes_the_picture_once(files: list[Path]) -> None:
    assert 3 < growth(READ % False + ENCODE, files) < 6


def test_the_law_sees_a_copy_in_floats(files: list[Path]) -> None:
    spoilt = "from limner.pixels.strips import joined\nkept = joined(picture).astype('float32')\n"
    assert growth(READ % False + spoilt + ENCODE, files) > WHOLE_FLOATS


def test_decoding_takes_no_memory_for_the_picture(tmp_path: Path) -> None:
    paths = []
    for size in SIZES:
        codec = embedded()
        fitted = codec.fit(codec.describe(size), Setting(20, 6))
        paths.append(tmp_path / f"{size.height_px}.limn")
        paths[-1].write_bytes(api.pack(api.blob_of(codec, fitted.body, size.width_px, size.height_px)))
    assert growth(DECODE, paths) < 1


# Seams

CORE_PX = 256


def texture(width: int, height: int) -> Pixels:
    """Noise of two sizes, everywhere alike: what is seen at one column is seen at all others, but for a seam."""
    rng, layers = np.random.default_rng(0), []
    for cell in (4, 16):
        noise = Image.fromarray(rng.integers(0, 256, (height // cell, width // cell, 3), np.uint8))
        layers.append(np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC), float))
    return (sum(layers) / len(layers)).astype(np.uint8)


def seams(pixels: Pixels) -> tuple[float, float]:
    """Mean gradient across the borders of tiles, by that at rows and columns near them which lie alike in the latent's grid."""
    found = []
    for axis in (0, 1):
        steps = np.abs(np.diff(pixels.astype(float), axis=axis)).mean((1 - axis, 2))
        borders = np.arange(CORE_PX, pixels.shape[axis], CORE_PX) - 1
        near = [steps[borders + away].mean() for away in (-48, -32, -16, 16, 32, 48)]
        found.append(float(steps[borders].mean() / np.mean(near)))
    return found[0], found[1]


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Sixteen tiles in a picture of a million pixels."""
    for part in (analysis, synthesis):
        monkeypatch.setattr(part, "CORE", CORE_PX // 16)
    return monkeypatch


def painted() -> Pixels:
    codec = embedded()
    return codec.render(codec.fit(codec.describe(texture(1024, 1024)), Setting(20)), 1024, 1024)


def test_no_seam_is_seen(small_tiles: pytest.MonkeyPatch) -> None:
    assert seams(painted()) == (pytest.approx(1, abs=0.05), pytest.approx(1, abs=0.05))


@pytest.mark.parametrize("part", [analysis, synthesis])
def test_without_margins_seams_are_seen(small_tiles: pytest.MonkeyPatch, part: object) -> None:
    small_tiles.setattr(part, "MARGIN", 0)
    assert all(abs(seam - 1) > 0.1 for seam in seams(painted()))


def test_the_hyper_latent_is_the_same_by_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    latent = np.random.default_rng(0).normal(0, 3, (64, 41, 57)).astype(np.float32)
    whole = embedded().analysis.hyper_latent(latent, 30)
    assert whole.shape == (32, 11, 15)
    monkeypatch.setattr(analysis, "CORE", 12)
    np.testing.assert_allclose(embedded().analysis.hyper_latent(latent, 30), whole, atol=1e-4)
    monkeypatch.setattr(analysis, "MARGIN", 0)
    assert np.abs(embedded().analysis.hyper_latent(latent, 30) - whole).max() > 1e-2


# Strips and the whole


@pytest.mark.parametrize("held_px", [1, 1 << 30])
@pytest.mark.parametrize("asked", [{"target_bytes": 200}, {"quality": 30}])
def test_files_do_not_depend_on_strips_or_on_what_is_held(
    asked: dict[str, int], held_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = scene(333, 222)
    whole = api.encode(pixels, **asked)
    for part in (miniature, resample):
        monkeypatch.setattr(part, "HELD_PX", held_px)
    codec = embedded()
    for heights in ((1,), (40, 3), (222,)):
        fitted = api.fit(codec, Cut(pixels, heights), asked.get("target_bytes"), asked.get("quality"), False)
        assert api.pack(api.blob_of(codec, fitted.body, 333, 222)) == whole


@pytest.mark.parametrize("painting", [Painting(), Painting("vivid"), Painting("vivid", 0.4)])
@pytest.mark.parametrize("size", [None, (150, 100), (500, 400)])
def test_pixels_do_not_depend_on_strips(
    painting: Painting, size: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = api.encode(scene(333, 222), target_bytes=150)
    whole = api.decode(blob, size=size, painter=painting.painter, strength=painting.strength)
    monkeypatch.setattr(resample, "HELD_PX", 1)
    assert np.array_equal(joined(api.decode_strips(blob, size=size, painting=painting)), whole)


def test_a_large_file_is_decoded_as_the_array_is(tmp_path: Path) -> None:
    from limner.cli import main

    blob = api.encode(scene(700, 500), quality=10)
    (tmp_path / "a.limn").write_bytes(blob)
    assert main(["decode", str(tmp_path / "a.limn")]) == 0
    assert np.array_equal(load(tmp_path / "a.png").pixels, api.decode(blob))
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["limner:detail"] == "nothing invented"
