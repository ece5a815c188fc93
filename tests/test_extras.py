"""A missing part is an error that says what to type."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from limner.errors import MissingError
from limner.extras import need


def test_gives_the_module() -> None:
    assert need("math", extra="bench") is math


def test_names_the_command() -> None:
    with pytest.raises(MissingError, match=r"^no_such_part\.inner is not installed: pip install 'limner\[diffusion\]'$"):
        need("no_such_part.inner", extra="diffusion")


def test_a_broken_part_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_a_part.py").write_text("import no_such_part")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        need("half_a_part", extra="diffusion")
