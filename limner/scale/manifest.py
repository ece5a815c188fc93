"""How an output was made: written once, held against every run into the same folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from limner.errors import LimnerError
from limner.scale.place import Place

NAME = "_limner.json"
FORMAT = 1

Plain = str | int | float | bool | None | list[int] | list[str]


@dataclass(frozen=True)
class Manifest:
    """verb, settings: what is done. form: parquet, shards or files. models: weights by name, by a hash of their files."""

    verb: str
    form: str
    settings: Mapping[str, Plain]
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> dict[str, Plain]:
        """All of it, name -> value."""
        settings = {f"settings.{name}": value for name, value in self.settings.items()}
        models = {f"weights of {name}": value for name, value in self.models.items()}
        return {"verb": self.verb, "format": self.form, **settings, **models}

    @property
    def identity(self) -> str:
        return hashlib.sha256(json.dumps(self.said, sort_keys=True).encode()).hexdigest()

    def hold(self, output: Place) -> None:
        """Write it into an output that has none, or compare. Raises LimnerError with what differs, OSError."""
        if output.has(NAME):
            there = _read(output)
            if different := [
                f"{name} was {_shown(there.get(name))}, now {_shown(self.said.get(name))}"
                for name in dict.fromkeys([*there, *self.said])
                if there.get(name) != self.said.get(name)
            ]:
                raise LimnerError(f"{output.url} was made otherwise: {'; '.join(different)}: name another folder")
            return
        if any(name.startswith("part-") for name in output.names()):
            raise LimnerError(f"{output.url} has parts and no {NAME}: name another folder")
        text = json.dumps({"limner scale": FORMAT, "version": version("limner"), "made by": self.said}, indent=1)
        output.write(NAME, f"{text}\n".encode())


def _read(output: Place) -> dict[str, Plain]:
    try:
        said = json.loads(output.read(NAME))
        if said["limner scale"] != FORMAT:
            raise ValueError(f"made by another version: {said['limner scale']}")
        return dict(said["made by"])
    except (ValueError, KeyError, TypeError) as error:
        raise LimnerError(f"{output.url}/{NAME} cannot be read ({error}): name another folder") from error


def _shown(value: Plain) -> str:
    return "nothing" if value is None else str(value)
