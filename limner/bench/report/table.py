"""A table in memory, and its ways out: Markdown, CSV, LaTeX (booktabs). CSV is also read back, exactly."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from limner.errors import LimnerError

Value = str | int | float | None
NONE = "–"
"""Stands where there is no number."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "−": r"$-$",
    "×": r"$\times$",
    "–": "--",
    "…": r"\ldots{}",
}


@dataclass(frozen=True)
class Column:
    """A heading, and how many digits its numbers have behind the point; None: it holds text."""

    heading: str
    digits: int | None = None


@dataclass(frozen=True)
class Table:
    """``name``: of its files; ``words``: what was averaged over what. Raises LimnerError where a row does not fit its columns.

    Text is never None, never over several lines; numbers are finite, or None where there is none.
    """

    name: str
    title: str
    words: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise LimnerError(f"table {self.name}: a row of {len(row)} in {len(self.columns)} columns")
            for column, value in zip(self.columns, row, strict=True):
                _check(self.name, column, value)


def _check(name: str, column: Column, value: Value) -> None:
    if column.digits is None:
        if not isinstance(value, str) or value != one_line(value):
            raise LimnerError(f"table {name}: {column.heading} is one line of text: {value!r}")
    elif isinstance(value, str) or (value is not None and not abs(value) < float("inf")):
        raise LimnerError(f"table {name}: {column.heading} is a number: {value!r}")


def one_line(text: str) -> str:
    """Text that may stand in a table: no line ends, nothing that does not print, single spaces."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def shown(column: Column, value: Value) -> str:
    """A value as a person reads it."""
    if value is None:
        return NONE
    return value if isinstance(value, str) else f"{value:.{column.digits}f}"


def to_markdown(table: Table) -> str:
    """The table alone, numbers on the right."""
    head = [_markdown(column.heading) for column in table.columns]
    rule = ["---" if column.digits is None else "---:" for column in table.columns]
    lines = [[_markdown(shown(*cell)) for cell in zip(table.columns, row, strict=True)] for row in table.rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *lines))


def _markdown(text: str) -> str:
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, "\\" + sign)
    return text


def to_csv(table: Table) -> str:
    """Comma-separated (RFC 4180, but for line ends); numbers with all their digits, an empty field where there is none."""
    lines = [[column.heading for column in table.columns], *table.rows]
    return "".join(",".join(_csv(value) for value in line) + "\n" for line in lines)


def _csv(value: Value) -> str:
    if value is None:
        return ""
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else repr(value)


def rows_of_csv(text: str, columns: Sequence[Column]) -> tuple[tuple[Value, ...], ...]:
    """Read what `to_csv` wrote of a table with those columns. Raises LimnerError for another table."""
    head, *lines = csv.reader(io.StringIO(text))
    if head != [column.heading for column in columns]:
        raise LimnerError(f"not that table: its columns are {', '.join(head)}")
    return tuple(tuple(_value(*cell) for cell in zip(columns, line, strict=True)) for line in lines)


def _value(column: Column, field: str) -> Value:
    if column.digits is None:
        return field
    if field == "":
        return None
    return float(field) if set(field) & set(".en") else int(field)


def to_latex(table: Table) -> str:
    """A ``tabular`` by the package booktabs, without a float around it; UTF-8."""
    kinds = "".join("l" if column.digits is None else "r" for column in table.columns)
    head = " & ".join(latex(column.heading) for column in table.columns)
    lines = [" & ".join(latex(shown(*cell)) for cell in zip(table.columns, row, strict=True)) + r" \\" for row in table.rows]
    above = [f"% {table.title}. {' '.join(table.words.split())}", rf"\begin{{tabular}}{{{kinds}}}", r"\toprule"]
    return "\n".join([*above, head + r" \\", r"\midrule", *lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def latex(text: str) -> str:
    """Text that LaTeX sets as it stands here."""
    found = "".join(_LATEX.get(sign, sign) for sign in text)
    return found if not found.startswith("-") or len(found) < 2 or not found[1].isdigit() else f"$-${found[1:]}"
