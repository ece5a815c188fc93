"""The page about weights of others says what the catalogue says."""

from __future__ import annotations

import re
from pathlib import Path

from limner.catalog import CATALOG, RECIPES

PAGE = (Path(__file__).parent.parent / "docs" / "weights.md").read_text("utf-8")


def rows(columns: int) -> list[tuple[str, ...]]:
    """The tables with so many columns, but for their heads."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    found = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in found if len(row) == columns]


def test_all_weights_stand_there_as_in_the_catalogue() -> None:
    assert rows(5) == [
        (f"`{name}`", ", ".join(kept.systems), f"{kept.size_mb:,}", kept.licence, kept.what) for name, kept in CATALOG.items()
    ]


def test_what_systems_need_stands_there() -> None:
    found = {name.strip("`"): (tuple(re.findall(r"`([^`]+)`", needs)), size) for name, needs, size in rows(3)}
    assert found == {
        system: (names, f"{sum(CATALOG[name].size_mb for name in names):,}") for system, names in RECIPES.items()
    }
