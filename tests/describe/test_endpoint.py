"""The endpoint describer against a real HTTP server."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from pictures import scene as picture
from PIL import Image

pytest.importorskip("httpx2")

from limner.describe.answer import Limits
from limner.describe.endpoint import Endpoint
from limner.errors import LimnerError, SceneError

PIXELS = picture(80, 60)
GOOD = json.dumps({"caption": "a dog", "overall": "a wet dog", "objects": [{"name": "dog", "detail": "brown"}]})


class Server(ThreadingHTTPServer):
    """Gives the answers it was told to, one a request, and keeps what was asked."""

    answers: list[tuple[int, str]]
    asked: list[tuple[str, dict[str, str], dict[str, Any]]]
    pause: threading.Event


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        status, text = self.server.answers.pop(0)
        if status == 0:
            self.server.pause.wait(5)
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        made.answers, made.asked, made.pause = [], [], threading.Event()
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.pause.set()
        made.shutdown()
        thread.join()


def endpoint(server: Server, tries: int = 3, timeout_s: float = 5.0) -> Endpoint:
    return Endpoint(f"http://127.0.0.1:{server.server_port}/v1/", "tiny", "A_KEY", timeout_s, tries, pause_s=0.01)


def chat(content: object) -> tuple[int, str]:
    return 200, json.dumps({"choices": [{"message": {"content": content}}]})


def test_the_picture_and_the_limits_are_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "secret")
    server.answers = [chat(GOOD)]
    found = endpoint(server).describe(PIXELS, Limits(things=7))
    assert found.caption == "a dog" and found.size_px == (80, 60)
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret" and body["model"] == "tiny"
    words, shown = body["messages"][0]["content"]
    assert "7 things" in words["text"]
    sent = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown["image_url"]["url"].split(",")[1]))))
    assert sent.shape == PIXELS.shape and np.abs(sent.astype(int) - PIXELS).mean() < 12


def test_a_bad_answer_is_asked_again_once(server: Server) -> None:
    server.answers = [chat("I see a dog."), chat(GOOD)]
    assert endpoint(server).describe(PIXELS, Limits()).caption == "a dog"
    _, (_, _, body) = server.asked
    assert (
        body["messages"][1] == {"role": "assistant", "content": "I see a dog."} and "answer" in body["messages"][2]["content"]
    )
    server.answers = [chat("I see a dog."), chat("Truly, a dog."), chat(GOOD)]
    with pytest.raises(SceneError):
        endpoint(server).describe(PIXELS, Limits())
    assert len(server.answers) == 1


def test_passing_trouble_is_waited_for(server: Server) -> None:
    server.answers = [(503, "busy"), (429, "slowly"), chat(GOOD)]
    assert endpoint(server).describe(PIXELS, Limits()).caption == "a dog"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(401, "who are you?")], "answers 401: who are you?.*no key is set in A_KEY"),
        ([(503, "busy")] * 2, "answers 503"),
        ([(200, "<html>")], "does not answer as OpenAI"),
        ([(200, '{"choices": []}')], "does not answer as OpenAI"),
        ([chat(None)], "NoneType, not with text"),
        ([(0, "")] * 2, "does not answer"),
    ],
)
def test_what_is_wrong_is_said(server: Server, answers: list[tuple[int, str]], said: str) -> None:
    server.answers = answers
    with pytest.raises(LimnerError, match=said):
        endpoint(server, tries=2, timeout_s=0.3).describe(PIXELS, Limits())
    assert server.answers == []


def test_no_key_is_shown(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "secret")
    server.answers = [(403, "the key secret is not known")]
    with pytest.raises(LimnerError, match="403") as caught:
        endpoint(server).describe(PIXELS, Limits())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address", "ftp://somewhere"])
def test_an_address_without_a_server_is_an_error(url: str) -> None:
    with pytest.raises(LimnerError, match="does not answer"):
        Endpoint(url, "tiny", tries=1, timeout_s=1).describe(PIXELS, Limits())
