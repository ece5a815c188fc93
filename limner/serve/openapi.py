"""The OpenAPI, true: every answer that a route can give stands there, problems in their own media type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from limner.serve.problems import KINDS, MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]

ALWAYS = (400, 401, 403, 500, 503)
"""Of every route that is behind the door."""
BODY = (408, 413, 415, 429)
"""Of every route that reads a body."""
WORK = (422, 429, 501, 504)
"""Of every route that has a worker do something."""
ABOUT = "Pictures as files of a few hundred bytes, and back. Errors are problems (RFC 9457): `type` names them for programs."


def problems(*statuses: int) -> Responses:
    """Answers that are problems, beside those that every route can give."""
    return {status: {"model": Problem, "description": title(status)} for status in sorted({*ALWAYS, *statuses})}


def title(status: int) -> str:
    return "; ".join(text for number, text in KINDS.values() if number == status)


def binary(*media_types: str, what: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """An answer of bytes, and the headers that come with it."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    shown = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"description": what, "content": dict.fromkeys(media_types, schema), "headers": shown}


def is_problem(media: dict[str, Any]) -> bool:
    return str(media.get("schema", {}).get("$ref", "")).endswith("/Problem")


def describe(app: FastAPI, version: str, *, keyed: bool) -> dict[str, Any]:
    """The document of an app. ``keyed``: whether a key is asked for."""
    made = get_openapi(title="limner", version=version, description=ABOUT, routes=app.routes)
    for path, item in made["paths"].items():
        for operation in item.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if is_problem(content.get("application/json", {})):
                    content[MEDIA_TYPE] = content.pop("application/json")
                if status in ("429", "503"):
                    response["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
            if keyed and not path.startswith("/healthz"):
                operation["security"] = [{"key": []}, {"bearer": []}]
            elif not keyed:
                operation["responses"].pop("401", None)
    if keyed:
        made.setdefault("components", {})["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
    return made
