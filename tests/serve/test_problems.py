"""What goes wrong is said without a path or a trace."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi")

from limner.errors import BudgetError, DamagedError, ImageError, MissingError, SceneError
from limner.serve import wire, worker
from limner.serve.pool import Full, OverTime, Stopping
from limner.serve.problems import KINDS, Refused, of_answer, of_error, said
from limner.serve.process import Died
from limner.serve.wire import Message
from limner.serve.work import NeedsJob


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("/srv/weights/taco: no usable weights", "(a file): no usable weights"),
        ("weights taco: /srv/a b/x.onnx is missing", "weights taco: (a file) b/x.onnx is missing"),
        ("cannot read '/etc/passwd'", "cannot read '(a file)'"),
        ("in ~/limner/x", "in (a file)"),
        (r"in C:\limner\x.onnx", "in (a file)"),
        ("send image/png or image/jpeg at 1/8, and/or none", "send image/png or image/jpeg at 1/8, and/or none"),
        ("at https://example.org/a/b", "at https://example.org/a/b"),
        ("two\nlines\tof it", "two lines of it"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_what_is_said(message: str, shown: str) -> None:
    assert said(message) == shown


@given(st.text(max_size=30), st.text("abcdef/._-", min_size=1, max_size=20), st.text(max_size=30))
def test_no_path_is_said(before: str, path: str, after: str) -> None:
    shown = said(f"{before} /usr{path} {after}")
    assert "/usr" not in shown and shown.isprintable()
    shown.encode()


@pytest.mark.parametrize(
    ("error", "kind", "facts"),
    [
        (ImageError("the picture: not a picture"), "bad-input", {"field": "image"}),
        (BudgetError("too few", 25), "budget", {"least_bytes": 25}),
        (DamagedError("damaged", offset=7, field="check"), "bad-input", {"offset": 7, "field": "check"}),
        (SceneError("none", field="objects[0].box"), "bad-input", {"field": "objects[0].box"}),
        (MissingError("/x/y: no usable weights"), "missing", {"detail": "(a file): no usable weights"}),
        (NeedsJob("it paints"), "needs-job", {}),
    ],
)
def test_errors_of_a_worker(error: Exception, kind: str, facts: dict[str, object]) -> None:
    problem = of_answer(worker.of_error(error)).problem  # type: ignore[arg-type]
    status, title = KINDS[kind]
    assert problem.type == f"urn:limner:{kind}" and (problem.status, problem.title) == (status, title)
    assert facts.items() <= problem.model_dump().items()


def test_a_bug_is_told_by_its_number_alone() -> None:
    answer = Message(wire.FAILED, {"error": "KeyError", "detail": "/root/secret", "kinds": [], "incident": "1234abcd"})
    shown = json.loads(bytes(of_answer(answer).response.body))
    assert shown == {"type": "urn:limner:bug", "title": KINDS["bug"][1], "status": 500, "incident": "1234abcd"}


NAMES = st.sampled_from(["error", "kinds", "detail", "field", "offset", "least_bytes"])
TEXTS = st.text(max_size=5)


@given(st.dictionaries(NAMES, st.none() | st.integers() | TEXTS | st.lists(TEXTS | st.integers(), max_size=3)))
def test_whatever_a_worker_says_becomes_a_problem(fields: dict[str, wire.Json]) -> None:
    assert of_answer(Message(wire.FAILED, fields)).response.status_code >= 400


@pytest.mark.parametrize(
    ("error", "status"), [(Full(3), 429), (OverTime(), 504), (TimeoutError(), 504), (Died(), 500), (Stopping(), 503)]
)
def test_what_the_pool_raises(error: Exception, status: int) -> None:
    refused = of_error(error)
    assert refused is not None and refused.status_code == status
    if status in (429, 503):
        assert refused.headers is not None and int(refused.headers["Retry-After"]) >= 1


def test_other_errors_are_not_explained() -> None:
    assert of_error(KeyError("x")) is None


def test_every_kind_can_be_raised() -> None:
    for kind, (status, title) in KINDS.items():
        response = Refused(kind, "because").response
        shown = json.loads(bytes(response.body))
        assert response.media_type == "application/problem+json"
        assert shown == {"type": f"urn:limner:{kind}", "title": title, "status": status, "detail": "because"}
