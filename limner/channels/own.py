"""A user's own links, as TOML: a table a link, with the fields of `Channel`. lora, line, fare, limits and joined are tables
in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from limner.channels.air import Line, LoRa
from limner.channels.channel import Channel, Fare, Joined, Limits
from limner.errors import ChannelError

MOST_BYTES = 1 << 20

_PARTS: dict[str, type[LoRa | Line | Fare | Limits | Joined]] = {
    "joined": Joined,
    "lora": LoRa,
    "line": Line,
    "fare": Fare,
    "limits": Limits,
}
_KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
_Made = TypeVar("_Made")


def read(path: Path) -> dict[str, Channel]:
    """Read a file of links. Raises ChannelError as `from_toml` does, OSError if it cannot be read."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    try:
        return from_toml(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ChannelError(f"{path}: not UTF-8") from error
    except ChannelError as error:
        raise ChannelError(f"{path}: {error}") from error


def from_toml(text: str) -> dict[str, Channel]:
    """Read links: name -> link. Raises ChannelError with the table and field at fault."""
    if len(text) > MOST_BYTES:
        raise ChannelError(f"a file of links has at most {MOST_BYTES} bytes")
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ChannelError(f"not TOML: {error}") from error
    return {name: _channel(name, _table(table, name)) for name, table in tables.items()}


def to_toml(channels: Iterable[Channel]) -> str:
    """Write links so that `from_toml` reads them again. What is as usual is left out."""
    return "\n".join("\n".join(_lines(channel)) + "\n" for channel in channels)


def _channel(name: str, table: Mapping[str, object]) -> Channel:
    parts = {key: _part(table[key], key, f"{name}.{key}") for key in _PARTS if key in table}
    plain = {key: value for key, value in table.items() if key not in _PARTS}
    if "name" in plain:
        raise ChannelError(f"{name}.name: the table's own name is the name")
    return _made(Channel, {"name": name, **plain, **parts}, name)


def _part(value: object, key: str, where: str) -> object:
    return _made(_PARTS[key], _table(value, where), where)


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ChannelError(f"{where}: a table was expected, not {type(value).__name__}")
    return value


def _made(kind: type[_Made], table: Mapping[str, object], where: str) -> _Made:
    """Make a description of a table's values. Raises ChannelError for keys and values that it does not have."""
    assert is_dataclass(kind)
    known = {field.name: field for field in fields(kind)}
    for key in table:
        if key not in known:
            raise ChannelError(f"{where}.{key}: not a field: {', '.join(known)}")
    for key, field in known.items():
        if key not in table and field.default is MISSING and field.default_factory is MISSING:
            raise ChannelError(f"{where}: {key} is missing")
        if key in table and key not in _PARTS:
            _check_kind(table[key], str(field.type), f"{where}.{key}")
    values: dict[str, Any] = dict(table)
    try:
        return kind(**values)
    except ChannelError as error:
        raise ChannelError(f"{where}: {error}") from error


def _check_kind(value: object, kind: str, where: str) -> None:
    kind = kind.removesuffix(" | None")
    allowed = _KINDS[kind]
    # In Python, but not here, true is a number.
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ChannelError(f"{where}: {kind} was expected, not {type(value).__name__}")


def _lines(channel: Channel) -> Iterator[str]:
    yield f"[{channel.name}]"
    yield from _values(channel)
    for key in _PARTS:
        part = getattr(channel, key)
        if part is not None and (lines := list(_values(part))):
            yield f"[{channel.name}.{key}]"
            yield from lines


def _values(thing: Channel | LoRa | Line | Fare | Limits | Joined) -> Iterator[str]:
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.name != "name" and field.name not in _PARTS and value != field.default:
            yield f"{field.name} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value).lower() if isinstance(value, bool) else repr(value)
