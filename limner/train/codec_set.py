"""A learned codec -> a set of weights for ``limner.systems.taco``: integers for its entropy path, ONNX for its transforms.

    codec, a few pictures --> latents as a decoder has them --> exact.hyperpath_of --> entropy.npz
                        |
                        +--> analysis.onnx (with text if it reads words), hyper_analysis.onnx, synthesis.onnx

Whose codec it was makes no difference: one trained here, or a published state (``limner.nets.published``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.describe import texts
from limner.describe.edges import EdgeNet
from limner.errors import LimnerError
from limner.layers import hyperpath
from limner.layers.hyperpath import HyperPath, Prior, prior_of
from limner.nets import exact, published
from limner.nets.bottleneck import EntropyBottleneck
from limner.nets.codec import Codec, chain, padded
from limner.nets.elic import Elic
from limner.nets.exact import DirectParts, Parts, RasterParts, Sample, SliceParts
from limner.nets.hyperprior import Raster
from limner.nets.taco import Taco
from limner.nets.wordids import rows_of
from limner.nets.words import WordEncoder
from limner.systems import sketches, taco
from limner.train import photos
from limner.train.onnx_file import write_graph, write_onnx
from limner.weights import write_manifest

LEAST_MASS = 2.0**-16  # hyper symbols that are rarer than this in every channel are not written
WIDEST = 127


@dataclass(frozen=True, eq=False)
class Words:
    """What an encoder reads: vectors (1, n, t) of an empty text, and who makes them: a name of ``limner.describe.texts``, or a
    word encoder, which then lies with the weights."""

    empty: Tensor
    reads: str = ""
    encoder: WordEncoder | None = None


class Analysis(nn.Module):
    """Picture (1 c h w, 0..1; sides multiples of 16) -> y."""

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, x: Tensor) -> Tensor:
        return self.codec.analysis(x)


class ReadingAnalysis(Analysis):
    """The same with text (1 n t)."""

    def forward(self, x: Tensor, text: Tensor) -> Tensor:  # type: ignore[override]
        return self.codec.analysis(x, text)


class HyperAnalysis(nn.Module):
    """y (1 M h w) -> z."""

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, x: Tensor) -> Tensor:
        return self.codec.hyper_analysis(x)


class Synthesis(nn.Module):
    """y as decoded (1 M h w) -> picture (1 c 16h 16w), 0..1 but not clipped."""

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, x: Tensor) -> Tensor:
        return self.codec.synthesis(x)


@torch.no_grad()
def samples_of(codec: Codec, pictures: Sequence[NDArray[np.uint8]], text: Tensor | None = None) -> list[Sample]:
    """Latents of pictures (h, w, 3) as their decoder has them."""
    found = []
    for pixels in pictures:
        x = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)[None]
        y = codec.analysis(padded(x[:, : codec.widths.picture]), text)
        z_hat = codec.entropy_bottleneck.quantised(codec.hyper_analysis(y))
        features = codec.hyper_synthesis(z_hat, y.shape[2], y.shape[3])
        found.append(Sample(z_hat, codec.context(features, y).y_hat))
    return found


def path_of(codec: Codec, samples: Sequence[Sample]) -> HyperPath:
    """The codec's entropy path in exact integers."""
    return exact.hyperpath_of(chain(codec.h_s), prior(codec.entropy_bottleneck), parts_of(codec), samples)


def parts_of(codec: Codec) -> Parts:
    """The modules of a codec's context."""
    if isinstance(codec, Elic):
        earlier = [chain(net) if place else None for place, net in enumerate(codec.channel_context)]
        local = [net for net in codec.local_context if isinstance(net, nn.Conv2d)]
        anchors, others = (
            [chain(net) for net in part] for part in (codec.entropy_parameters_anchor, codec.entropy_parameters_nonanchor)
        )
        return SliceParts(codec.slices, earlier, local, anchors, others)
    if isinstance(codec, Raster):
        return RasterParts(codec.context_prediction, chain(codec.entropy_parameters))
    return DirectParts(codec.widths.latent)


def prior(bottleneck: EntropyBottleneck) -> Prior:
    """Integer tables of hyper symbols: as many as are worth having."""
    whole = bottleneck.prior(-WIDEST, WIDEST)
    worth = np.flatnonzero((whole.mass >= LEAST_MASS).any(0)) - WIDEST
    most = max(1, -int(worth.min()), int(worth.max()))
    found = bottleneck.prior(-most, most)
    return prior_of(found.mass, found.low, found.median)


def write_set(codec: Codec, pictures: Sequence[NDArray[np.uint8]], folder: Path, name: str, words: Words | None = None) -> None:
    """Write a set; of a codec of grey pictures for sketches. ``pictures`` (h, w, 3) show how large activations get. LimnerError
    for a codec that reads words it is not given, or whose pictures are of no such kind."""
    channels = codec.widths.picture
    if channels not in (1, 3):
        raise LimnerError(f"a codec of pictures with {channels} channels codes neither photographs nor sketches")
    if isinstance(codec, Taco) != (words is not None):
        raise LimnerError("TACO reads words, the others do not: say who reads them where it is TACO, and only there")
    folder.mkdir(parents=True, exist_ok=True)
    codec = codec.eval().cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    samples = samples_of(codec, pictures, None if words is None else words.empty)
    (folder / "entropy.npz").write_bytes(hyperpath.dump(path_of(codec, samples)))
    latent = codec.widths.latent
    if words is None:
        write_onnx(Analysis(codec), channels, 16, folder / "analysis.onnx")
    else:
        size = words.empty.shape[1], words.empty.shape[2]
        write_onnx(ReadingAnalysis(codec), 3, 16, folder / "analysis.onnx", size)
    write_onnx(HyperAnalysis(codec), latent, 1, folder / "hyper_analysis.onnx")
    write_onnx(Synthesis(codec), latent, 1, folder / "synthesis.onnx")
    others: tuple[str, ...] = taco.ENCODING
    if words is not None and words.encoder is not None:
        write_graph(words.encoder, {"ids": torch.tensor(rows_of([""]))}, {"ids": None}, folder / taco.WORDS)
        others = (*others, taco.WORDS)
    reads = "" if words is None or words.encoder is not None else words.reads
    system = taco.NAME if channels == 3 else sketches.NAME
    write_manifest(folder, name, taco.DECODING, others, system=system, reads=reads)


def convert(checkpoint: Path, data: Path, folder: Path, name: str, reads: str, count: int = 8, *, settled: bool = True) -> None:
    """Write a set of a published state, or of a run here, calibrated on a few held-out pictures of ``data``, or on their edges.

    ``reads``: who reads words, as ``limner.describe.texts`` takes it, if the state is of TACO. ``settled``: whether the medians
    of its prior are where they belong; those of a run here are put there first. MissingError for what is no state of a codec
    that is known.
    """
    codec = published.load(checkpoint)
    if not settled:
        codec.entropy_bottleneck.settle()
    words = words_of(reads) if isinstance(codec, Taco) else None
    pictures = photos.load(data).held_out[:count]
    if codec.widths.picture == 1:
        pictures = [sketches.grey(EdgeNet().edges(one)) for one in pictures]
    write_set(codec, pictures, folder, name, words)


def words_of(reads: str) -> Words:
    """Who reads words. A word encoder in a file goes with the weights."""
    empty = texts.opened(reads).of([""])
    if reads in (texts.CLIP, texts.MINILM):
        return Words(empty, reads)
    encoder = WordEncoder()
    encoder.load_state_dict(torch.load(reads, weights_only=True, map_location="cpu"))
    return Words(empty, encoder=encoder.eval())
