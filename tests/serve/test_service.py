"""The service over the wire: every route, its limits, and what happens when a worker is killed."""

from __future__ import annotations

import asyncio
import base64
import http.server
import io
import json
import os
import signal
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest

httpx2 = pytest.importorskip("httpx2")
pytest.importorskip("fastapi")

from pictures import scene  # noqa: E402
from PIL import Image  # noqa: E402
from services import LIMN, Live, as_file, form, served  # noqa: E402

from limner import api  # noqa: E402
from limner.serve.settings import MB, Access, Bounds, Settings  # noqa: E402

Http = Any


def problem(answer: Any) -> str:
    """The kind of a problem; it is one as it should be."""
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == answer.status_code and said["title"]
    return str(said["type"].removeprefix("urn:limner:"))


def test_a_picture_goes_there_and_back(http: Http, picture: bytes) -> None:
    answer = http.post("/v1/encode", **form(picture, target_bytes=300))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/x-limn"
    assert len(answer.content) <= 300 and int(answer.headers["x-limner-bytes"]) == len(answer.content)
    painted = http.post("/v1/decode", content=answer.content, headers=LIMN)
    assert painted.headers["content-type"] == "image/png" and painted.headers["x-limner-detail"] == "nothing invented"
    with Image.open(io.BytesIO(painted.content)) as found:
        assert np.array_equal(np.asarray(found), api.decode(answer.content))


def test_a_file_as_json_has_its_layers(http: Http, picture: bytes) -> None:
    answer = http.post("/v1/encode", **form(picture, target_bytes=300), headers={"Accept": "application/json"}).json()
    assert len(base64.b64decode(answer["blob"])) == answer["bytes"] == sum(row["length"] for row in answer["rows"])
    assert [layer["kind"] for layer in answer["layers"]] == ["header", "latent"] and answer["sending"] is None


@pytest.mark.parametrize("kind", ["image/x-limn", "application/octet-stream", "image/x-limn; q=1"])
def test_a_file_comes_in_several_ways(http: Http, blob: bytes, kind: str) -> None:
    report = http.post("/v1/inspect", content=blob, headers={"Content-Type": kind}).json()
    assert report["bytes"] == len(blob) and report["system"] == "miniature"
    assert http.post("/v1/inspect", files={"blob": ("x.limn", blob)}).json() == report


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_pictures_in_three_formats(http: Http, blob: bytes, format: str) -> None:
    answer = http.post("/v1/decode", params={"format": format, "size": "40x30"}, content=blob, headers=LIMN)
    assert answer.headers["content-type"] == f"image/{format}"
    with Image.open(io.BytesIO(answer.content)) as found:
        assert found.size == (40, 30)


def test_packets_there_and_back(http: Http, blob: bytes) -> None:
    made = http.post("/v1/packets", params={"channel": "meshtastic", "parity": 1}, content=blob, headers=LIMN).json()
    assert made["sending"]["messages"] == len(made["packets"])
    data = [packet["data"] for packet in made["packets"]][1:]
    (joined,) = http.post("/v1/join", json={"packets": data, "armour": made["armour"]}).json()["pictures"]
    assert base64.b64decode(joined["blob"]) == blob


def test_what_there_is(http: Http) -> None:
    found = http.get("/v1/systems").json()
    assert found["limits"]["pixels"] == 1_000_000 and not found["describes"]
    links = http.get("/v1/channels", params={"bytes": 500}).json()["channels"]
    assert next(link for link in links if link["name"] == "sms")["plan"]["messages"] == 4
    assert http.get("/healthz").json()["status"] == "ok"


def test_it_counts(http: Http, blob: bytes) -> None:
    http.post("/v1/inspect", content=blob, headers=LIMN)
    http.get("/v1/no/such/route")
    text = http.get("/metrics").text
    assert 'limner_requests_total{route="/v1/inspect",method="POST",status="200"}' in text
    assert 'limner_requests_total{route="other",method="GET",status="404"}' in text and "/no/such" not in text
    assert 'limner_workers{pool="workers"} 2' in text


# --- what is refused


@pytest.mark.parametrize(
    ("path", "given", "status", "kind"),
    [
        ("/v1/encode", {"data": {"target_bytes": "300"}}, 415, "media-type"),
        ("/v1/encode", {"files": {"image": ("a", b"no picture")}}, 400, "bad-input"),
        ("/v1/encode", {"files": {"picture": ("a", b"x")}}, 422, "invalid"),
        ("/v1/encode", {"files": [("image", ("a", b"x")), ("image", ("b", b"y"))]}, 400, "bad-request"),
        ("/v1/encode", {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad-request"),
        ("/v1/encode", {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 400, "bad-request"),
        ("/v1/decode", {"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "media-type"),
        ("/v1/decode", {"content": b"", "headers": LIMN}, 400, "bad-input"),
        ("/v1/decode", {"content": b"\xa7\x4cno", "headers": LIMN}, 400, "bad-input"),
        ("/v1/decode?size=0x4", {"content": b"x", "headers": LIMN}, 422, "invalid"),
        ("/v1/decode?colour=red", {"content": b"x", "headers": LIMN}, 422, "invalid"),
        ("/v1/packets", {"content": b"x", "headers": LIMN}, 400, "bad-input"),
        ("/v1/packets?channel=nothing", {"content": b"x", "headers": LIMN}, 400, "bad-input"),
        ("/v1/join", {"content": b"[", "headers": {"Content-Type": "application/json"}}, 400, "bad-input"),
        ("/v1/describe", {"files": {"image": ("a", b"x")}}, 501, "missing"),
        ("/v1/nothing", {}, 404, "not-found"),
        ("/healthz", {}, 405, "method"),
    ],
)
def test_what_is_refused(http: Http, path: str, given: dict[str, Any], status: int, kind: str) -> None:
    answer = http.post(path, **given)
    assert (answer.status_code, problem(answer)) == (status, kind)


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"target_bytes": "many"}, 422, "target_bytes"),
        ({"target_bytes": "0"}, 422, "target_bytes"),
        ({"system": "jpeg"}, 422, "system"),
        ({"settings": "/etc/passwd"}, 422, "settings"),
        ({"background": "white"}, 422, "background"),
        ({"colour": "red"}, 422, "colour"),
        ({"caption": "a" * 4001}, 422, "caption"),
        ({"target_bytes": "100", "bpp": "0.1"}, 400, None),
        ({"system": "sedic", "scene": '{"objects": 1}'}, 400, "objects"),
    ],
)
def test_fields_that_do_not_fit(http: Http, picture: bytes, fields: dict[str, str], status: int, field: str | None) -> None:
    answer = http.post("/v1/encode", **form(picture, **fields))
    problem(answer)
    assert (answer.status_code, answer.json().get("field")) == (status, field)


def test_the_least_that_would_do_is_said(http: Http, picture: bytes) -> None:
    refused = http.post("/v1/encode", **form(picture, target_bytes=5))
    assert problem(refused) == "budget"
    least = refused.json()["least_bytes"]
    assert http.post("/v1/encode", **form(picture, target_bytes=least)).status_code == 200
    assert problem(http.post("/v1/encode", **form(picture, target_bytes=least - 1))) == "budget"


def test_what_takes_long_is_told_to_be_a_job(http: Http, picture: bytes) -> None:
    made = http.post("/v1/encode", **form(picture, system="pic", caption="a hill"))
    assert made.status_code == 200
    assert problem(http.post("/v1/decode", content=made.content, headers=LIMN)) == "needs-job"
    assert http.post("/v1/decode", params={"preview": True}, content=made.content, headers=LIMN).status_code == 200


def test_pictures_over_the_limit(http: Http) -> None:
    answer = http.post("/v1/encode", **form(as_file(np.zeros((1001, 1000, 3), np.uint8), "PNG")))
    assert answer.status_code == 400 and "over the limit of 1000000" in answer.json()["detail"]


@pytest.mark.parametrize("said", [True, False])
def test_bodies_over_the_limit(live: Live, said: bool) -> None:
    body = bytes(5 * MB)
    content = body if said else iter([body[: len(body) // 2]] * 2)
    answer = httpx2.post(f"{live.url}/v1/decode", content=content, headers=LIMN, timeout=60)
    assert (answer.status_code, problem(answer)) == (413, "too-large")


def test_a_name_is_no_path(http: Http, picture: bytes) -> None:
    for name in ("../../../etc/passwd", "/dev/zero", "C:\\x.jpg", ""):
        answer = http.post("/v1/encode", files={"image": (name or "x", picture)}, data={"target_bytes": "200"})
        assert answer.status_code == 200
    refused = http.post("/v1/encode", files={"image": ("/etc/passwd", b"no picture")})
    assert "passwd" not in refused.text


def test_pages_elsewhere_and_other_names_are_refused(http: Http) -> None:
    assert problem(http.get("/v1/systems", headers={"Host": "evil.example"})) == "bad-host"
    assert http.get("/healthz", headers={"Host": "evil.example"}).status_code == 200
    assert problem(http.get("/v1/systems", headers={"Origin": "https://evil.example"})) == "bad-origin"


# --- slowness


def raw(live: Live, data: bytes) -> bytes:
    """What comes back to bytes that end half way."""
    host, _, port = live.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(data)
        found = b""
        while part := line.recv(65536):
            found += part
    return found


def test_a_slow_body_is_cut(live: Live) -> None:
    head = b"POST /v1/decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/x-limn\r\nContent-Length: 100\r\n\r\n"
    answer = raw(live, head + b"half")
    assert answer.startswith(b"HTTP/1.1 408 ") and b"urn:limner:slow" in answer


def test_a_slow_head_is_cut(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.serve.server.HEAD_S", 0.5)
    assert raw(live, b"POST /v1/decode HTTP/1.1\r\nHost: loc") == b""
    assert raw(live, b"") == b""


def test_the_rest_of_a_refused_body_is_not_waited_for(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.serve.server.HEAD_S", 0.5)
    answer = raw(live, b"POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_who_does_not_take_an_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn
    from uvicorn.server import ServerState

    from limner.serve.server import Protocol

    monkeypatch.setattr("limner.serve.server.TAKE_S", 0.3)
    pieces, piece = 1000, bytes(1 << 16)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def taken() -> int:
        config = uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        async with await asyncio.get_running_loop().create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0) as made:
            reader, writer = await asyncio.open_connection(*made.sockets[0].getsockname(), limit=1024)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while not state.tasks:
                await asyncio.sleep(0.01)
            await asyncio.wait(state.tasks, timeout=60)
            assert not state.connections
            size = 0
            while part := await reader.read(1 << 20):
                size += len(part)
            writer.close()
            return size

    assert 0 < asyncio.run(taken()) < pieces * len(piece)


# --- workers


def busy(live: Live, count: int = 1) -> None:
    until_s = time.monotonic() + 60
    while live.desk.pool.running < count:
        assert time.monotonic() < until_s
        time.sleep(0.005)


def test_a_killed_worker_costs_one_request(live: Live, http: Http, picture: bytes) -> None:
    large = as_file(scene(1000, 1000))
    answers: list[Any] = []

    def ask() -> None:
        answers.append(httpx2.post(f"{live.url}/v1/encode", **form(large, target_bytes=1000), timeout=120))

    for _ in range(20):
        thread = threading.Thread(target=ask)
        thread.start()
        busy(live)
        for worker in list(live.desk.pool.workers):
            os.kill(worker.pid, signal.SIGKILL)
        thread.join()
        if answers[-1].status_code != 200:  # it was not done before
            break
    assert (answers[-1].status_code, problem(answers[-1])) == (500, "worker-died")
    assert http.post("/v1/encode", **form(picture, target_bytes=300)).status_code == 200
    assert http.get("/healthz").json()["status"] == "ok"


def test_more_than_there_is_room_for_get_429(picture: bytes) -> None:
    settings = Settings(port=0, workers=1, threads=1, queue=1)
    large = as_file(scene(800, 800))
    with served(settings) as live:
        answers: list[Any] = []
        ask = lambda: answers.append(httpx2.post(f"{live.url}/v1/encode", **form(large), timeout=120))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = {answer.status_code for answer in answers}
        assert statuses == {200, 429}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert problem(refused) == "busy" and int(refused.headers["retry-after"]) >= 1
        assert httpx2.post(f"{live.url}/v1/encode", **form(picture), timeout=120).status_code == 200


def test_memory_and_time_are_limited(blob: bytes) -> None:
    bounds = Bounds(memory_bytes=256 * MB, time_s=1.0, pixels=100_000_000)
    png = as_file(np.zeros((9000, 9000, 3), np.uint8), "PNG")
    with served(Settings(port=0, workers=1, threads=1, bounds=bounds)) as live:
        answer = httpx2.post(f"{live.url}/v1/encode", **form(png), timeout=120)
        assert (answer.status_code, problem(answer)) in ((413, "memory"), (504, "over-time"))
        for _ in range(3):
            # The worker is replaced; whoever comes meanwhile waits.
            assert httpx2.post(f"{live.url}/v1/inspect", content=blob, headers=LIMN, timeout=120).status_code == 200


def test_work_over_its_time_is_ended(blob: bytes) -> None:
    bounds = Bounds(time_s=0.05, pixels=100_000_000)
    with served(Settings(port=0, workers=1, threads=1, bounds=bounds)) as live:
        answer = httpx2.post(f"{live.url}/v1/encode", **form(as_file(scene(2000, 2000))), timeout=120)
        assert (answer.status_code, problem(answer)) == (504, "over-time")


# --- keys and pages elsewhere

KEY = "0123456789abcdef"


def test_a_key_and_an_origin() -> None:
    access = Access(KEY, origins=("https://friend.example",))
    with served(Settings(port=0, workers=1, threads=1, access=access)) as live, httpx2.Client(base_url=live.url) as client:
        refused = client.get("/v1/channels")
        assert (refused.status_code, problem(refused)) == (401, "no-key") and refused.headers["www-authenticate"] == "Bearer"
        assert problem(client.get("/metrics")) == "no-key"
        assert client.get("/healthz").status_code == 200
        headers = {"Authorization": f"Bearer {KEY}", "Origin": "https://friend.example"}
        allowed = client.get("/v1/channels", headers=headers)
        assert allowed.status_code == 200 and allowed.headers["access-control-allow-origin"] == "https://friend.example"
        asked = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}
        assert client.options("/v1/encode", headers=asked).status_code == 200
        document = client.get("/openapi.json").json()
        assert set(document["components"]["securitySchemes"]) == {"key", "bearer"}
        assert "401" in document["paths"]["/v1/encode"]["post"]["responses"]


# --- describing


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Speaks as an OpenAI-compatible model does, or fails."""

    fails = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        scene = {"caption": "a hill", "overall": "a green hill", "objects": [{"name": "hill", "box": [0, 0, 9, 9]}]}
        said = {"choices": [{"message": {"content": json.dumps(scene)}}]}
        body = b"secrets of the endpoint" if self.fails else json.dumps(said).encode()
        self.send_response(400 if self.fails else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        pass


def test_a_picture_is_described(picture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{endpoint.server_port}/v1"
        with served(Settings(port=0, workers=1, threads=1, describer=address)) as live:
            assert httpx2.get(f"{live.url}/v1/systems", timeout=60).json()["describes"]
            answer = httpx2.post(f"{live.url}/v1/describe", **form(picture), timeout=120)
            assert answer.status_code == 200 and answer.json()["objects"][0]["name"] == "hill"
            monkeypatch.setattr(Endpoint, "fails", True)
            refused = httpx2.post(f"{live.url}/v1/describe", **form(picture), timeout=120)
            assert (refused.status_code, problem(refused)) == (502, "describer")
            assert "secrets" not in refused.text and address not in refused.text
        endpoint.shutdown()
        thread.join()


# --- jobs


def test_a_job_is_watched_and_fetched(http: Http, blob: bytes) -> None:
    begun = http.post("/v1/jobs/decode", params={"format": "webp"}, content=blob, headers=LIMN)
    assert begun.status_code == 202
    place = begun.headers["location"]
    with http.stream("GET", f"{place}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        seen = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]
    assert seen[-1]["state"] == "done" and seen[-1]["media_type"] == "image/webp"
    found = http.get(f"{place}/result")
    assert found.headers["content-type"] == "image/webp" and len(found.content) == seen[-1]["bytes"]
    assert http.delete(place).status_code == 204
    assert problem(http.get(place)) == "not-found"


def test_a_job_that_encodes_and_one_that_fails(http: Http, picture: bytes) -> None:
    place = http.post("/v1/jobs/encode", **form(picture, target_bytes=300)).headers["location"]
    http.get(f"{place}/events")
    assert len(http.get(f"{place}/result").content) <= 300
    assert http.get(f"{place}/result", headers={"Accept": "application/json"}).json()["system"] == "miniature"
    place = http.post("/v1/jobs/encode", **form(b"no picture")).headers["location"]
    http.get(f"{place}/events")
    failed = http.get(place).json()
    assert failed["state"] == "failed" and failed["problem"]["type"] == "urn:limner:bad-input"
    assert problem(http.get(f"{place}/result")) == "bad-input"


def test_the_page_has_its_headers(http: Http) -> None:
    answer = http.get("/")
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        assert "connect-src 'self'" in answer.headers["content-security-policy"]
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/samples/..%2f..%2fapp.py"):
        assert http.get(path).status_code == 404
