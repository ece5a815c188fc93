"""Classical files and their figures kept between runs: the search takes minutes a picture, a figure a second."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from limner.bench.baselines import Coded, Effort, best_of_codec, codec_versions
from limner.bench.metrics import Figures, figures
from limner.image import Pixels

SEARCH_VERSION = 3
"""Counted up when the search changes, so that answers are sought anew."""

FIGURES_VERSION = 1
"""Counted up when a measure changes."""

LATER = ("jxl", "heic")
"""Codecs whose versions are no part of the question for others: answers from before they came hold."""


def cached_best_of_codec(
    picture: Pixels, budgets_bytes: Sequence[int], codec: str, effort: Effort, folder: Path
) -> dict[int, Coded | None]:
    """Do as ``best_of_codec``, keeping every answer in ``folder`` under the hash of all that it depends on."""
    paths = {budget: folder / f"{_cache_key(picture, budget, codec, effort)}.json" for budget in budgets_bytes}
    missing = [budget for budget, path in paths.items() if not path.exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        for budget, coded in best_of_codec(picture, missing, codec, effort).items():
            paths[budget].write_text(_to_json(coded))
    return {budget: _from_json(path.read_text()) for budget, path in paths.items()}


def _cache_key(picture: Pixels, budget: int, codec: str, effort: Effort) -> str:
    if codec in ("jpeg", "webp"):
        # What the others heed is not part of the question.
        effort = replace(effort, avif_speed=0, large_avif_speed=0, finalists=1, avif_tune="psnr")
    # What is tuned to PSNR was sought before there was a choice: its answers hold.
    settings = {key: value for key, value in asdict(effort).items() if (key, value) != ("avif_tune", "psnr")}
    versions = {name: text for name, text in codec_versions().items() if name == codec or name not in LATER}
    search = (SEARCH_VERSION, settings, versions, codec, budget)
    text = json.dumps([search, picture.shape], sort_keys=True)
    return hashlib.sha256(text.encode() + picture.tobytes()).hexdigest()[:32]


def cached_figures(picture: Pixels, coded: Coded, folder: Path) -> Figures:
    """Measure a classical file, keeping the answer in ``folder`` under the hash of all that it depends on."""
    metrics = {name: version(name) for name in ("ssimulacra2", "flip-evaluator", "pillow")}
    question = json.dumps([FIGURES_VERSION, metrics, coded.setting, picture.shape], sort_keys=True).encode()
    key = hashlib.sha256(question + coded.blob + picture.tobytes()).hexdigest()[:32]
    path = folder / f"{key}.figures.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        height, width = picture.shape[:2]
        path.write_text(json.dumps(asdict(figures(picture, coded.picture(width, height)))))
    return Figures(**json.loads(path.read_text()))


def _to_json(coded: Coded | None) -> str:
    return json.dumps(None if coded is None else asdict(coded) | {"blob": base64.b64encode(coded.blob).decode()})


def _from_json(text: str) -> Coded | None:
    fields = json.loads(text)
    return None if fields is None else Coded(**fields | {"blob": base64.b64decode(fields["blob"])})
