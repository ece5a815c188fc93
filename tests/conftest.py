"""What every test may use: deterministic laws, a photograph without a network, and weights that are slow to make."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from pictures import scene
from PIL import Image

from limner.weights import DATA, at, write_manifest

# No deadline: the machines that run this are shared. The same examples every time: a red run can be repeated.
settings.register_profile("limner", deadline=None, derandomize=True)
settings.load_profile("limner")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives a browser may fail twice: its clicks race with what is drawn anew."""
    for item in items:
        if item.path.parent.name == "page" or item.path.name == "test_browser.py":
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(autouse=True)
def small_floats() -> Iterator[None]:
    """Training takes the smallest floats for zero, in the whole process: the tests after it have them again."""
    yield
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A (96, 144, 3) picture with smooth parts, an edge and some texture."""
    down, right = np.mgrid[0:96, 0:144].astype(np.float64)
    waves = 40 * np.sin(right / 9) * np.cos(down / 7)
    planes = [90 + right / 2 + waves, 60 + down + waves, np.where(right + down > 120, 180.0, 70.0)]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


@pytest.fixture
def photo_file(photo: NDArray[np.uint8], tmp_path: Path) -> Path:
    """The same as a PNG file."""
    path = tmp_path / "harbour.png"
    Image.fromarray(photo).save(path)
    return path


@pytest.fixture(scope="session")
def sketch_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """miniature's weights under the name of a sketch's: they are of one family."""
    folder = tmp_path_factory.mktemp("sets") / "sketch"
    shutil.copytree(DATA / "miniature", folder)
    kept = at(folder)
    others = tuple(name for name in kept.files if name not in kept.decoding)
    write_manifest(folder, "standing in", kept.decoding, others, "sketch")
    return folder


@pytest.fixture(scope="session")
def taco_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of weights of TACO, tiny and random, with a word encoder of its own."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from limner.nets.codec import Widths
    from limner.nets.taco import Injector, Taco
    from limner.nets.words import WordEncoder, ids_of
    from limner.train.codec_set import Words, write_set

    torch.manual_seed(0)
    codec, encoder = Taco(Widths(16, 24), (4, 4, 8, 8), 128), WordEncoder().eval()
    for module in codec.modules():
        if isinstance(module, Injector):
            torch.nn.init.ones_(module.gamma)  # else words would do nothing
    with torch.no_grad():
        empty = encoder(ids_of([""]))
    place = tmp_path_factory.mktemp("sets") / "tiny"
    write_set(codec, [scene(100, 75), scene(64, 64, 1)], place, "tiny", Words(empty, encoder=encoder))
    return place
