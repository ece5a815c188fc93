"""``python -m limner.bench.edges``: outlines held against those that people drew, on BSDS500's test pictures.

    photograph -> detector -> lines at every threshold -> one-to-one matching with the drawings -> precision, recall, F -> page

ODS takes one threshold for all pictures, OIS the best for each (Martin, Fowlkes and Malik 2004; Arbelaez et al. 2011). A pixel
of a line and one of a drawing may be matched if they are at most 0.0075 of the diagonal apart.

The drawings at hand are the mean over a picture's annotators, from which the votes of each pixel follow but not whose they are.
So every vote wants a match, and a pixel of a line serves at most as many votes as there are annotators; for precision it needs
one. With the drawings apart it would serve at most one vote of each annotator: recall here is an upper bound of that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow
from scipy.spatial import cKDTree
from skimage import morphology

from limner.bench.rows import number, table, write_page
from limner.describe.edges import EdgeDetector, EdgeNet, ridges
from limner.describe.hed import Hed
from limner.errors import MissingError
from limner.train import boundaries
from limner.train.boundaries import Drawn, annotators

Lines = NDArray[np.bool_]
Drawer = Callable[[NDArray[np.uint8], Sequence[float]], list[Lines]]
"""pixels (h, w, 3) and thresholds 0..1 -> lines (h, w) at each of them."""

REACH = 0.0075  # of the diagonal
CANNY_SIGMA_PX = 2.0
CANNY_LOW = 0.4  # of the upper threshold
CANNY_FULL = 400.0  # Canny's gradient where the threshold is 1


@dataclass(frozen=True)
class Counts:
    """Votes that were matched, all votes, pixels of lines that were matched, all pixels of lines."""

    votes_met: int = 0
    votes: int = 0
    lines_right: int = 0
    lines: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.votes_met + other.votes_met,
            self.votes + other.votes,
            self.lines_right + other.lines_right,
            self.lines + other.lines,
        )

    @property
    def recall(self) -> float:
        return self.votes_met / self.votes if self.votes else 0.0

    @property
    def precision(self) -> float:
        return self.lines_right / self.lines if self.lines else 0.0

    @property
    def f(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def matched(lines: Lines, votes: NDArray[np.int64], most: int) -> Counts:
    """Lines (h, w) against votes (h, w); a pixel of a line serves at most ``most`` votes."""
    drawn, wanted = np.argwhere(lines), np.argwhere(votes)
    total = int(votes.sum())
    if not len(drawn) or not len(wanted):
        return Counts(votes=total, lines=len(drawn))
    reach_px = REACH * float(np.hypot(*lines.shape))
    near = cKDTree(drawn).sparse_distance_matrix(cKDTree(wanted), reach_px, output_type="coo_matrix")
    flow = partial(flow_through, near.row, near.col, len(drawn), votes[votes > 0])
    return Counts(flow(most), total, flow(1), len(drawn))


def flow_through(rows: NDArray[np.int32], columns: NDArray[np.int32], lines: int, votes: NDArray[np.int64], most: int) -> int:
    """The largest flow from pixels of lines, ``most`` out of each, to drawn pixels, their votes into each."""
    source, sink = lines + len(votes), lines + len(votes) + 1
    begin = np.concatenate([np.full(lines, source), rows, lines + np.arange(len(votes))])
    end = np.concatenate([np.arange(lines), lines + columns, np.full(len(votes), sink)])
    capacity = np.concatenate([np.full(lines + len(rows), most), votes]).astype(np.int32)
    graph = csr_matrix((capacity, (begin, end)), shape=(sink + 1, sink + 1))
    return int(maximum_flow(graph, source, sink, method="dinic").flow_value)


def canny(pixels: NDArray[np.uint8], thresholds: Sequence[float]) -> list[Lines]:
    """Canny's lines at upper thresholds, the lower ones a part of them."""
    grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (0, 0), CANNY_SIGMA_PX)
    found = (cv2.Canny(grey, CANNY_LOW * CANNY_FULL * t, CANNY_FULL * t, L2gradient=True) for t in thresholds)
    return [lines > 0 for lines in found]


def thresholded(detector: EdgeDetector, pixels: NDArray[np.uint8], thresholds: Sequence[float]) -> list[Lines]:
    """The crests of a soft map over thresholds, a pixel wide."""
    crests = ridges(detector.edges(pixels))
    found: list[Lines] = [
        morphology.thin(crests >= threshold)  # type: ignore[no-untyped-call]
        for threshold in thresholds
    ]
    return found


DRAWERS: dict[str, Callable[[], Drawer]] = {
    "Canny": lambda: canny,
    "edge net of the package": lambda: partial(thresholded, EdgeNet()),
    "HED (ControlNet)": lambda: partial(thresholded, opened(Hed())),
    "HED (BSDS500)": lambda: partial(thresholded, opened(Hed("hed-bsds500"))),
}


def opened(detector: Hed) -> Hed:
    """A detector whose weights are here. MissingError."""
    _ = detector.net
    return detector


@cache
def drawer(name: str) -> Drawer:
    """A detector, opened once in a process."""
    return DRAWERS[name]()


def judged(name: str, thresholds: Sequence[float], one: Drawn) -> list[Counts]:
    """Counts of a picture at every threshold."""
    most = annotators(one.share)
    return [matched(lines, one.votes, most) for lines in drawer(name)(one.pixels, thresholds)]


@dataclass(frozen=True)
class Score:
    """What a detector reaches: F, precision and recall at the best common threshold, F at each picture's best."""

    threshold: float
    common: Counts
    each: Counts


def score(counts: Sequence[Sequence[Counts]], thresholds: Sequence[float]) -> Score:
    """The two F of pictures' counts."""
    sums = [sum(column, Counts()) for column in zip(*counts, strict=True)]
    best = max(range(len(sums)), key=lambda k: sums[k].f)
    return Score(thresholds[best], sums[best], sum((max(one, key=lambda c: c.f) for one in counts), Counts()))


def page(scores: dict[str, Score], absent: Sequence[str], pictures: int, thresholds: int, command: str) -> str:
    head = ["detector", "ODS F", "OIS F", "precision", "recall", "at threshold"]
    lines = [
        [name, *(number(x, 3) for x in (s.common.f, s.each.f, s.common.precision, s.common.recall)), number(s.threshold, 2)]
        for name, s in scores.items()
    ]
    missing = [f"Not measured, for want of weights: {', '.join(absent)}.\n"] if absent else []
    return "\n".join(
        [
            "# Outlines that people would draw\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"BSDS500's {pictures} test pictures, {thresholds} thresholds, one-to-one matching within {REACH:g} of a picture's",
            "diagonal. Precision and recall are those of the common threshold. The drawings at hand are means over a picture's",
            "annotators: a pixel of a line serves at most as many votes as there are annotators, but whose votes they are is",
            "unknown. Recall, and so F, is an upper bound of what separate drawings give.\n",
            table(head, lines),
            *missing,
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``edges.md``: how well outlines agree with those that people drew."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.edges", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="folder with boundaries.tar")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for edges.md")
    parser.add_argument("--part", choices=boundaries.PARTS, default="test")
    parser.add_argument("--count", type=int, default=0, help="of pictures, 0 for all")
    parser.add_argument("--thresholds", type=int, default=49)
    parser.add_argument("-j", "--jobs", type=int, default=1, help="how many processes")
    options = parser.parse_args(argv)
    drawn = boundaries.load(options.data, options.part)
    drawn = drawn[: options.count or None]
    thresholds = [(k + 1) / (options.thresholds + 1) for k in range(options.thresholds)]
    scores: dict[str, Score] = {}
    absent = []
    for name in DRAWERS:
        try:
            drawer(name)
        except MissingError:
            absent.append(name)
            continue
        scores[name] = score(all_judged(name, thresholds, drawn, options.jobs), thresholds)
        print(f"{name}: ODS {scores[name].common.f:.3f}", file=sys.stderr, flush=True)
    found = page(scores, absent, len(drawn), len(thresholds), "python -m limner.bench.edges --data PATH")
    write_page(options.out / "edges.md", found)
    sys.stdout.write(found)
    return 0


def all_judged(name: str, thresholds: Sequence[float], drawn: Sequence[Drawn], jobs: int) -> list[list[Counts]]:
    work = partial(judged, name, thresholds)
    if jobs == 1:
        return list(map(work, drawn))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        return list(executor.map(work, drawn))


if __name__ == "__main__":
    sys.exit(main())
