"""JPEG, WebP, AVIF, JPEG XL and HEIC as systems, plain and with their best down-scaling; BlurHash and ThumbHash.

    pixels --search, `baselines` or `thumbs`--> file --made again in a process of its own--> Cost
                                                 +--`pillow_process` under the seal--> picture

The search for the best setting is not the encoder: the cost is that of the one encoding which makes this very file. What a
receiver must know beside the file, size and filter, is given to the decoder and named in the setting; it is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from limner import image
from limner.bench import baselines
from limner.bench.baselines import PLAIN, QUICK, SCOUT_SPEED, THOROUGH, Coded, Effort, best_file, codec_versions
from limner.bench.cache import cached_best_of_codec
from limner.bench.harness import seal as sealing
from limner.bench.harness.record import Cost
from limner.bench.harness.seal import Command, Seal, python_command
from limner.bench.harness.system import Decoding, Encoded, Setting, StageError, Subject, installed, with_budget
from limner.bench.thumbs import best_blurhash, best_thumbhash

EFFORTS = {"thorough": THOROUGH, "plain": PLAIN, "quick": QUICK}
MODULE = "limner.bench.harness.pillow_process"
BESIDE = "beside=size,filter"
BLOB, PICTURE = "blob", "picture.png"
HASHES = {"blurhash": best_blurhash, "thumbhash": best_thumbhash}


@dataclass(frozen=True)
class Classical:
    """A classical codec. ``downscaled``: shrunk first as is best for it, sought by an ``effort``; ``cache`` keeps answers."""

    name: str
    budgets_bytes: tuple[int, ...]
    cache: Path
    downscaled: bool = False
    effort: str = "thorough"

    ours = False
    takes_words = False
    device = "cpu"
    weights_sha256 = None

    @property
    def way(self) -> str:
        if not self.downscaled:
            return ""
        return " ".join(["downscaled", *([] if self.effort == "thorough" else [f"effort={self.effort}"]), BESIDE])

    def settings(self) -> Sequence[Setting]:
        return [with_budget(budget, self.way) for budget in self.budgets_bytes]

    def versions(self) -> dict[str, str]:
        codecs = codec_versions()
        return {"pillow": codecs["pillow"], self.name: codecs[self.name], **installed("numpy")}

    def encode(self, subject: Subject, setting: Setting, seal: Seal) -> Encoded:
        budget = setting.budget_bytes or 0
        coded = self._downscaled(subject, budget) if self.downscaled else self._plain(subject, budget)
        if coded is None:
            raise StageError("BudgetError", f"no quality of {self.name} makes {budget} bytes or less")
        words = ["decode", BLOB, PICTURE]
        if self.downscaled:
            words += ["{}x{}".format(*subject.size_px), coded.up]
        chosen = coded.setting if self.downscaled else f"q{coded.quality} {coded.chroma}"
        return Encoded(coded.blob, decoding(words), self._cost(subject, coded, seal), chosen=chosen)

    def _plain(self, subject: Subject, budget: int) -> Coded | None:
        found = best_file(self.name, Image.fromarray(subject.pixels), budget)
        if found is None:
            return None
        return Coded(self.name, 1, found[0], baselines.CODECS[self.name].chromas[0], "lanczos", "lanczos", 0.0, found[1])

    def _downscaled(self, subject: Subject, budget: int) -> Coded | None:
        effort = EFFORTS[self.effort]
        return cached_best_of_codec(subject.pixels, self.budgets_bytes, self.name, effort, self.cache)[budget]

    def _cost(self, subject: Subject, coded: Coded, seal: Seal) -> Cost | None:
        """Of making the file; None if it does not come out the same, so that the cost is not its own."""
        effort = EFFORTS[self.effort] if self.downscaled else replace(QUICK, avif_tune=None)
        files = {PICTURE: image.to_file(subject.pixels)}
        for speed in speeds(self.name, effort):
            how = [coded.codec, str(coded.quality), coded.chroma, str(speed), effort.avif_tune or ""]
            words = ["-m", MODULE, "encode", PICTURE, BLOB, *how, str(coded.scale), coded.down]
            ended = sealing.run(python_command(words), files, BLOB, seal)
            if ended.output == coded.blob:
                return ended.cost
        return None


def speeds(codec: str, effort: Effort) -> list[int]:
    """What the file may have been made with, the likeliest first."""
    if codec != "avif":
        return [SCOUT_SPEED]
    return list(dict.fromkeys([effort.avif_speed, effort.large_avif_speed, SCOUT_SPEED]))


@dataclass(frozen=True)
class Hash:
    """BlurHash or ThumbHash: the best that it can do in a number of bytes."""

    name: str
    budgets_bytes: tuple[int, ...]

    ours = False
    takes_words = False
    device = "cpu"
    weights_sha256 = None

    def settings(self) -> Sequence[Setting]:
        return [with_budget(budget, BESIDE) for budget in self.budgets_bytes]

    def versions(self) -> dict[str, str]:
        return installed(self.name, "pillow", "numpy")

    def encode(self, subject: Subject, setting: Setting, seal: Seal) -> Encoded:
        budget = setting.budget_bytes or 0
        thumb = HASHES[self.name](subject.pixels, budget)
        if thumb is None:
            raise StageError("BudgetError", f"a {self.name} of this picture is over {budget} bytes")
        up = thumb.setting.rpartition(" ")[2]
        words = ["hash", BLOB, PICTURE, "{}x{}".format(*subject.size_px), up, self.name]
        return Encoded(thumb.blob, decoding(words), chosen=thumb.setting)


def decoding(words: Sequence[str]) -> Decoding:
    command: Command = python_command(["-m", MODULE, *words])
    return Decoding(command, BLOB, PICTURE)
