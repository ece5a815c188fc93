"""The client: what the library makes, over the wire, and errors that say what to do."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("httpx2")
pytest.importorskip("fastapi")

from PIL import Image
from services import Live, served

from limner import api
from limner.serve import client
from limner.serve.asks import Decode, Encode, Inspect
from limner.serve.client import Service, ServiceError
from limner.serve.settings import Access, Settings

KEY = "0123456789abcdef"


@pytest.fixture
def service(live: Live) -> Service:
    return Service(live.url)


def test_there_and_back(service: Service, picture: bytes) -> None:
    blob = client.encode(service, picture, Encode(target_bytes=300))
    with Image.open(io.BytesIO(client.decode(service, blob, Decode(format="webp", painter="vivid", strength=0.5)))) as found:
        assert found.format == "WEBP"
        assert np.array_equal(np.asarray(found), api.decode(blob, painter="vivid", strength=0.5))
    assert client.inspect(service, blob)["bytes"] == len(blob)


def test_all_that_can_be_asked_is_sent(service: Service, picture: bytes) -> None:
    blob = client.encode(service, picture, Encode(system="pics", caption="a hill", seed=7, bare=True))
    assert api.inspect(blob).bare
    layers = client.inspect(service, blob, Inspect(pictures=True))["layers"]
    assert isinstance(layers, list) and any(isinstance(layer, dict) and layer["picture"] for layer in layers)
    assert client.decode(service, blob, Decode(preview=True)).startswith(b"\x89PNG")


def test_what_is_there(service: Service) -> None:
    assert client.systems(service)["limits"]


def test_jobs(service: Service, picture: bytes) -> None:
    job = client.begin_encode(service, picture, Encode(target_bytes=300))
    assert [event["state"] for event in client.events(service, job)][-1] == "done"
    blob = client.result(service, job)
    assert len(blob) <= 300
    job = client.begin_decode(service, blob)
    assert [event["state"] for event in client.events(service, job)][-1] == "done"
    assert client.result(service, job).startswith(b"\x89PNG")
    client.cancel(service, job)
    with pytest.raises(ServiceError, match="no such job"):
        list(client.events(service, job))


def test_errors_say_what_to_do(service: Service, picture: bytes) -> None:
    with pytest.raises(ServiceError, match="the least that would do") as refused:
        client.encode(service, picture, Encode(target_bytes=3))
    assert refused.value.status == 400 and refused.value.type == "urn:limner:budget" and refused.value.least_bytes
    with pytest.raises(ServiceError) as refused:
        client.decode(service, b"no file")
    assert refused.value.type == "urn:limner:bad-input"


def test_a_key_is_sent() -> None:
    with served(Settings(port=0, workers=1, threads=1, access=Access(KEY))) as live:
        assert client.systems(Service(live.url, KEY))["systems"]
        with pytest.raises(ServiceError, match="API key") as refused:
            client.systems(Service(live.url))
        assert refused.value.status == 401
    assert KEY not in repr(Service(live.url, KEY))
    with pytest.raises(ServiceError, match="does not answer") as refused:
        client.systems(Service(live.url))
    assert refused.value.status == 0
