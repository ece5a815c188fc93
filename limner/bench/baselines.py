"""The best that JPEG, WebP, AVIF, JPEG XL and HEIC can make of a picture in N bytes.

Each codec may shrink the picture first by 1, 2, 3, 4, 6 or 8, because at a few hundred bytes that is what saves it. For every
scale, chroma format and down-scaling filter the quality is found by bisection; the winner is the highest PSNR among files
of at most N bytes, headers included: a file is what has to be sent.

    picture -> shrink -> code -> bytes <= N ? -> decode -> enlarge -> PSNR
                 ^scale    ^quality                          ^filter

AVIF is slow where it is good: a quick speed scouts every combination, then the slow speed codes the few best ones again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import pillow_heif
from PIL import Image, features
from PIL import __version__ as pillow_version

from limner.bench.coders import CODECS as CODECS
from limner.bench.coders import FILTERS as FILTERS
from limner.bench.coders import Picture, enlarged, shrunk
from limner.bench.metrics import psnr_db
from limner.errors import EncodeError

SCALES = (8, 6, 4, 3, 2, 1)
"""Down-scaling factors, coarse to fine."""

HOPELESS_DB = 0.3
"""PSNR over scale has one peak: a finer scale this far below the best ends the scan."""


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    ``avif_speed``: 0 (slowest) to 10, of the files that count, ``large_avif_speed`` where more than ``LARGE_PIXELS`` are
    coded; ``finalists``: how many of the combinations that ``SCOUT_SPEED`` likes best are coded again at those speeds;
    ``chromas``, ``downs``, ``ups``: what is tried; ``avif_tune``: what its encoder is tuned to, None for its own default.
    """

    avif_speed: int
    large_avif_speed: int
    finalists: int
    chromas: tuple[str, ...]
    downs: tuple[str, ...]
    ups: tuple[str, ...]
    avif_tune: str | None = "psnr"

    def __post_init__(self) -> None:
        if not 0 <= self.avif_speed <= self.large_avif_speed <= 10 or self.finalists < 1:
            raise EncodeError("an effort needs finalists and AVIF speeds of 0..10, the slower one for small pictures")
        if not (self.chromas and self.downs and self.ups) or not {*self.downs, *self.ups} <= FILTERS.keys():
            raise EncodeError("an effort needs chroma formats and known filters")


SCOUT_SPEED = 6
LARGE_PIXELS = 60_000
THOROUGH = Effort(1, 4, 4, ("4:2:0", "4:4:4"), ("lanczos", "bicubic", "box"), ("lanczos", "bicubic"))
PLAIN = Effort(SCOUT_SPEED, SCOUT_SPEED, 1, ("4:2:0",), ("lanczos",), ("bicubic",), None)
QUICK = Effort(SCOUT_SPEED, SCOUT_SPEED, 1, ("4:2:0",), ("lanczos",), ("bicubic",))


@dataclass(frozen=True)
class Coded:
    """One file of a classical codec, with all that is needed to repeat it. ``blob``: the file."""

    codec: str
    scale: int
    quality: int
    chroma: str
    down: str
    up: str
    psnr_db: float
    blob: bytes

    @property
    def bytes(self) -> int:
        return len(self.blob)

    @property
    def setting(self) -> str:
        return f"1/{self.scale} q{self.quality} {self.chroma} {self.down}/{self.up}"

    def picture(self, width_px: int, height_px: int) -> Picture:
        """Decode and enlarge to ``(height_px, width_px, 3)`` sRGB."""
        return enlarged(self.blob, (width_px, height_px), self.up)


def best_of_all(picture: Picture, budget_bytes: int, effort: Effort) -> Coded:
    """Return the best file of at most ``budget_bytes`` among all codecs; raise EncodeError if none is that small."""
    best: Coded | None = None
    for codec in CODECS:
        best = better(best, best_of_codec(picture, (budget_bytes,), codec, effort)[budget_bytes])
    if best is None:
        raise EncodeError(f"no classical codec fits the picture into {budget_bytes} bytes")
    return best


def best_of_codec(picture: Picture, budgets_bytes: Sequence[int], codec: str, effort: Effort) -> dict[int, Coded | None]:
    """Return for every budget the best file of ``codec`` that fits, or None where none does.

    ``picture``: (h, w, 3) sRGB. Budgets share the trial encodings, so ask for all of them at once.
    """
    found: dict[int, list[Coded]] = {budget: [] for budget in budgets_bytes}
    scales: dict[int, tuple[int, ...]] = dict.fromkeys(found, SCALES)
    chromas = CODECS[codec].chromas
    for chroma in [wanted for wanted in effort.chromas if wanted in chromas] or chromas:
        for down in effort.downs:
            _scan(picture, found, scales, codec, chroma, down, effort)
            # The first combination shows where the peak lies; the others look there and beside it.
            scales = {budget: _beside_best(scouted) for budget, scouted in found.items()}
    return {budget: _final(picture, budget, scouted, effort) for budget, scouted in found.items()}


def _beside_best(scouted: Sequence[Coded]) -> tuple[int, ...]:
    if not scouted:
        return SCALES[:1]
    peak = SCALES.index(max(scouted, key=lambda coded: coded.psnr_db).scale)
    return SCALES[max(0, peak - 1) : peak + 2]


def better(one: Coded | None, other: Coded | None) -> Coded | None:
    """Return the one with the higher PSNR; the first where they are equal."""
    if one is None or (other is not None and other.psnr_db > one.psnr_db):
        return other
    return one


def _scan(
    picture: Picture,
    found: dict[int, list[Coded]],
    scales: Mapping[int, tuple[int, ...]],
    codec: str,
    chroma: str,
    down: str,
    effort: Effort,
) -> None:
    """Append to ``found[budget]`` the best file of each of its scales, coarse to fine, until it cannot win any more."""
    alive = dict.fromkeys(found, 0.0)
    for scale in SCALES:
        files = _Files(codec, shrunk(picture, scale, down), chroma, SCOUT_SPEED, effort.avif_tune)
        for budget, best_db in tuple(alive.items()):
            if scale not in scales[budget]:
                continue
            seen = [coded.quality for coded in found[budget] if coded.scale == scale]
            quality = files.highest_quality(budget, seen[-1] if seen else CODECS[codec].lowest)
            if quality is None:
                del alive[budget]
                continue
            coded = Coded(codec, scale, quality, chroma, down, "", 0.0, files.blob(quality))
            coded = _with_best_filter(picture, coded, effort)
            found[budget].append(coded)
            alive[budget] = max(best_db, coded.psnr_db)
            if coded.psnr_db < best_db - HOPELESS_DB:
                del alive[budget]


def _final(picture: Picture, budget: int, scouted: Sequence[Coded], effort: Effort) -> Coded | None:
    """Return the best of what was scouted, coded again slowly if the codec has a slower way."""
    ranked = sorted(scouted, key=lambda coded: -coded.psnr_db)
    best = ranked[0] if ranked else None
    if best is None or best.codec != "avif" or effort.avif_speed == SCOUT_SPEED:
        return best
    for coded in ranked[: effort.finalists]:
        small = shrunk(picture, coded.scale, coded.down)
        speed = effort.avif_speed if small.width * small.height <= LARGE_PIXELS else effort.large_avif_speed
        files = _Files(coded.codec, small, coded.chroma, speed, effort.avif_tune)
        quality = files.highest_quality(budget, coded.quality)
        if quality is not None:
            slow = replace(coded, quality=quality, blob=files.blob(quality))
            best = better(best, _with_best_filter(picture, slow, effort))
    return best


def _with_best_filter(picture: Picture, coded: Coded, effort: Effort) -> Coded:
    height, width = picture.shape[:2]
    tried = [replace(coded, up=up) for up in effort.ups]
    measured = [replace(one, psnr_db=psnr_db(picture, one.picture(width, height), peak=255.0)) for one in tried]
    return max(measured, key=lambda one: one.psnr_db)


class _Files:
    """The files of one shrunk picture, one for each quality, made when first asked for."""

    def __init__(self, codec: str, image: Image.Image, chroma: str, speed: int, tune: str | None = None) -> None:
        self._codec, self._image, self._chroma, self._speed, self._tune = CODECS[codec], image, chroma, speed, tune
        self._blobs: dict[int, bytes] = {}

    def blob(self, quality: int) -> bytes:
        if quality not in self._blobs:
            self._blobs[quality] = self._codec.code(self._image, quality, self._chroma, self._speed, self._tune)
        return self._blobs[quality]

    def highest_quality(self, budget: int, start: int) -> int | None:
        """Return the highest quality that fits, None if the lowest does not.

        Doubling steps from ``start`` and then bisection: sizes rise with quality, nearly without exception.
        """
        lowest, highest = self._codec.lowest, self._codec.highest
        fits, step = start, 1
        while len(self.blob(fits)) > budget:
            if fits == lowest:
                return None
            fits, step = max(lowest, fits - step), 2 * step
        too_big, step = fits + 1, 1
        while too_big <= highest and len(self.blob(too_big)) <= budget:
            fits, too_big, step = too_big, too_big + step, 2 * step
        too_big = min(too_big, highest + 1)
        while too_big - fits > 1:
            middle = (fits + too_big) // 2
            fits, too_big = (middle, too_big) if len(self.blob(middle)) <= budget else (fits, middle)
        return fits


def best_file(codec: str, image: Image.Image, budget_bytes: int) -> tuple[int, bytes] | None:
    """The highest quality at which ``codec`` codes an image in at most ``budget_bytes``, and the file; None if it cannot."""
    files = _Files(codec, image, CODECS[codec].chromas[0], SCOUT_SPEED)
    quality = files.highest_quality(budget_bytes, CODECS[codec].lowest)
    return None if quality is None else (quality, files.blob(quality))


def codec_versions() -> dict[str, str]:
    """Return the versions that the classical files depend on."""
    names = {"jpeg": "libjpeg_turbo", "webp": "webp", "avif": "avif"}
    ours = {codec: str(features.version(name)) for codec, name in names.items()}
    heic = f"{pillow_heif.libheif_version()} {pillow_heif.libheif_info()['HEIF']}"
    return {"pillow": pillow_version, **ours, "jxl": f"pillow-jxl-plugin {version('pillow-jxl-plugin')}", "heic": heic}
