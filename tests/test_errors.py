"""Errors say where, and travel between processes whole."""

from __future__ import annotations

import pickle

from limner import errors
from limner.errors import BudgetError, DecodeError, LimnerError, SceneError


def made(kind: type[LimnerError]) -> LimnerError:
    if issubclass(kind, DecodeError):
        return kind("what", offset=3, field="size")
    if issubclass(kind, SceneError):
        return kind("what", field="size")
    return kind("what", 7) if issubclass(kind, BudgetError) else kind("what")


def test_every_error_survives_a_change_of_process() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LimnerError)]
    assert len(kinds) > 10
    for kind in kinds:
        error = made(kind)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_decode_error_says_where() -> None:
    error = DecodeError("bad", offset=5, field="size")
    assert (str(error), error.offset, error.field) == ("bad (byte 5, size)", 5, "size")
