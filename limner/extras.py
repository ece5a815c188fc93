"""The one door to optional packages: names the command that installs what is missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from limner.errors import MissingError


def need(module: str, *, extra: str) -> ModuleType:
    """Import ``module``, which the extra ``limner[extra]`` installs.

    Raises MissingError with the command to type. A package that is there but broken raises its own ImportError.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingError(f"{module} is not installed: pip install 'limner[{extra}]'") from error
