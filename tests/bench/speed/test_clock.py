"""Every moment is charged once, to the innermost stage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.bench.speed import clock as clocks
from limner.bench.speed.clock import REST, STAGES, Clock, Span


class Hands:
    """Time that passes when it is told to: CPU at twice the pace."""

    def __init__(self) -> None:
        self.at = 0

    def pass_by(self, ticks: int) -> None:
        self.at += ticks

    def now(self) -> Span:
        return Span(self.at, 2 * self.at)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    found = Hands()
    monkeypatch.setattr(clocks, "now", found.now)
    return found


def test_an_inner_stage_is_not_charged_to_the_outer(hands: Hands) -> None:
    clock = Clock()
    hands.pass_by(1)
    with clock.stage("entropy encoding"):
        hands.pass_by(10)
        with clock.stage("analysis"):
            hands.pass_by(100)
        hands.pass_by(20)
    assert clock.taken() == {REST: (1, 2), "entropy encoding": (30, 60), "analysis": (100, 200)}
    hands.pass_by(5)
    assert clock.taken() == {REST: (5, 10)}


def test_what_was_before_the_clock_can_be_charged(hands: Hands) -> None:
    hands.pass_by(7)
    clock = Clock(Span(3, 6))
    clock.charge("import")
    assert clock.taken() == {"import": (4, 8), REST: (0, 0)}


def test_a_stage_ends_with_an_error(hands: Hands) -> None:
    clock = Clock()
    with pytest.raises(ValueError), clock.stage("analysis"):
        hands.pass_by(2)
        raise ValueError
    hands.pass_by(3)
    assert clock.taken() == {"analysis": (2, 4), REST: (3, 6)}


TREES = st.recursive(st.just(()), lambda inner: st.lists(st.tuples(st.sampled_from(sorted(STAGES)), inner), max_size=3))


@given(TREES)
def test_stages_add_up_to_all_that_passed(tree: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        found = Hands()
        patch.setattr(clocks, "now", found.now)
        clock = Clock()

        def walk(children: object) -> None:
            found.pass_by(1)
            for name, inner in children:  # type: ignore[attr-defined]
                with clock.stage(name):
                    walk(inner)
                found.pass_by(2)

        walk(tree)
        assert sum(span.wall_s for span in clock.taken().values()) == found.at
