"""The page of sedic's ablation: a line for each row of the paper's Table 1, and that table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limner.bench.measures import Measure, described
from limner.bench.rows import mean, number, table
from limner.bench.sedic_paper import HEAD, Variant, table_1

DIGITS = {"psnr_db": 2}


@dataclass(frozen=True)
class Row:
    """A file and its measures. painted: false where they are of the reference alone. Measures that are absent are left out."""

    picture: str
    variant: Variant
    objects: int
    width_px: int
    height_px: int
    bytes: int
    painted: bool
    figures: Mapping[str, float]

    @property
    def bpp(self) -> float:
        return 8 * self.bytes / (self.width_px * self.height_px)


def means_table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Means over the pictures; a dash where not every picture has the figure."""
    painted = all(row.painted for row in rows)
    shown = [name if painted else f"{name} of the reference" for name in names]
    lines = []
    for variant in dict.fromkeys(row.variant for row in rows):
        some = [row for row in rows if row.variant == variant]
        cells = [number(mean(row.objects for row in some), 2), number(mean(row.bytes for row in some), 1)]
        cells += [number(mean(row.bpp for row in some), 4)]
        cells += [number(mean(row.figures.get(name) for row in some), DIGITS.get(name, 4)) for name in names]
        lines.append([str(variant.number), *variant.cells, *cells])
    return table(["row", *HEAD, "objects sent", "bytes", "bpp", *shown], lines)


def page(rows: Sequence[Row], kept: Mapping[str, Measure], facts: str, unpainted: str, command: str) -> str:
    """The page of a run. kept: the measures that were tried. facts: with what it was made. unpainted: why nothing was painted,
    "" if it was."""
    pictures = len({row.picture for row in rows})
    names = [name for name in kept if any(name in row.figures for row in rows)]
    how = described(names, kept)
    absent = {name: kept[name].missing() or "the pictures are too small" for name in kept if name not in names}
    return "\n".join(
        [
            "# sedic: what each layer is worth\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"Means over {pictures} pictures. Files are whole, and decoded in a fresh process. The reference is the same in",
            f"all rows that send one. {facts}\n",
            UNPAINTED.format(why=unpainted) if unpainted else PAINTED,
            means_table(rows, names),
            *(f"- {name}: {how[name]}." for name in names),
            *(f"- {name}: not measured: {why}." for name, why in absent.items()),
            "\n## The same rows in the paper\n",
            REPORTED,
            table_1(),
        ]
    )


PAINTED = "Painted from the files alone.\n"
UNPAINTED = """**Nothing was painted**: {why}.

Bytes are those of the files. The figures are of the reference alone, by its own decoder, or of plain grey where none is sent:
rows that send the same reference have the same.
"""
REPORTED = """As reported for Kodak, not measured here: with the paper's reference, words, masks and painter, and at rates by
the accounting of its program, which leaves out the masks and the table of the words' code.
"""
