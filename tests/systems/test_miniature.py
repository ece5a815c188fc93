"""miniature over the weights of the package: exact integers, and transforms without seams."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import scene

from limner.describe import analysis
from limner.entropy.fixedpoint import Network
from limner.layers import latent, path
from limner.render import synthesis
from limner.systems.miniature import Miniature, Setting, embedded


@pytest.fixture(scope="module")
def codec() -> Miniature:
    return embedded()


def test_float32_products_change_nothing(codec: Miniature) -> None:
    picture = codec.describe(scene(200, 150))
    slow = path.of_networks([Network(net.layers, fast=False) for net in path.networks(codec.path)])
    for quality in (0, 40, 63):
        fitted = codec.fit(picture, Setting(quality))
        assert latent.write(fitted.layer, picture.geometry(0), slow) == fitted.body
        np.testing.assert_array_equal(latent.read(fitted.body, 200, 150, slow).values, fitted.values)


def test_torch_computes_the_same_integers(codec: Miniature) -> None:
    torch = pytest.importorskip("torch")
    from limner.nets import fixed

    rng = np.random.default_rng(1)
    for network in path.networks(codec.path):
        channels = network.layers[0].weight.shape[1]
        x = rng.integers(-3000, 3001, (channels, 6, 9)).astype(np.int32)
        got = fixed.run(network, torch.from_numpy(x.astype(np.float64)))
        np.testing.assert_array_equal(got.numpy().astype(np.int32), network(x))


def test_tiles_leave_no_seam(codec: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = codec.describe(scene(640, 480))
    whole = codec.analysis.latent(codec.describe(picture.pixels).view(0), 30)
    painted = codec.synthesis.paint(whole, 30).astype(int)
    monkeypatch.setattr(analysis, "CORE", 16)
    monkeypatch.setattr(synthesis, "CORE", 12)
    np.testing.assert_allclose(codec.analysis.latent(picture.view(0), 30), whole, atol=1e-4)
    assert np.abs(codec.synthesis.paint(whole, 30).astype(int) - painted).max() <= 1


def test_a_tile_that_sees_all_is_not_taken_for_the_next(codec: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    # Rows 0..16 are the core of the first tile, its margin reaches to the end, and yet there is a second.
    picture = codec.describe(scene(320, 320))
    whole = codec.analysis.latent(codec.describe(picture.pixels).view(0), 30)
    monkeypatch.setattr(analysis, "CORE", 16)
    for _ in range(2):
        np.testing.assert_allclose(codec.analysis.latent(picture.view(0), 30), whole, atol=1e-4)


@pytest.mark.parametrize("scale", range(8))
def test_every_scale_paints_the_whole_picture(codec: Miniature, scale: int) -> None:
    picture = codec.describe(scene(123, 77))
    fitted = codec.fit(picture, Setting(40, scale))
    assert codec.render(fitted, 123, 77).shape == (77, 123, 3)


def test_rate_grows_with_quality(codec: Miniature) -> None:
    picture = codec.describe(scene(256, 192))
    sizes = [codec.fit(picture, Setting(quality)).size_bytes for quality in (0, 20, 40, 63)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.5 * sizes[0]
