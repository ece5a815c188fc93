"""What is public is so on purpose: the names of the package are those of the README."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import limner
from limner import errors

README = Path(__file__).parent.parent / "README.md"


def documented() -> list[str]:
    """Return the names in the README's table."""
    return re.findall(r"^\| `limner\.(\w+)` \|", README.read_text("utf-8"), flags=re.MULTILINE)


def test_every_public_name_is_documented_and_every_documented_name_public() -> None:
    assert sorted(limner.__all__) == sorted(documented())
    assert len(set(limner.__all__)) == len(limner.__all__) > 4


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    for name in limner.__all__:
        thing = getattr(limner, name)
        assert inspect.getdoc(thing), name


def test_dir_shows_the_public_names() -> None:
    assert set(limner.__all__) <= set(dir(limner))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(limner, "paint_me_a_harbour")


def test_every_error_is_drawn_in_the_one_tree() -> None:
    kinds = [thing for thing in vars(errors).values() if inspect.isclass(thing) and issubclass(thing, Exception)]
    assert len(kinds) > 10
    for kind in kinds:
        assert issubclass(kind, errors.LimnerError)
        assert re.search(rf"\b{kind.__name__}\b", errors.__doc__ or ""), kind.__name__
