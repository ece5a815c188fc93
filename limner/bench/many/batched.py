"""Whether batches inside onnxruntime are faster: miniature's networks on several equal pictures at once, on one thread.

The networks in the package take one picture. Copies of them that take any number are made here, and held against the originals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner import api, image, transform
from limner.bench.load import TARGET_BYTES
from limner.bench.many.loop import DECODE, ENCODE
from limner.bench.speed.clock import ANALYSIS, SYNTHESIS, Clock
from limner.bench.speed.watched import WatchedMiniature
from limner.container.blob import unpack
from limner.errors import LimnerError
from limner.extras import need
from limner.layers.latent import LATENT_PX
from limner.weights import packaged

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]
SIZES = (1, 2, 4, 8, 16)
TURNS = 15
TOLERANCE = 1e-3
"""Of values that are 1 and 255 at most."""
QUALITY = 20


@dataclass(frozen=True)
class Network:
    """A file of weights, and who runs it. ``channels`` of its input; ``finer``: positions of that in the side of a latent's."""

    file: str
    verb: str
    channels: int
    finer: int


NETWORKS = (
    Network("stem.onnx", ENCODE, 3, LATENT_PX),
    Network("analysis.onnx", ENCODE, 128, 2),
    Network("hyper_analysis.onnx", ENCODE, 64, 1),
    Network("synthesis.onnx", DECODE, 64, 1),
)


@dataclass(frozen=True)
class Batched:
    """``milliseconds``: of one picture, the least of some turns, by the size of the batch."""

    network: Network
    side_px: int
    milliseconds: Mapping[int, float]

    @property
    def gain(self) -> float:
        return gain([self])


def gain(batches: Sequence[Batched]) -> float:
    """What part of the time of some networks the best size of a batch saves; below 0: it takes more."""
    together = {size: sum(one.milliseconds[size] for one in batches) for size in batches[0].milliseconds}
    return 1 - min(value for size, value in together.items() if size > 1) / together[1]


@dataclass(frozen=True)
class Share:
    """What part of the time of one picture its networks take, which is the most that any batch could save."""

    verb: str
    side_px: int
    milliseconds: float
    networks: float

    def saved(self, batches: Sequence[Batched]) -> float:
        """What part of the time of one picture the best size of a batch would save."""
        mine = [one for one in batches if (one.network.verb, one.side_px) == (self.verb, self.side_px)]
        return self.networks * gain(mine) if mine else 0.0


def measured(side_px: int, turns: int, sizes: Sequence[int] = SIZES) -> list[Batched]:
    """Each network at each size of a batch, in turns. Raises LimnerError if a batch gives anything else."""
    return [_measured(network, side_px, turns, sizes) for network in NETWORKS]


def _measured(network: Network, side_px: int, turns: int, sizes: Sequence[int]) -> Batched:
    data = packaged("miniature").read(network.file)
    one, several = transform.session(data), transform.session(for_batches(data))
    side = side_px // LATENT_PX * network.finer
    x = np.random.default_rng(0).random((max(sizes), network.channels, side, side), np.float32)
    check(several, one, x)
    least: dict[int, float] = {}
    for _ in range(turns):
        for size in sizes:
            start = time.perf_counter()
            # As many pictures at every size: a batch of one has no advantage of a small memory.
            for first in range(0, max(sizes), size):
                values(several, x[first : first + size])
            taken_ms = 1000 * (time.perf_counter() - start) / max(sizes)
            least[size] = min(taken_ms, least.get(size, taken_ms))
    return Batched(network, side_px, least)


def check(several: onnxruntime.InferenceSession, one: onnxruntime.InferenceSession, x: Floats) -> None:
    alone = np.concatenate([values(one, x[number : number + 1]) for number in range(len(x))])
    difference = float(np.abs(values(several, x) - alone).max())
    if difference > TOLERANCE:
        raise LimnerError(f"a batch differs from its pictures alone by {difference}")


def values(network: onnxruntime.InferenceSession, x: Floats) -> Floats:
    quality = {"quality": np.array([QUALITY], np.int64)} if len(network.get_inputs()) > 1 else {}
    (y,) = network.run(None, {"x": x, **quality})
    return np.asarray(y, np.float32)


def for_batches(data: bytes) -> bytes:
    """A network of one picture as one of any number: shapes that are written for one get the number from the input."""
    onnx = need("onnx", extra="train")
    model = onnx.load_from_string(data)
    graph = model.graph
    for value in (*graph.input, *graph.output):
        if value.name != "quality":
            value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]
    ones = {one.name for one in graph.initializer if onnx.numpy_helper.to_array(one).tolist() == [1]}
    shapes = {node.input[1] for node in graph.node if node.op_type in ("Reshape", "Expand")}
    for node in graph.node:
        if node.op_type == "Concat" and node.output[0] in shapes and node.input[0] in ones:
            node.input[0] = "number"
    graph.node.insert(0, onnx.helper.make_node("Shape", ["x"], ["number"], start=0, end=1))
    return bytes(model.SerializeToString())


def of_square(pixels: image.Pixels) -> tuple[list[Batched], list[Share]]:
    """Everything at the size of a picture."""
    return measured(len(pixels), TURNS), shares(pixels, TURNS)


def shares(pixels: image.Pixels, turns: int) -> list[Share]:
    """Of one picture, to be encoded and decoded again and again in this process."""
    clock = Clock()
    codec = WatchedMiniature(packaged("miniature"), clock)
    blob = unpack(api.encode(pixels, target_bytes=TARGET_BYTES))
    height_px, width_px = pixels.shape[:2]
    verbs: Mapping[str, Callable[[], object]] = {
        ENCODE: lambda: api.fit(codec, pixels, TARGET_BYTES, None, False),
        DECODE: lambda: codec.render(codec.read(blob), width_px, height_px),
    }
    found = []
    for verb, action in verbs.items():
        action()
        clock.taken()
        taken = []
        for _ in range(turns):
            action()
            spans = clock.taken()
            networks_s = sum(spans[name].wall_s for name in (ANALYSIS, SYNTHESIS) if name in spans)
            taken.append((sum(span.wall_s for span in spans.values()), networks_s))
        whole_s, networks_s = min(taken)
        found.append(Share(verb, width_px, 1000 * whole_s, networks_s / whole_s))
    return found
