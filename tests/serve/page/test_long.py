"""Work that takes long, and a service that is busy."""

from __future__ import annotations

import time
import urllib.request

import pytest
from chromium import Browser, by
from on_page import IDLE, PATIENCE_S, choose, settle, until

UNDER_WAY = ('limner_jobs{state="running"}', 'limner_jobs{state="waiting"}')


def test_long_work_is_stopped(page: Browser, service: str) -> None:
    for module in ("torch", "diffusers", "transformers"):
        pytest.importorskip(module)
    choose(page, "system", "pic")
    settle(page, lambda: by(page, "words").send_keys("a hill"))
    choose(page, "painter", "diffusion")
    until(page, "!document.getElementById('long').hidden")
    by(page, "stop").click()
    until(page, f"{IDLE} && document.getElementById('status').textContent === 'Stopped.'")

    def under_way() -> list[str]:
        with urllib.request.urlopen(f"{service}/metrics") as answer:
            said = answer.read().decode().splitlines()
        return [line for line in said if line.startswith(UNDER_WAY) and not line.endswith(" 0")]

    end_s = time.monotonic() + PATIENCE_S
    while under_way() and time.monotonic() < end_s:
        time.sleep(0.05)
    assert under_way() == []


def test_answers_of_the_service_are_heeded(browser: Browser) -> None:
    """Steps of a job come in pieces; where too many wait, it is asked again when the service says so."""
    script = """
        const [answers, done] = arguments, asked = [], steps = [], bytes = new TextEncoder();
        const stream = texts => new ReadableStream({
            start(to) { texts.forEach(one => to.enqueue(bytes.encode(one))); to.close(); },
        });
        window.fetch = async (path, options = {}) => {
            asked.push(`${options.method || "GET"} ${path}`);
            const { status, headers, body } = answers.shift();
            return new Response(status === 204 ? null : stream(body), { status, headers });
        };
        const told = (step, of) => steps.push([step, of]);
        import("/static/js/api.js")
            .then(api => api.paint(new Uint8Array(2), { format: "png" }, told, null))
            .then(async ({ picture, detail }) => done([asked, steps, await picture.text(), detail]))
            .catch(error => done([error.message]));
    """
    events = [
        *("event: state\nda", 'ta: {"step": 1, "steps": 2}\n\n', ": still there\n\nevent: state\n"),
        *('data: {"step": 2, "steps": 2}\n', "\n"),
    ]
    answers = [
        {"status": 429, "headers": {"Retry-After": "0.01"}, "body": ["{}"]},
        {"status": 202, "body": ['{"id": "x"}']},
        {"status": 200, "body": events},
        {"status": 200, "headers": {"X-Limner-Detail": "may be invented"}, "body": ["painted"]},
        {"status": 204},
    ]
    asked, *rest = browser.execute_async_script(script, answers)
    begin = "POST v1/jobs/decode?format=png"
    assert asked == [begin, begin, "GET v1/jobs/x/events", "GET v1/jobs/x/result", "DELETE v1/jobs/x"]
    assert rest == [[[1, 2], [2, 2]], "painted", "may be invented"]
