"""A client: thin functions over httpx2. Pictures and files are bytes; what goes wrong is a ServiceError.

    service = Service("http://127.0.0.1:8765")
    blob = encode(service, Path("harbour.jpg").read_bytes(), Encode(target_bytes=500))
    png = decode(service, blob)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from limner.errors import LimnerError
from limner.extras import need
from limner.serve.asks import Decode, Encode, Inspect
from limner.serve.wire import Json

if TYPE_CHECKING:
    import httpx2

LIMN = "image/x-limn"
ENCODE, DECODE, INSPECT = Encode(), Decode(), Inspect()


class ServiceError(LimnerError):
    """The service refused, or does not answer. ``status``: of HTTP, 0 where there was no answer; ``type``: of the problem;
    ``retry_s``: when to try again, None if that was not said; ``least_bytes``: of a budget that was too small."""

    def __init__(
        self, message: str, status: int = 0, type: str = "", retry_s: float | None = None, least_bytes: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.type, self.retry_s, self.least_bytes = status, type, retry_s, least_bytes


@dataclass(frozen=True)
class Service:
    """Where a service is. ``key``: "" where none is needed. ``timeout_s``: of one request."""

    url: str
    key: str = field(default="", repr=False)
    timeout_s: float = 120.0

    @contextmanager
    def client(self) -> Iterator[httpx2.Client]:
        """A client that goes there. MissingError if httpx2 is not installed."""
        httpx = need("httpx2", extra="serve")
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        with httpx.Client(base_url=self.url, headers=headers, timeout=self.timeout_s) as client:
            yield client


def encode(service: Service, picture: bytes, ask: Encode = ENCODE) -> bytes:
    """The file of a picture. Raises ServiceError."""
    return _form(service, "/v1/encode", picture, ask).content


def decode(service: Service, blob: bytes, ask: Decode = DECODE) -> bytes:
    """The picture of a file, as a PNG unless ``ask.format`` says otherwise. Raises ServiceError."""
    return _blob(service, "/v1/decode", blob, ask).content


def inspect(service: Service, blob: bytes, ask: Inspect = INSPECT) -> Mapping[str, Json]:
    """Every byte of a file and its owner, as POST /v1/inspect answers. Raises ServiceError."""
    return _json(_blob(service, "/v1/inspect", blob, ask))


def systems(service: Service) -> Mapping[str, Json]:
    """What is there, as GET /v1/systems answers. Raises ServiceError."""
    return _json(_sent(service, "GET", "/v1/systems"))


def begin_decode(service: Service, blob: bytes, ask: Decode = DECODE) -> str:
    """Begin a job that paints; give its id. Raises ServiceError."""
    return str(_json(_blob(service, "/v1/jobs/decode", blob, ask))["id"])


def begin_encode(service: Service, picture: bytes, ask: Encode = ENCODE) -> str:
    """Begin a job that encodes; give its id. Raises ServiceError."""
    return str(_json(_form(service, "/v1/jobs/encode", picture, ask))["id"])


def events(service: Service, job: str) -> Iterator[Mapping[str, Json]]:
    """How a job stands, at each change, until it has ended. Raises ServiceError."""
    with service.client() as client, _as_service_errors(), client.stream("GET", f"/v1/jobs/{job}/events") as response:
        if response.status_code != 200:
            response.read()
        _checked(response)
        for line in response.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def result(service: Service, job: str) -> bytes:
    """What a job has made. Raises ServiceError, also for why it failed."""
    return _sent(service, "GET", f"/v1/jobs/{job}/result").content


def cancel(service: Service, job: str) -> None:
    """End a job, and have it forgotten. Raises ServiceError."""
    _sent(service, "DELETE", f"/v1/jobs/{job}")


def _form(service: Service, path: str, picture: bytes, ask: Encode) -> httpx2.Response:
    return _sent(service, "POST", path, files={"image": ("image", picture)}, data=_given(ask))


def _blob(service: Service, path: str, blob: bytes, ask: Decode | Inspect) -> httpx2.Response:
    return _sent(service, "POST", path, content=blob, headers={"Content-Type": LIMN}, params=_given(ask))


def _sent(
    service: Service,
    method: str,
    path: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes]] | None = None,
) -> httpx2.Response:
    with service.client() as client, _as_service_errors():
        response = client.request(
            method, path, content=content, headers=headers, params=params, data=data, files=files
        )
    return _checked(response)


@contextmanager
def _as_service_errors() -> Iterator[None]:
    httpx = need("httpx2", extra="serve")
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(f"the service does not answer: {error or type(error).__name__}") from error


def _checked(response: httpx2.Response) -> httpx2.Response:
    """Raises ServiceError for a problem."""
    if response.status_code < 400:
        return response
    try:
        said = response.json()
        said = said if isinstance(said, dict) else {}
    except ValueError:
        said = {}
    retry = response.headers.get("Retry-After", "")
    text = ": ".join(str(part) for part in (said.get("title"), said.get("detail")) if part)
    raise ServiceError(
        text or f"the service answers {response.status_code}",
        response.status_code,
        str(said.get("type", "")),
        float(retry) if retry.isdecimal() else None,
        said.get("least_bytes"),
    )


def _given(ask: Encode | Decode | Inspect) -> dict[str, str]:
    """Fields of a form or a query, as text: those that are not as usual. Which work is long, the path says."""
    usual = type(ask)()
    given = {one.name: getattr(ask, one.name) for one in fields(ask) if one.name != "long"}
    told = {name: value for name, value in given.items() if value != getattr(usual, name)}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in told.items()}


def _json(response: httpx2.Response) -> Mapping[str, Json]:
    said: Mapping[str, Json] = response.json()
    return said
