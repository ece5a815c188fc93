"""Counters of what a picture no longer says: writing that reads otherwise, things that are not found any more.

    ocr_cer, ocr_wer    what the program tesseract reads in both pictures
    things_lost         what a detector finds by the names that somebody told

What is read or found in the original is taken for true. Where that is nothing, there is nothing to lose, and the measure is
absent: reading a photograph without writing yields noise.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from typing import Any, cast

import numpy as np
from PIL import Image

from limner.bench.measures.measure import Measure, openable
from limner.describe import grounding
from limner.describe.similarity import check_pair
from limner.describe.things import Detector
from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.image import Pixels
from limner.weights import published

TESSERACT = "tesseract"
LANGUAGE = "eng"
SPARSE = "11"  # tesseract's way of looking for text anywhere on a page
LEAST_CONFIDENCE = 80.0
LEAST_SIGNS = 3  # of a word that counts
TIMEOUT_S = 600
DETECTOR = "grounding-dino"


def missing_tesseract() -> str:
    """Nothing if the program is installed, else what to do."""
    return "" if shutil.which(TESSERACT) else f"the program {TESSERACT} is not installed: Debian has it in tesseract-ocr"


def words_in(pixels: Pixels) -> tuple[str, ...]:
    """The words that tesseract is sure of in a picture, in its order. MissingError without it, LimnerError if it fails."""
    return _words_in(pixels.tobytes(), (pixels.shape[1], pixels.shape[0]))


# The original is asked for again with every painted one, and twice for two rates.
@lru_cache(maxsize=4)
def _words_in(data: bytes, size_px: tuple[int, int]) -> tuple[str, ...]:
    if why := missing_tesseract():
        raise MissingError(why)
    shown = io.BytesIO()
    Image.frombytes("RGB", size_px, data).save(shown, "PNG", compress_level=1)
    command = [TESSERACT, "stdin", "stdout", "-l", LANGUAGE, "--psm", SPARSE, "tsv"]
    # With several threads on a small picture it takes a hundred times as long.
    alone = os.environ | {"OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(command, input=shown.getvalue(), capture_output=True, timeout=TIMEOUT_S, check=False, env=alone)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LimnerError(f"{TESSERACT} cannot be run: {error}") from error
    if done.returncode:
        raise LimnerError(f"{TESSERACT} failed (exit code {done.returncode}): {done.stderr.decode(errors='replace')[-300:]}")
    return tuple(sure(done.stdout.decode("utf-8", "replace")))


def sure(table: str) -> list[str]:
    """tesseract's table -> its words with a confidence of at least 80 and three letters or digits, nothing else counted."""
    head, *lines = table.splitlines() or [""]
    columns = {name: place for place, name in enumerate(head.split("\t"))}
    if not {"conf", "text"} <= columns.keys():
        raise LimnerError(f"{TESSERACT} wrote no table of words: {head[:100]!r}")
    found = []
    for line in lines:
        cells = line.split("\t")
        if len(cells) == len(columns) and float(cells[columns["conf"]]) >= LEAST_CONFIDENCE:
            word = "".join(sign for sign in cells[columns["text"]] if sign.isalnum())
            found += [word] if len(word) >= LEAST_SIGNS else []
    return found


def error_rate(said: Sequence[str], read: Sequence[str]) -> float:
    """Signs or words that were changed, lost or added, in parts of what was said; over 1 where much was added.

    LimnerError where nothing was said.
    """
    if not said:
        raise LimnerError("no writing is read in the original")
    row = list(range(len(read) + 1))
    for done, sign in enumerate(said, 1):
        above, row = row, [done]
        for place, other in enumerate(read):
            row.append(min(row[-1] + 1, above[place + 1] + 1, above[place] + (sign != other)))
    return row[-1] / len(said)


def cer(original: Pixels, painted: Pixels) -> float:
    """Error rate of signs, words parted by one space. LimnerError where no writing is read in the original."""
    check_pair(original, painted)
    return error_rate(" ".join(words_in(original)), " ".join(words_in(painted)))


def wer(original: Pixels, painted: Pixels) -> float:
    """Error rate of words. LimnerError where no writing is read in the original."""
    check_pair(original, painted)
    return error_rate(words_in(original), words_in(painted))


@dataclass(frozen=True, eq=False)
class Finder:
    """Whoever finds things by their names, opened at the first use."""

    device: str
    weights: str = DETECTOR

    @cached_property
    def detector(self) -> Detector:
        """MissingError if weights or packages are not here."""
        need("torch", extra="diffusion")
        published(self.weights)
        found: Any = grounding.detector(self.weights, self.device)
        try:
            _ = found.parts  # opens it
        except (OSError, ValueError, RuntimeError) as error:
            raise MissingError(f"{self.weights}: no usable detector ({' '.join(str(error).split())[:200]})") from error
        opened: Detector = found
        return opened

    def digest(self) -> str:
        """Of its tensors."""
        model, _ = cast(Any, self.detector).parts
        return str(import_module("limner.bench.measures.nets").digest_of(model))

    def found(self, pixels: Pixels, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the names of which something is in a picture."""
        boxes = self.detector.boxes(pixels, names)
        return tuple(name for name, box in zip(names, boxes, strict=True) if box is not None)

    @cached_property
    def found_in(self) -> Callable[[bytes, tuple[int, ...], tuple[str, ...]], tuple[str, ...]]:
        """``found`` of an original's bytes, shape and names, remembered: it is asked for with every painted one."""
        return lru_cache(maxsize=2)(
            lambda data, shape, names: self.found(np.frombuffer(data, np.uint8).reshape(shape).copy(), names)
        )

    def lost(self, original: Pixels, painted: Pixels, names: tuple[str, ...]) -> float:
        """How many of the things found in the original are not in the painted. LimnerError where none is found in it."""
        check_pair(original, painted)
        here = self.found_in(original.tobytes(), original.shape, names)
        if not here:
            raise LimnerError("none of the things that are told is found in the original")
        return float(len(here) - len(self.found(painted, here)))


OCR = (
    f"program {TESSERACT}, -l {LANGUAGE} --psm {SPARSE}; words of a confidence of at least {LEAST_CONFIDENCE:g} and "
    f"{LEAST_SIGNS} letters or digits, nothing else counted; against what is read in the original"
)


def semantic_measures(device: str) -> tuple[Measure, ...]:
    """All of this file, the detector on a device of torch."""
    finder = Finder(device)
    return (
        Measure(
            "ocr_cer",
            -1,
            f"{OCR}; edits of signs in parts of them",
            "",
            lambda original, painted, told: cer(original, painted),
            missing_tesseract,
        ),
        Measure(
            "ocr_wer",
            -1,
            f"{OCR}; edits of words in parts of them",
            "",
            lambda original, painted, told: wer(original, painted),
            missing_tesseract,
        ),
        Measure(
            "things_lost",
            -1,
            f"limner.describe.grounding with {DETECTOR}: things found by their names in the original, anywhere, and not in the "
            f"painted; {device}",
            "things",
            lambda original, painted, told: finder.lost(original, painted, told.things),
            openable(lambda: finder.detector),
            needs="things",
            weights=finder.digest,
        ),
    )
