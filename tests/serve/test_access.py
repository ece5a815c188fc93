"""Who is let in."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")

from limner.serve.access import Door, name_of
from limner.serve.settings import Access, Settings

KEY = "0123456789abcdef"


async def nowhere(*given: object) -> None:
    raise AssertionError


def refused(settings: Settings, path: str = "/v1/encode", *, stopping: bool = False, **headers: str) -> str | None:
    """The kind of a refusal; None for none."""
    given = {"host": "localhost:8765", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("utf-8")) for name, value in given.items() if value]
    door = Door(nowhere, settings, lambda: stopping)
    refusal = door.refusal({"type": "http", "path": path, "headers": raw})
    return None if refusal is None else refusal.problem.type.removeprefix("urn:limner:")


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8765", "[::1]:8765", "LOCALHOST"])
def test_by_the_names_of_loopback(host: str) -> None:
    assert refused(Settings(), host=host) is None


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:8765", "localhost.evil.example", "[::2]", "127.0.0.2"])
def test_by_no_other_name(host: str) -> None:
    assert refused(Settings(), host=host) == "bad-host"


def test_a_service_for_all_has_any_name_unless_it_is_said() -> None:
    assert refused(Settings(host="0.0.0.0"), host="pics.example.org") is None
    named = Settings(host="0.0.0.0", access=Access(hosts=("pics.example.org",)))
    assert refused(named, host="pics.example.org:80") is None
    assert refused(named, host="localhost") == "bad-host"


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("http://localhost:8765", None),
        ("http://localhost:3000", None),
        ("https://friend.example", None),
        ("https://evil.example", "bad-origin"),
        ("http://localhost.evil.example", "bad-origin"),
        ("null", "bad-origin"),
        ("http://[", "bad-origin"),
    ],
)
def test_from_pages(origin: str, kind: str | None) -> None:
    settings = Settings(access=Access(origins=("https://friend.example",)))
    assert refused(settings, origin=origin) == kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"authorization": f"Bearer {KEY}"}, None),
        ({"authorization": f"bearer {KEY}"}, None),
        ({"x_api_key": KEY}, None),
        ({}, "no-key"),
        ({"authorization": KEY}, "no-key"),
        ({"authorization": f"Bearer {KEY}x"}, "no-key"),
        ({"authorization": "Bearer "}, "no-key"),
        ({"x_api_key": "ö" * 16}, "no-key"),
    ],
)
def test_with_a_key(headers: dict[str, str], kind: str | None) -> None:
    settings = Settings(access=Access(KEY))
    assert refused(settings, **headers) == kind
    assert refused(settings, "/metrics", **headers) == kind
    assert refused(settings, "/healthz", **headers) is None
    assert refused(settings, "/static/app.js", **headers) is None


def test_nothing_new_while_it_ends() -> None:
    assert refused(Settings(), stopping=True) == "stopping"
    assert refused(Settings(), "/healthz", stopping=True) is None


@pytest.mark.parametrize(("host", "name"), [("a:1", "a"), ("[::1]:8", "[::1]"), ("[::1]", "[::1]"), ("", ""), ("A", "a")])
def test_names(host: str, name: str) -> None:
    assert name_of(host) == name
