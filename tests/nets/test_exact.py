"""Conversion of whole entropy paths: the integers say what the torch modules say, for codecs of every shape."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from limner.entropy.coder import Writer
from limner.errors import LimnerError
from limner.layers import hyperlatent, hyperpath
from limner.layers.hyperpath import HyperPath, Prior
from limner.layers.latent import Geometry, Meter

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

from limner.nets import exact  # noqa: E402
from limner.nets.cheng2020 import Cheng2020  # noqa: E402
from limner.nets.codec import Codec, Widths, chain, padded  # noqa: E402
from limner.nets.elic import Elic  # noqa: E402
from limner.nets.exact import DirectParts, Parts, RasterParts, Sample, SliceParts  # noqa: E402
from limner.nets.hyperprior import JointAutoregressive, MeanScaleHyperprior, Raster, ScaleHyperprior  # noqa: E402
from limner.nets.taco import Taco  # noqa: E402

N, M, WIDTHS = 4, 6, (2, 1, 3)
ROWS, COLUMNS = 11, 14
GEOMETRY = Geometry(16 * COLUMNS - 3, 16 * ROWS - 9, 0)


def deconv(inputs: int, outputs: int, side: int = 5, stride: int = 2) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, side, stride, side // 2, output_padding=stride - 1)


def conv(inputs: int, outputs: int, side: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, padding=side // 2)


def sub_pixel(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv(inputs, 4 * outputs), nn.PixelShuffle(2))


def mixing(inputs: int, outputs: int, activation: Callable[[], nn.Module]) -> nn.Sequential:
    """The parameter networks of all codecs: three 1 x 1 layers."""
    return nn.Sequential(conv(inputs, 9, 1), activation(), conv(9, 8, 1), activation(), conv(8, outputs, 1))


def scale_hyperprior() -> tuple[nn.Sequential, Parts]:
    return nn.Sequential(deconv(N, 5), nn.ReLU(), deconv(5, 7), nn.ReLU(), conv(7, M), nn.ReLU()), DirectParts(M)


def mean_scale_hyperprior() -> tuple[nn.Sequential, Parts]:
    return nn.Sequential(deconv(N, 5), nn.LeakyReLU(), deconv(5, 7), nn.LeakyReLU(), conv(7, 2 * M)), DirectParts(M)


def joint() -> tuple[nn.Sequential, Parts]:
    hyper, _ = mean_scale_hyperprior()
    return hyper, RasterParts(conv(M, 2 * M, 5), mixing(4 * M, 2 * M, nn.LeakyReLU))


def cheng2020() -> tuple[nn.Sequential, Parts]:
    activation = nn.LeakyReLU
    up = [conv(N, 5), activation(), sub_pixel(5, 5), activation(), conv(5, 7), activation(), sub_pixel(7, 7), activation()]
    return nn.Sequential(*up, conv(7, 2 * M)), RasterParts(conv(M, 2 * M, 5), mixing(4 * M, 2 * M, activation))


def channel(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv(inputs, 6, 5), nn.ReLU(), conv(6, 5, 5), nn.ReLU(), conv(5, outputs, 5))


def taco() -> tuple[nn.Sequential, Parts]:
    hyper = nn.Sequential(deconv(N, 5), nn.ReLU(), deconv(5, 7), nn.ReLU(), deconv(7, 2 * M, 3, 1))
    contexts = [channel(sum(WIDTHS[:k]), 2 * width) if k else None for k, width in enumerate(WIDTHS)]
    shared = [2 * M + 2 * width * bool(k) for k, width in enumerate(WIDTHS)]
    anchors = [mixing(inputs, 2 * width, nn.ReLU) for inputs, width in zip(shared, WIDTHS, strict=True)]
    others = [mixing(inputs + 2 * width, 2 * width, nn.ReLU) for inputs, width in zip(shared, WIDTHS, strict=True)]
    return hyper, SliceParts(WIDTHS, contexts, [conv(width, 2 * width, 5) for width in WIDTHS], anchors, others)


def elic() -> tuple[nn.Sequential, Parts]:
    """As TACO, with one parameter network for anchors and others."""
    hyper, parts = taco()
    assert isinstance(parts, SliceParts)
    return hyper, SliceParts(WIDTHS, parts.channel[1:], parts.local, parts.others, parts.others)


CODECS = {
    "scale hyperprior": scale_hyperprior,
    "mean-scale hyperprior": mean_scale_hyperprior,
    "joint": joint,
    "cheng2020": cheng2020,
    "taco": taco,
    "elic": elic,
}


def modules(hyper: nn.Sequential, parts: Parts) -> list[nn.Module]:
    if isinstance(parts, RasterParts):
        return [hyper, parts.masked, parts.parameters]
    if isinstance(parts, SliceParts):
        return [hyper, *filter(None, parts.channel), *parts.local, *parts.anchors, *parts.others]
    return [hyper]


def heads(hyper: nn.Sequential, parts: Parts) -> list[nn.Conv2d]:
    """The last convolutions, which give scales and means."""
    nets = [hyper]
    if isinstance(parts, RasterParts):
        nets = [parts.parameters]
    if isinstance(parts, SliceParts):
        nets = [*parts.anchors, *parts.others]
    return [[one for one in net if isinstance(one, nn.Conv2d)][-1] for net in nets]


@torch.no_grad()
def made(name: str) -> tuple[nn.Sequential, Parts]:
    """Random modules whose scales and means are as large as those of trained codecs."""
    torch.manual_seed(7)
    hyper, parts = CODECS[name]()
    for net in modules(hyper, parts):
        for tensor in net.parameters():
            tensor.mul_(1.7)
    for head in heads(hyper, parts):
        head.weight.mul_(2 if isinstance(parts, DirectParts) else 1)
        head.bias[: len(head.bias) // (1 if name == "scale hyperprior" else 2)] += 1.5
    return hyper, parts


def prior() -> Prior:
    chances = np.exp(-np.abs(np.arange(-30, 31)) * np.linspace(0.2, 0.6, N)[:, None])
    return hyperpath.prior_of(chances, -30, np.linspace(-0.4, 0.4, N))


def latents(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (N, -(-ROWS // 4), -(-COLUMNS // 4))).astype(np.float32)
    return z, rng.normal(0, 3, (M, ROWS, COLUMNS)).astype(np.float32)


@torch.no_grad()
def path_of(name: str) -> tuple[HyperPath, nn.Sequential, Parts]:
    hyper, parts = made(name)
    samples = [Sample(*(torch.from_numpy(np.rint(some))[None] for some in latents(seed))) for seed in (1, 2, 3)]
    return exact.hyperpath_of(hyper, prior(), parts, samples), hyper, parts


@torch.no_grad()
def by_torch(hyper: nn.Sequential, parts: Parts, z: Tensor, y: Tensor) -> Tensor:
    """Scales, then means, of all symbols, as a codec's forward pass has them: all positions at once from known latents."""
    features = hyper(z)[:, :, :ROWS, :COLUMNS]
    if isinstance(parts, DirectParts):
        return features
    if isinstance(parts, RasterParts):
        mask = torch.zeros(5, 5)
        mask[:2], mask[2, :2] = 1, 1
        known = nn.functional.conv2d(y, parts.masked.weight * mask, parts.masked.bias, padding=2)
        return parts.parameters(torch.cat([features, known], 1))
    return torch.cat([torch.cat(half, 1) for half in zip(*of_slices(parts, features, y), strict=True)], 1)


def of_slices(parts: SliceParts, features: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    odd = torch.from_numpy(np.indices((ROWS, COLUMNS)).sum(0) % 2)
    contexts = [None, *filter(None, parts.channel)]
    found, first = [], 0
    for k, width in enumerate(parts.widths):
        given = [features] if contexts[k] is None else [contexts[k](y[:, :first]), features]
        local = parts.local[k](y[:, first : first + width] * odd)
        padded = parts.anchors[k][0].in_channels == parts.others[k][0].in_channels
        anchors = parts.anchors[k](torch.cat([torch.zeros_like(local), *given] if padded else given, 1))
        others = parts.others[k](torch.cat([local, *given], 1))
        found.append(torch.where(odd == 1, anchors, others).chunk(2, 1))
        first += width
    return found


@pytest.mark.parametrize("name", CODECS)
def test_the_integers_say_what_torch_says(name: str) -> None:
    path, hyper, parts = path_of(name)
    z, y = latents(4)
    walked = hyperlatent.fit(y, z, GEOMETRY, path, Writer())
    z_hat = torch.from_numpy(walked.layer.hyper + path.prior.medians[:, None, None] / np.float32(64))[None].float()
    y_hat = torch.from_numpy(hyperlatent.expand(walked))[None]
    told = by_torch(hyper, parts, z_hat, y_hat)[0].numpy()
    sigma = np.maximum(told[:M], exact.LEAST_SCALE)
    index = 6 * np.log2(sigma / 0.04)
    # A table is a sixth of an octave; a seventh fraction bit of the scale, where it is small, is half a table.
    assert np.abs(walked.index - index).max() < 1.6 and np.abs(walked.index - index).mean() < 0.4
    mean = (walked.values - (walked.layer.symbols.astype(np.int32) << 6)) / 64
    expected = told[M:] if len(told) == 2 * M else np.zeros_like(sigma)
    assert np.abs(mean - expected).max() < 0.1 and np.abs(mean - expected).mean() < 0.02
    assert sigma.std() > 0.2 and (name == "scale hyperprior" or expected.std() > 0.2)


@pytest.mark.parametrize("name", CODECS)
def test_the_rate_is_that_of_the_floats(name: str) -> None:
    path, hyper, parts = path_of(name)
    z, _ = latents(5)
    z_hat = torch.from_numpy(np.rint(z - path.prior.medians[:, None, None] / 64) + path.prior.medians[:, None, None] / 64)
    y = drawn(hyper, parts, z_hat[None].float())
    meter = Meter()
    walked = hyperlatent.fit(y, z, GEOMETRY, path, meter)
    hyper_bits = sum(table.bits(some) for table, some in zip(path.prior.tables, walked.layer.hyper, strict=True))
    y_hat = torch.from_numpy(hyperlatent.expand(walked))[None]
    ideal = information(by_torch(hyper, parts, z_hat[None].float(), y_hat)[0].numpy(), y)
    assert meter.bits - hyper_bits - 3 == pytest.approx(ideal, rel=0.01)


@torch.no_grad()
def drawn(hyper: nn.Sequential, parts: Parts, z_hat: Tensor) -> np.ndarray:
    """A latent that the codec expects: drawn under its own scales and means, those of a latent of means."""
    y = torch.zeros(1, M, ROWS, COLUMNS)
    told = by_torch(hyper, parts, z_hat, y)
    mean = told[:, M:] if told.shape[1] == 2 * M else torch.zeros_like(y)
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    return (mean + told[:, :M].clamp_min(exact.LEAST_SCALE) * noise).numpy()[0]


def information(told: np.ndarray, y: np.ndarray) -> float:
    """Bits of y's distance from the means, rounded, under Gaussians of exactly these scales."""
    sigma = torch.from_numpy(np.maximum(told[:M], exact.LEAST_SCALE)).double()
    mean = told[M:] if len(told) == 2 * M else np.zeros_like(y)
    distance = torch.from_numpy(np.rint(y - mean)).double().abs()
    chance = torch.special.ndtr((0.5 - distance) / sigma) - torch.special.ndtr((-0.5 - distance) / sigma)
    return float(-torch.log2(chance.clamp_min(2.0**-24)).sum())


@pytest.mark.parametrize("name", CODECS)
def test_files_are_read_again(name: str) -> None:
    path, _, _ = path_of(name)
    z, y = latents(6)
    writer = Writer()
    walked = hyperlatent.fit(y, z, GEOMETRY, path, writer)
    again = hyperpath.load(hyperpath.dump(path))
    got = hyperlatent.read(writer.finish(), GEOMETRY.width_px, GEOMETRY.height_px, exact.on_torch(again))
    assert got.layer == walked.layer


SMALL = Widths(8, M)
OURS: dict[str, Callable[[], Codec]] = {
    "scale hyperprior": lambda: ScaleHyperprior(SMALL),
    "mean-scale hyperprior": lambda: MeanScaleHyperprior(SMALL),
    "joint": lambda: JointAutoregressive(SMALL),
    "cheng2020": lambda: Cheng2020(M),
    "elic": lambda: Elic(SMALL, WIDTHS),
    "taco": lambda: Taco(SMALL, WIDTHS, 16),
}


def parts_of(codec: Codec) -> Parts:
    if isinstance(codec, Raster):
        return RasterParts(codec.context_prediction, codec.entropy_parameters)
    if not isinstance(codec, Elic):
        return DirectParts(M)
    nets = (codec.channel_context, codec.entropy_parameters_anchor, codec.entropy_parameters_nonanchor)
    channel, anchors, others = ([chain(net) for net in some] for some in nets)
    return SliceParts(codec.slices, channel[1:], list(codec.local_context), anchors, others)


@pytest.mark.parametrize("name", OURS)
@torch.no_grad()
def test_our_codecs_are_converted(name: str) -> None:
    torch.manual_seed(2)
    codec = OURS[name]().eval()
    medians = torch.linspace(-0.4, 0.4, len(codec.entropy_bottleneck.quantiles))
    codec.entropy_bottleneck.quantiles[:, 0, 1] = medians
    text = torch.randn(1, 5, 16) if name == "taco" else None
    latents = [codec.analysis(padded(torch.rand(1, 3, GEOMETRY.height_px, GEOMETRY.width_px)), text) for _ in range(3)]
    hypers = [codec.entropy_bottleneck.quantised(codec.hyper_analysis(y)) for y in latents]
    told = codec.entropy_bottleneck.prior(-9, 9)
    samples = [Sample(z, y) for z, y in zip(hypers, latents, strict=True)]
    path = exact.hyperpath_of(chain(codec.h_s), hyperpath.prior_of(told.mass, told.low, told.median), parts_of(codec), samples)

    y = latents[0]
    walked = hyperlatent.fit(y[0].numpy(), codec.hyper_analysis(y)[0].numpy(), GEOMETRY, path, Writer())
    features, y_hat = codec.hyper_synthesis(hypers[0], ROWS, COLUMNS), torch.from_numpy(hyperlatent.expand(walked))[None]
    found = codec.context(features, y_hat)
    scale, mean = codec.predict(features, y_hat) if isinstance(codec, Raster) else (found.scale, found.mean)
    index = 6 * np.log2(scale[0].clamp_min(exact.LEAST_SCALE).numpy() / 0.04)
    assert np.abs(walked.index - index).max() < 1.6
    told_mean = (walked.values - (walked.layer.symbols.astype(np.int32) << 6)) / 64
    assert np.abs(told_mean - mean[0].numpy()).max() < 0.03
    assert float((y_hat - y).abs().max()) <= 0.5 + 1e-3


@pytest.mark.parametrize(
    ("side", "stride", "padding", "more"), [(5, 2, 2, 1), (3, 1, 1, 0), (4, 2, 1, 0), (6, 4, 1, 0), (3, 2, 1, 1)]
)
@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_is_a_sub_pixel_one(side: int, stride: int, padding: int, more: int, bias: bool) -> None:
    torch.manual_seed(1)
    module = nn.ConvTranspose2d(3, 2, side, stride, padding, more, bias=bias).double()
    x = torch.randn(1, 3, 4, 5).double()
    torch.testing.assert_close(exact.subpixel(module)(x), module(x))


def test_what_cannot_be_converted_is_refused() -> None:
    hyper, parts = made("taco")
    assert isinstance(parts, SliceParts)
    sample = Sample(*(torch.from_numpy(some)[None] for some in latents(1)))
    with pytest.raises(LimnerError, match="at least one"):
        exact.hyperpath_of(hyper, prior(), parts, [])
    with pytest.raises(LimnerError, match="every slice"):
        exact.hyperpath_of(
            hyper, prior(), SliceParts(WIDTHS, parts.channel, parts.local[1:], parts.anchors, parts.others), [sample]
        )
    small = SliceParts(WIDTHS, parts.channel, [conv(width, 2 * width, 3) for width in WIDTHS], parts.anchors, parts.others)
    with pytest.raises(LimnerError, match="5 x 5"):
        exact.hyperpath_of(hyper, prior(), small, [sample])
    uneven = nn.Sequential(nn.ConvTranspose2d(N, 2 * M, 5, 4))
    with pytest.raises(LimnerError, match="exactly"):
        exact.hyperpath_of(uneven, prior(), DirectParts(M), [sample])
    smooth = nn.Sequential(deconv(N, M), nn.GELU(), deconv(M, 2 * M))
    with pytest.raises(LimnerError, match="GELU"):
        exact.hyperpath_of(smooth, prior(), DirectParts(M), [sample])
    with pytest.raises(LimnerError, match="each channel"):
        exact.hyperpath_of(nn.Sequential(deconv(N, M), deconv(M, 3 * M)), prior(), DirectParts(M), [sample])


def test_the_least_scale_of_a_codec_is_kept() -> None:
    hyper, parts = made("scale hyperprior")
    sample = Sample(*(torch.from_numpy(some)[None] for some in latents(1)))
    least = [
        exact.hyperpath_of(hyper, prior(), parts, [sample], scale).split(np.zeros((1, 1), np.int32), 1) for scale in (0.04, 0.2)
    ]
    assert [found.index.item() for found in least] == [0, 14]
