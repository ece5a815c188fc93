"""What SEDIC's paper reports, as data: rates of its levels, its ablation, its speed. Pages show it in tables of its own.

Source: Song et al. 2025 (SEDIC), section 4.1, Tables 1 and 2; all on Kodak.
"""

from __future__ import annotations

from dataclasses import dataclass

from limner.bench.rows import number, table

KODAK_PX = 768 * 512


@dataclass(frozen=True)
class Variant:
    """What is sent: J objects, each with ``detail_words`` (l_d); ``overall_words`` (l_all) for the whole, 0 for none; a
    reference or none."""

    number: int
    objects: int
    detail_words: int
    overall_words: int
    reference: bool = True

    @property
    def cells(self) -> list[str]:
        """J, the whole, the reference, l_d, l_all, as the paper's table has them."""
        marks = ["yes" if sent else "" for sent in (self.overall_words, self.reference)]
        return [str(self.objects), *marks, str(self.detail_words or ""), str(self.overall_words or "")]


HEAD = ["J", "the whole", "reference", "words of an object", "words of the whole"]


@dataclass(frozen=True)
class Reported:
    """A row of Table 1."""

    variant: Variant
    bpp: float
    lpips: float
    dists: float


TABLE_1 = (
    Reported(Variant(1, 0, 0, 50), 0.0226, 0.2338, 0.1667),
    Reported(Variant(2, 1, 30, 50), 0.0304, 0.2260, 0.1522),
    Reported(Variant(3, 1, 30, 0), 0.0258, 0.2517, 0.1760),
    Reported(Variant(4, 2, 30, 0), 0.0334, 0.2327, 0.1641),
    Reported(Variant(5, 3, 30, 0), 0.0412, 0.2243, 0.1503),
    Reported(Variant(6, 3, 30, 50), 0.0457, 0.1518, 0.1012),
    Reported(Variant(7, 3, 30, 50, reference=False), 0.0275, 0.3518, 0.2284),
    Reported(Variant(8, 3, 10, 50), 0.0413, 0.1718, 0.1318),
    Reported(Variant(9, 3, 30, 30), 0.0442, 0.1651, 0.1151),
)
VARIANTS = tuple(one.variant for one in TABLE_1)

RANGES_BPP = {"low": (0.02, 0.03), "high": (0.04, 0.05)}
"""Section 4.1: at which rates which level is used."""

COSTS = (("the reference", 6, 7), ("50 words for the whole", 6, 5), ("a second object, 30 words", 4, 3), ("a third", 5, 4))
"""What is in the first row of two, and not in the second."""

SPEED = (("encode", "", 0.157, 0.013), ("decode", "20", 2.332, 0.003), ("decode", "50", 4.994, 0.003))
"""Table 2: verb, steps, seconds and their deviation, on an RTX 4090."""


def table_1() -> str:
    """The ablation, as reported."""
    lines = [[str(one.variant.number), *one.variant.cells, *figures(one)] for one in TABLE_1]
    return table(["row, reported", *HEAD, "bpp", "LPIPS", "DISTS"], lines)


def figures(one: Reported) -> list[str]:
    return [number(value, 4) for value in (one.bpp, one.lpips, one.dists)]


def table_2() -> str:
    """The speed, as reported."""
    lines = [[f"{verb} {steps}".strip(), f"{mean:.3f} ± {deviation:.3f}"] for verb, steps, mean, deviation in SPEED]
    return table(["verb and steps, reported", "seconds"], lines)


def costs_table() -> str:
    """What a layer costs, by two rows of the ablation."""
    bpp = {one.variant.number: one.bpp for one in TABLE_1}
    lines = []
    for name, with_it, without in COSTS:
        costs = bpp[with_it] - bpp[without]
        lines.append([name, f"{with_it} - {without}", number(costs, 4), number(costs * KODAK_PX / 8, 0)])
    return table(["layer, reported", "rows of Table 1", "bpp", "bytes of 768 x 512 px"], lines)


def ranges_table() -> str:
    """The rates of the levels, as claimed."""
    lines = [[level, f"{least} to {most}"] for level, (least, most) in RANGES_BPP.items()]
    return table(["level, reported", "bpp"], lines)
