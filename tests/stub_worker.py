"""A worker that does as it is told, at once, and does no work: for tests of those who ask it.

The words are the caption of an Encode: "sleep S", "die", "steps N", "worn", "noise"; anything else is said back.
"""

from __future__ import annotations

import os
import sys
import time

from limner.serve import wire, worker
from limner.serve.wire import Message


def main() -> None:
    source, target = worker.private_streams()
    assert wire.read(source) is not None
    if "--broken" in sys.argv:
        sys.exit(3)
    desk = worker.Desk()
    import threading

    threading.Thread(target=worker.listen, args=(source, desk), daemon=True).start()
    wire.write(target, Message(wire.READY, {"resident": 1}))
    teller = worker.Teller(target, desk, step_s=0.0)
    while True:
        asked = desk.asks.get()
        desk.at_work = worker.number_of(asked)
        wire.write(target, Message(wire.TAKEN))
        fields = asked.fields["ask"]
        assert isinstance(fields, dict)
        wire.write(target, answer(str(fields["caption"]), asked.body, teller))


def answer(words: str, body: bytes, teller: worker.Teller) -> Message:
    verb, _, value = words.partition(" ")
    if verb == "die":
        os._exit(9)
    if verb == "sleep":
        time.sleep(float(value))
    if verb == "noise":
        print("this goes to stderr")
    if verb == "steps":
        try:
            for step in range(1, int(value) + 1):
                time.sleep(0.02)
                teller(step, int(value))
        except worker.Cancelled:
            return Message(wire.CANCELLED)
    if verb == "refuse":
        return Message(wire.FAILED, {"error": value, "kinds": [value], "detail": "no"})
    facts: dict[str, wire.Json] = {"said": words, "pid": os.getpid()}
    return Message(wire.DONE, {"facts": facts, "worn": verb == "worn"}, body[::-1])


if __name__ == "__main__":
    main()
