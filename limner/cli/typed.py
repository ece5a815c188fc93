"""The command as it was typed, for those who want to repeat it."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer


def typed(context: typer.Context) -> str:
    """The command with the options that were given, and of folders and files the names alone."""
    words = context.command_path.split()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source is not None and source.name == "COMMANDLINE":
            value = context.params[option.name or ""]
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [max(option.opts, key=len), *([] if one is True else [Path(str(one)).name])]
    return shlex.join(words)
