"""The OpenAPI is true: requests that it allows, and such that it does not, get answers that it knows, and no server error.

A longer run: ``schemathesis run URL/openapi.json --exclude-checks positive_data_acceptance``. That check is left out because a
body of whatever bytes is allowed by every schema, and is no picture.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

pytest.importorskip("fastapi")
schemathesis = pytest.importorskip("schemathesis")

from services import Live  # noqa: E402

from limner.serve.app import make_app  # noqa: E402
from limner.serve.settings import Access, Settings  # noqa: E402

EXAMPLES = 8
QUICK = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
DOCUMENT: dict[str, Any] = make_app(Settings()).openapi()
OPERATIONS = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item]
# Of the others nothing can be asked that is not allowed: an id is any text.
REFUSING = [
    (path, method)
    for path, method in OPERATIONS
    if "requestBody" in (of := DOCUMENT["paths"][path][method]) or any(one["in"] == "query" for one in of.get("parameters", []))
]
ASKED = [(*one, False) for one in OPERATIONS] + [(*one, True) for one in REFUSING]


@cache
def schema(url: str) -> Any:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.mark.parametrize(("path", "method", "negative"), ASKED)
def test_every_answer_is_documented(live: Live, path: str, method: str, negative: bool) -> None:
    from schemathesis.checks import load_all_checks
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

    load_all_checks()
    # In a form a number is a text too.
    excluded = [positive_data_acceptance, *([negative_data_rejection] if path.endswith("/encode") else [])]
    operation = schema(live.url)[path][method.upper()]
    mode = schemathesis.GenerationMode.NEGATIVE if negative else schemathesis.GenerationMode.POSITIVE
    asked = 0

    @QUICK
    @given(case=operation.as_strategy(generation_mode=mode))
    def hold(case: Any) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(excluded_checks=excluded, timeout=60)

    hold()
    assert asked


def test_there_are_the_routes_of_the_service() -> None:
    assert len(OPERATIONS) == 15
    assert "/v1/describe" not in DOCUMENT["paths"]
    described = make_app(Settings(describer="local:florence-2")).openapi()
    assert "501" in described["paths"]["/v1/describe"]["post"]["responses"]


def test_every_refusal_is_a_problem() -> None:
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                assert answer["description"]
                if int(status) >= 400 and set(answer["content"]) != {"application/problem+json"}:
                    assert (operation["operationId"].partition("_")[0], status) == ("healthz", "503")


def test_keys_are_spoken_of_where_there_are_some() -> None:
    open_to_all, keyed = DOCUMENT, make_app(Settings(access=Access("0123456789abcdef"))).openapi()
    assert "securitySchemes" not in open_to_all["components"]
    assert "401" not in open_to_all["paths"]["/v1/encode"]["post"]["responses"]
    assert "401" in keyed["paths"]["/v1/encode"]["post"]["responses"]
    assert "security" not in keyed["paths"]["/healthz"]["get"]
