"""Rows of a benchmark, one JSON line each, and the pages that pure functions make of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from limner.errors import LimnerError

OURS = ("miniature", "pic", "pics", "taco", "sedic")
TUNED, PLAIN = "tuned", "plain"
"""Ways of a classical codec: every option at its best for PSNR, or the library's own defaults."""
FAITHFUL, VIVID = "faithful", "vivid"
"""Ways of one of ours: its painters."""
METRICS = (
    "psnr: all samples, sRGB, peak 255; ms_ssim: mean over R, G, B, 5 scales, 11x11 sigma 1.5, peak 255; "
    "ssimulacra2: version 2.1; flip: mean LDR-FLIP, 67 pixels a degree"
)


@dataclass(frozen=True)
class Row:
    """One picture through one system at one budget; a failure is a row too.

    ``bytes``: length of the file; ``encode_s``, ``decode_process_s``: wall seconds, the second of a whole fresh process;
    ``model``: model id of the weights in hex; ``versions``: of what the outcome depends on; ``failure``: why there are no
    figures; ``way``: how a classical codec was used, or which painter made the picture.
    """

    picture: str
    system: str
    setting: str
    budget_bytes: int
    width_px: int
    height_px: int
    sha256: str | None = None
    bytes: int | None = None
    psnr_db: float | None = None
    ms_ssim: float | None = None
    ssimulacra2: float | None = None
    flip: float | None = None
    encode_s: float | None = None
    decode_process_s: float | None = None
    model: str | None = None
    versions: tuple[str, ...] = ()
    metrics: str = METRICS
    failure: str | None = None
    way: str = TUNED

    def __post_init__(self) -> None:
        figures = (self.sha256, self.bytes, self.psnr_db)
        if self.failure is None and None in figures:
            raise LimnerError(f"a row of {self.picture} and {self.system} has neither figures nor a failure")
        if self.bytes is not None and self.bytes > self.budget_bytes:
            raise LimnerError(f"{self.system} made {self.bytes} bytes of {self.picture}, over {self.budget_bytes}")


def to_lines(rows: Iterable[Row]) -> str:
    """Write rows as JSON lines."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def from_lines(text: str) -> list[Row]:
    """Read rows from JSON lines: the inverse of ``to_lines``."""
    return [Row(**fields | {"versions": tuple(fields["versions"])}) for fields in map(json.loads, text.splitlines())]


def write_page(path: Path, text: str) -> None:
    """Write a text file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Pair:
    """Ours beside the best classical files of the same picture and budget, tuned and plain; None where there is none."""

    picture: str
    budget_bytes: int
    ours: Row | None
    classical: Row | None
    plain: Row | None = None

    @property
    def gain_db(self) -> float | None:
        return _gain_db(self.ours, self.classical)

    @property
    def plain_gain_db(self) -> float | None:
        return _gain_db(self.ours, self.plain)


def _gain_db(ours: Row | None, other: Row | None) -> float | None:
    if ours is None or other is None or ours.psnr_db is None or other.psnr_db is None:
        return None
    return ours.psnr_db - other.psnr_db


def pairs(rows: Sequence[Row], system: str) -> list[Pair]:
    """Set the rows of ``system`` beside the best classical ones by PSNR; budgets rising, pictures by name."""
    good = [row for row in rows if row.failure is None]
    keys = sorted({(row.budget_bytes, row.picture) for row in rows})
    found = []
    for budget, picture in keys:
        here = [row for row in good if (row.budget_bytes, row.picture) == (budget, picture)]
        ours = next((row for row in here if row.system == system and row.way != VIVID), None)
        others = [row for row in here if row.system not in OURS]
        best = {way: _best([row for row in others if row.way == way]) for way in (TUNED, PLAIN)}
        found.append(Pair(picture, budget, ours, best[TUNED], best[PLAIN]))
    return found


def _best(rows: Sequence[Row]) -> Row | None:
    return max(rows, key=lambda row: row.psnr_db or 0.0, default=None)


def mean(values: Iterable[float | None]) -> float | None:
    """Return the arithmetic mean, None of nothing or where a value is missing."""
    kept = list(values)
    known = [value for value in kept if value is not None]
    return sum(known) / len(known) if kept and len(known) == len(kept) else None


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column stands left, the others right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines)) + "\n"


def number(value: float | None, digits: int) -> str:
    """Return a figure with that many digits, or a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"


def kodak_page(rows: Sequence[Row], system: str, command: str) -> str:
    """Return the page of a run: means first, then every picture at every budget, then the failures."""
    found = pairs(rows, system)
    budgets = sorted({pair.budget_bytes for pair in found})
    parts = [
        f"# {system} on photographs beside {classical_names(rows)}\n",
        "Computed from `kodak.jsonl` by the command below; nothing here is written by hand.\n",
        f"```\n{command}\n```\n",
        _settings(rows, system),
        "## Means\n",
        _means_words(found),
        _means_table(found, budgets),
        "## Means of other measures\n",
        OTHER_WORDS,
        _others_table(rows, system, budgets),
    ]
    for budget in budgets:
        parts += [f"## At most {budget} bytes\n", _picture_table([pair for pair in found if pair.budget_bytes == budget])]
    failed = [row for row in rows if row.failure is not None]
    if failed:
        parts += ["## Without a file\n", _failure_table(failed)]
    return "\n".join(parts)


def _settings(rows: Sequence[Row], system: str) -> str:
    models = sorted({row.model for row in rows if row.model is not None})
    versions = sorted({version for row in rows for version in row.versions})
    return (
        f"- Weights of {system}: model id {', '.join(models) or '–'}.\n"
        f"- Versions: {', '.join(versions) or '–'}.\n"
        f"- Metrics: {METRICS}.\n"
        "- Bytes are lengths of whole files. Ours are encoded in one process and decoded in another that gets the file alone.\n"
        f"- *Best classical* is the file of at most that many bytes with the highest PSNR, among {classical_names(rows)};\n"
        "  shrunk before coding by 1, 2, 3, 4, 6 or 8, with the quality, chroma format and filters that serve it best; AVIF\n"
        "  and HEIC tuned to PSNR and slow. *Plain*: the same scales and search for the quality, but 4:2:0, Lanczos down,\n"
        "  bicubic up, and each library's own defaults.\n"
    )


def classical_names(rows: Sequence[Row]) -> str:
    """Name the classical codecs that rows are of."""
    names = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "jxl": "JPEG XL", "heic": "HEIC"}
    *most, last = [name for codec, name in names.items() if any(row.system == codec for row in rows)] or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _means_words(found: Sequence[Pair]) -> str:
    if not found:
        return "No rows yet.\n"
    pictures = len({pair.picture for pair in found})
    return (
        f"Arithmetic means over the {pictures} pictures of each budget, decibels averaged as decibels. A dash: not every\n"
        "picture has a figure.\n"
    )


def _means_table(found: Sequence[Pair], budgets: Sequence[int]) -> str:
    head = ["at most bytes", "pictures", "bytes", "PSNR dB", "MS-SSIM"]
    head += ["best classical bytes", "PSNR dB", "MS-SSIM", "gain dB", "pictures better"]
    head += ["plain PSNR dB", "MS-SSIM", "gain dB", "pictures better"]
    lines = []
    for budget in budgets:
        here = [pair for pair in found if pair.budget_bytes == budget]
        cells = [str(budget), str(len(here)), *_mean_cells([pair.ours for pair in here])]
        cells += _mean_cells([pair.classical for pair in here])
        cells += [number(mean(pair.gain_db for pair in here), 2), str(sum((pair.gain_db or 0) > 0 for pair in here))]
        cells += _mean_cells([pair.plain for pair in here])[1:]
        cells += [number(mean(pair.plain_gain_db for pair in here), 2)]
        cells += [str(sum((pair.plain_gain_db or 0) > 0 for pair in here))]
        lines.append(cells)
    return table(head, lines)


OTHER_WORDS = """For each picture the best classical file *by that measure*, among the best by PSNR of every codec, tuned and
plain. *Faithful* and *vivid* are two painters of the same files. SSIMULACRA2: higher is better. FLIP: lower is better.
"Better on": of how many pictures, than the best classical file.
"""


@dataclass(frozen=True)
class Measure:
    """Another figure of a row; ``sign``: 1 if more of it is better, -1 if less."""

    name: str
    figure: Callable[[Row], float | None]
    sign: int
    digits: int

    def beats(self, one: float | None, other: float | None) -> bool:
        return one is not None and (other is None or self.sign * one > self.sign * other)


OTHERS = (
    Measure("MS-SSIM", lambda row: row.ms_ssim, 1, 4),
    Measure("SSIMULACRA2", lambda row: row.ssimulacra2, 1, 2),
    Measure("FLIP", lambda row: row.flip, -1, 4),
)


def _others_table(rows: Sequence[Row], system: str, budgets: Sequence[int]) -> str:
    head = ["at most bytes, measure", FAITHFUL, VIVID, "best classical"]
    head += ["faithful better on", "vivid better on", "vivid better than faithful on"]
    lines = []
    for budget in budgets:
        here = [row for row in rows if row.budget_bytes == budget]
        lines += [[f"{budget}, {measure.name}", *_other_cells(here, system, measure)] for measure in OTHERS]
    return table(head, lines)


def _other_cells(rows: Sequence[Row], system: str, measure: Measure) -> list[str]:
    ours = [row for row in rows if row.system == system]
    faithful = {row.picture: measure.figure(row) for row in ours if row.way != VIVID}
    vivid = {row.picture: measure.figure(row) for row in ours if row.way == VIVID}
    best: dict[str, float | None] = dict.fromkeys(faithful)
    for row in rows:
        if row.system not in OURS and measure.beats(measure.figure(row), best.get(row.picture)):
            best[row.picture] = measure.figure(row)

    def wins(of: dict[str, float | None], over: dict[str, float | None]) -> str:
        return str(sum(measure.beats(value, over.get(picture)) for picture, value in of.items())) if of else "–"

    means = [number(mean(figures.values()), measure.digits) for figures in (faithful, vivid, best)]
    return [*means, wins(faithful, best), wins(vivid, best), wins(vivid, faithful)]


def _mean_cells(rows: Sequence[Row | None]) -> list[str]:
    def of(figure: Callable[[Row], float | None]) -> float | None:
        return mean(figure(row) if row else None for row in rows)

    return [
        number(of(lambda row: row.bytes), 1),
        number(of(lambda row: row.psnr_db), 2),
        number(of(lambda row: row.ms_ssim), 4),
    ]


def _picture_table(found: Sequence[Pair]) -> str:
    head = ["picture", "bytes", "PSNR dB", "MS-SSIM", "best classical", "bytes", "PSNR dB", "MS-SSIM", "gain dB"]
    lines = []
    for pair in found:
        name = f"{pair.classical.system} {pair.classical.setting}" if pair.classical else "–"
        cells = [pair.picture, *_cells(pair.ours), name, *_cells(pair.classical), number(pair.gain_db, 2)]
        lines.append(cells)
    return table(head, lines)


def _cells(row: Row | None) -> list[str]:
    if row is None:
        return ["–"] * 3
    return [str(row.bytes), number(row.psnr_db, 2), number(row.ms_ssim, 4)]


def _failure_table(failed: Sequence[Row]) -> str:
    lines = [[row.picture, row.system, str(row.budget_bytes), str(row.failure)] for row in failed]
    return table(["picture", "system", "at most bytes", "why"], lines)
