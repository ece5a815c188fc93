"""What the values of a record must be, and its line of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from limner.errors import LimnerError


def need(holds: bool, name: str, rule: str, value: object) -> None:
    """Raise LimnerError, as ``name rule: value``, unless it holds."""
    if not holds:
        raise LimnerError(f"{name} {rule}: {value!r}")


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_table(value: object, of: type) -> bool:
    right = {int: is_whole, float: is_number, str: is_text}[of]
    return isinstance(value, dict) and all(is_text(name) and name != "" and right(entry) for name, entry in value.items())


def matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def object_of(line: str) -> dict[str, object]:
    """The object of a line of JSON. Raises LimnerError for anything else."""
    try:
        found = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise LimnerError(f"not a line of JSON: {error}") from error
    if not isinstance(found, dict):
        raise LimnerError("not an object of JSON")
    return found


def same_names(found: Mapping[str, object], wanted: set[str], what: str) -> None:
    """Raise LimnerError unless an object has these names and no others."""
    missing, unknown = sorted(wanted - found.keys()), sorted(found.keys() - wanted)
    if missing or unknown:
        raise LimnerError(f"not {what}: {', '.join([*(f'{name} is missing' for name in missing), *unknown])}")


def _no_constant(name: str) -> float:
    raise LimnerError(f"{name} is no figure")
