"""A model behind an address that speaks OpenAI's chat protocol, asked to describe a picture."""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limner.describe.answer import Limits, Pixels, Turn, asked, shown
from limner.describe.scene import Scene
from limner.errors import LimnerError
from limner.extras import need

SENT_QUALITY = 90
ANSWER_BYTES = 1 << 20
ANSWER_TOKENS = 1024
WORTH_ANOTHER_TRY = (408, 409, 425, 429, 500, 502, 503, 504)
LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Endpoint:
    """A model behind an address that speaks OpenAI's chat protocol with pictures.

    url: up to and without ``/chat/completions``. key: name of the environment variable that holds the key, which may be unset.
    tries: how often a request is made that fails by the network or by a passing trouble of the server.
    """

    url: str
    model: str
    key: str = "OPENAI_API_KEY"
    timeout_s: float = 120.0
    tries: int = 3
    pause_s: float = 1.0

    def describe(self, pixels: Pixels, limits: Limits) -> Scene:
        """Asked again once, with what was wrong, if the answer is not of the form."""
        sent = data_url(pixels)

        def ask(turns: Sequence[Turn]) -> str:
            (_, first), *later = turns
            return self.ask([question(sent, first), *(said(role, text) for role, text in later)])

        height_px, width_px = pixels.shape[:2]
        return replace(asked(ask, limits), size_px=(width_px, height_px))

    def ask(self, messages: list[dict[str, Any]]) -> str:
        """The text of the model's answer. Raises LimnerError, in which no key stands."""
        httpx = need("httpx2", extra="describe")
        key = os.environ.get(self.key, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        body = {"model": self.model, "messages": messages, "max_tokens": ANSWER_TOKENS, "temperature": 0}
        address = f"{self.url.rstrip('/')}/chat/completions"

        def post() -> Any:
            return httpx.post(address, json=body, headers=headers, timeout=self.timeout_s)

        try:
            response = self.tried(post, httpx.TransportError)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LimnerError(f"{address} does not answer: {error or type(error).__name__}") from error
        if response.status_code != 200:
            raise LimnerError(f"{address} answers {response.status_code}: {refusal(response.text, self.key, key)}")
        return content_of(response.text, address)

    def tried(self, post: Callable[[], Any], passing: type[Exception]) -> Any:
        """Post, and again after a pause where that can help."""
        for left in reversed(range(self.tries)):
            try:
                response = post()
            except passing:
                if not left:
                    raise
            else:
                if response.status_code not in WORTH_ANOTHER_TRY or not left:
                    return response
            time.sleep(min(LONGEST_PAUSE_S, self.pause_s * 2 ** (self.tries - 1 - left)))
        raise LimnerError("tries is at least 1")


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def question(url: str, text: str) -> dict[str, Any]:
    """A message of words and the picture at an address."""
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return {"role": "user", "content": parts}


def data_url(pixels: Pixels) -> str:
    """A picture as a JPEG in an address, no larger than need be."""
    stream = io.BytesIO()
    shown(pixels).save(stream, "JPEG", quality=SENT_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def refusal(text: str, name: str, key: str) -> str:
    """The beginning of what a server said, without the key, and a hint."""
    shown = " ".join(text[:300].split())
    shown = shown.replace(key, "(key)") if key else shown
    return shown if key else f"{shown} (no key is set in {name})"


def content_of(text: str, address: str) -> str:
    """The answer in a response."""
    if len(text) > ANSWER_BYTES:
        raise LimnerError(f"{address} answers with more than {ANSWER_BYTES} bytes")
    try:
        content = json.loads(text)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise LimnerError(f"{address} does not answer as OpenAI's chat protocol does: no choices[0].message.content") from error
    if not isinstance(content, str):
        raise LimnerError(f"{address} answers with {type(content).__name__}, not with text")
    return content
