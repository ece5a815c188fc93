"""What an operator may decide, and what not."""

from __future__ import annotations

import pytest

from limner.serve.settings import LOOPBACK_NAMES, Access, Bounds, Long, Settings, SettingsError


def test_the_usual_settings_are_of_loopback() -> None:
    settings = Settings()
    assert settings.is_loopback and settings.hosts == LOOPBACK_NAMES and not settings.access.api_key


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.example", False)],
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    settings = Settings(host=host)
    assert settings.is_loopback == loopback and bool(settings.hosts) == loopback


def test_named_hosts_go_before_those_of_loopback() -> None:
    assert Settings(access=Access(hosts=("Pics.Example.org",))).hosts == ("pics.example.org",)


def test_a_key_is_not_shown() -> None:
    settings = Settings(access=Access("0123456789abcdef"))
    assert "0123456789abcdef" not in repr(settings)


@pytest.mark.parametrize("processes", [1, 2, 1000])
def test_each_process_has_a_thread(processes: int) -> None:
    assert Settings().threads_each(processes) >= 1
    assert Settings(threads=3).threads_each(processes) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"port": -1},
        {"port": 65536},
        {"workers": 0},
        {"queue": -1},
        {"host": ""},
        {"grace_s": 0.0},
        {"grace_s": float("nan")},
        {"describer": "/etc/passwd"},
        {"describer": "local:"},
    ],
)
def test_settings_that_cannot_be(fields: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Settings(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [{"upload_bytes": 0}, {"pixels": -1}, {"time_s": 0.0}, {"memory_bytes": 1}, {"held_bytes": 1}, {"idle_s": float("inf")}],
)
def test_bounds_that_cannot_be(fields: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        Bounds(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("fields", [{"painters": 0}, {"waiting": -1}, {"kept": 0}, {"kept_s": 0.0}, {"time_s": -1.0}])
def test_jobs_that_cannot_be(fields: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        Long(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "access", [("short",), ("ä" * 20,), ("a" * 19 + "\n",), ("", ("example.org",)), ("", ("https://example.org/path",))]
)
def test_access_that_cannot_be(access: tuple[object, ...]) -> None:
    with pytest.raises(SettingsError):
        Access(*access)  # type: ignore[arg-type]
