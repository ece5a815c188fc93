"""Measures of a set of pictures: the distances FID and KID between what Inception sees in originals and in painted ones.

    pairs -> pieces of each picture, or the whole -> features (n, 2048) of originals and of painted -> one number

    plain      the whole picture, resized to 299x299
    patched    squares of 256 px side by side from the upper left, and once more from 128 px right and down, with one square
               less a side, as HiFiC cuts them

Both distances depend on how many pictures there are, and FID is too large with few: only numbers of the same pictures, prepared
the same way, stand in one table. Kodak's 24 are too few for the plain kind to mean much.

Sources: Heusel et al. 2017 (FID, equation 6); Binkowski et al. 2018 (KID, section 4.1); Mentzer et al. 2020 (HiFiC, appendix
A.7, the squares).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limner.bench.measures.deep import Later
from limner.bench.measures.measure import looked_up
from limner.describe.similarity import check_pair
from limner.errors import LimnerError
from limner.image import Pixels

Features = NDArray[np.float64]
Pair = tuple[Pixels, Pixels]
Cut = Callable[[Pixels], Iterator[Pixels]]

PATCH_PX, SHIFT_PX = 256, 128
SUBSETS, SUBSET_SIZE, SEED = 100, 1000, 2020
DEGREE, OFFSET = 3, 1.0
FEWEST = 2


@dataclass(frozen=True)
class SetMeasure:
    """A measure of a set of pairs. cut: a picture -> what is seen of it. distance: features of the originals and of the
    painted, (n, d) each -> the number, LimnerError where they are too few. See ``Measure`` for the rest."""

    name: str
    better: Literal[1, -1]
    parameters: str
    unit: str
    cut: Cut
    distance: Callable[[Features, Features], float]
    later: Later

    def missing(self) -> str:
        """Nothing if it can be made here, else why not and what to do."""
        return self.later.missing()

    def described(self) -> str:
        """The parameters, with the digest of the weights where they are here."""
        return self.parameters if self.missing() else f"{self.parameters}; weights sha256 {self.later.digest()}"

    def of(self, pairs: Iterable[Pair]) -> float:
        """Pairs of an original and a painted picture (h, w, 3) uint8 sRGB -> the number."""
        return self.distance(*seen(pairs, [self.cut], self.later)[self.cut])


def seen(pairs: Iterable[Pair], cuts: Iterable[Cut], later: Later) -> dict[Cut, tuple[Features, Features]]:
    """Features of what each way of cutting shows of all originals and of all painted, (n, d) each; a pair at a time."""
    found: dict[Cut, tuple[list[Features], list[Features]]] = {cut: ([], []) for cut in cuts}
    for pair in pairs:
        check_pair(*pair)
        for cut, both in found.items():
            for kept, pixels in zip(both, pair, strict=True):
                kept += [part for part in [later.it.of(cut(pixels))] if len(part)]
    return {cut: (joined(originals), joined(painted)) for cut, (originals, painted) in found.items()}


def joined(parts: Sequence[Features]) -> Features:
    return np.concatenate(parts) if parts else np.zeros((0, 0))


def whole(pixels: Pixels) -> Iterator[Pixels]:
    """The picture itself."""
    yield pixels


def patches(pixels: Pixels) -> Iterator[Pixels]:
    """Squares side by side, then those of the shifted grid, a square less a side; none of a picture that is too small."""
    rows, columns = pixels.shape[0] // PATCH_PX, pixels.shape[1] // PATCH_PX
    for shift_px, less in ((0, 0), (SHIFT_PX, 1)):
        for row in range(rows - less):
            for column in range(columns - less):
                top, left = row * PATCH_PX + shift_px, column * PATCH_PX + shift_px
                yield pixels[top : top + PATCH_PX, left : left + PATCH_PX]


def enough(originals: Features, painted: Features) -> None:
    """LimnerError unless there are two of each."""
    if min(len(originals), len(painted)) < FEWEST:
        raise LimnerError(f"there are {len(originals)} pieces of pictures to see, and {FEWEST} at least are needed")


def frechet(originals: Features, painted: Features) -> float:
    """The squared Fréchet distance of two Gaussians with the features' means and covariances (n - 1 in the denominator).

    The trace of the root of the product of two covariances A'A and B'B is the sum of the singular values of A B': exact for any
    number of pictures, where a matrix root of the product is ill conditioned.
    """
    enough(originals, painted)
    means = originals.mean(0), painted.mean(0)
    spreads = [spread(one - mean) for one, mean in zip((originals, painted), means, strict=True)]
    shared = float(np.linalg.svd(spreads[0] @ spreads[1].T, compute_uv=False).sum())
    traces = sum(float(np.square(one).sum()) for one in spreads)
    return max(0.0, float(np.square(means[0] - means[1]).sum()) + traces - 2 * shared)


def spread(centred: Features) -> Features:
    """A with A'A the covariance of centred features (n, d); at most d rows."""
    scaled = centred / np.sqrt(len(centred) - 1)
    return scaled if len(scaled) <= scaled.shape[1] else np.asarray(np.linalg.qr(scaled, mode="r"), dtype=np.float64)


def kernel_distance(originals: Features, painted: Features) -> float:
    """The squared maximum mean discrepancy with the kernel (x.y / d + 1)^3, unbiased; below 0 now and then.

    Of up to 1000 pictures all at once; of more the mean over 100 subsets of 1000, drawn as torch-fidelity 0.4 does.
    """
    enough(originals, painted)
    size = min(SUBSET_SIZE, len(originals), len(painted))
    if size == len(originals) == len(painted):
        return discrepancy(originals, painted)
    drawn = np.random.RandomState(SEED)
    found = []
    for _ in range(SUBSETS):
        one = originals[drawn.choice(len(originals), size, replace=False)]
        found.append(discrepancy(one, painted[drawn.choice(len(painted), size, replace=False)]))
    return float(np.mean(found))


def discrepancy(one: Features, two: Features) -> float:
    """The unbiased estimate from two samples of one size."""
    count = len(one)
    own = [kernel(x, x) for x in (one, two)]
    within = sum(float(x.sum() - np.trace(x)) for x in own)
    return within / (count * (count - 1)) - 2 * float(kernel(one, two).mean())


def kernel(x: Features, y: Features) -> Features:
    return np.asarray((x @ y.T / x.shape[1] + OFFSET) ** DEGREE)


def set_measures(device: str) -> tuple[SetMeasure, ...]:
    """All of this file, on a device of torch."""
    later = Later("features", device)
    eyes = (
        "limner, as torch-fidelity 0.4: Inception v3 of 2015-12-05, 2048 features, 8-bit sRGB, resized to 299x299 as "
        f"TensorFlow 1 does; {device}"
    )
    squares = f"squares of {PATCH_PX} px, two grids {SHIFT_PX} px apart, as HiFiC"
    kid = f"kernel (x.y/2048 + 1)^3, unbiased, over 1000 the mean of {SUBSETS} subsets of {SUBSET_SIZE}, seed {SEED}"
    return (
        SetMeasure("fid", -1, f"{eyes}; whole pictures", "", whole, frechet, later),
        SetMeasure("fid_patched", -1, f"{eyes}; {squares}", "", patches, frechet, later),
        SetMeasure("kid", -1, f"{eyes}; whole pictures; {kid}", "", whole, kernel_distance, later),
        SetMeasure("kid_patched", -1, f"{eyes}; {squares}; {kid}", "", patches, kernel_distance, later),
    )


def set_measured(
    pairs: Iterable[Pair], names: Iterable[str], table: Mapping[str, SetMeasure]
) -> tuple[dict[str, float], dict[str, str]]:
    """Pairs of an original and a painted picture -> the numbers by name, and why others are absent; each pair is seen once.

    LimnerError for a name that is not in the table.
    """
    wanted = looked_up(names, table)
    absent = {name: why for name, measure in wanted.items() if (why := measure.missing())}
    here = [measure for name, measure in wanted.items() if name not in absent]
    figures: dict[str, float] = {}
    if here:
        found = seen(pairs, dict.fromkeys(measure.cut for measure in here), here[0].later)
        for measure in here:
            try:
                figures[measure.name] = measure.distance(*found[measure.cut])
            except LimnerError as error:
                absent[measure.name] = str(error)
    return figures, absent
