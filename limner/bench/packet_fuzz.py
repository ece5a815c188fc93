"""Messages that nobody sent, into a `Joiner`.

    pictures -> packets -> kept | flipped | cut | spliced | forged: right check, any fields
    nothing  -> random bytes                              \\-> one Joiner for many -> count by outcome

Every picture that becomes whole is compared with those that were sent.
"""

from __future__ import annotations

import random
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from limner.container import Blob, Layer, pack
from limner.container.fields import join_fields
from limner.container.joiner import MOST_PICTURES, Joiner
from limner.container.packets import CHECK_BYTES, HEAD, crc, is_packet, make
from limner.errors import LimnerError

PICTURES = 12
MESSAGES_A_JOINER = 5_000


@dataclass
class Tally:
    """What came of many messages. ``escapes``: hexadecimal and what was raised, or what was wrong."""

    messages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    escapes: list[tuple[str, str]] = field(default_factory=list)
    slowest_s: float = 0.0


def fuzz(count: int, seed: int) -> Tally:
    """Invent ``count`` messages, the same for the same seed, and give them to joiners."""
    rng, tally = random.Random(seed), Tally()
    while tally.messages < count:
        files = [some_file(rng) for _ in range(PICTURES)]
        packets = [data for blob in files for data in some_packets(rng, blob)]
        joiner, sent = Joiner(), frozenset(files)
        for _ in range(min(MESSAGES_A_JOINER, count - tally.messages)):
            give(joiner, invented(rng, packets), sent, tally)
    return tally


def give(joiner: Joiner, message: bytes, sent: frozenset[bytes], tally: Tally) -> None:
    """Give one message to a joiner and count what happens."""
    tally.messages += 1
    start = time.process_time()
    try:
        state = joiner.add(message)
        found = joiner.partial(state.picture)
        outcome = str(state.event)
        if state.event == "whole" and joiner.whole(state.picture) not in sent:
            outcome = "ESCAPED a wrong picture"
        elif found is not None and not any(blob.startswith(found) for blob in sent):
            outcome = "wrong layers of a picture whose packets were forged"
        if len(joiner.pictures()) > MOST_PICTURES:
            outcome = "ESCAPED more pictures than a joiner may keep"
        trace = ""
    except LimnerError as error:
        outcome, trace = type(error).__name__, ""
    except Exception as error:
        outcome, trace = f"ESCAPED {type(error).__name__}", traceback.format_exc(limit=-6)
    tally.slowest_s = max(tally.slowest_s, time.process_time() - start)
    tally.outcomes[outcome] += 1
    if outcome.startswith("ESCAPED"):
        tally.escapes.append((message.hex(), trace or outcome))


def some_file(rng: random.Random) -> bytes:
    """Return a bare file of one layer or of several."""
    layers = [Layer(2, rng.randbytes(rng.randint(0, 40))) for _ in range(rng.randint(0, 2))]
    layers.append(Layer(1, rng.randbytes(rng.choice((0, 1, 20, 100, 300)))))
    return pack(Blob(1, rng.randbytes(2), rng.randint(1, 5000), rng.randint(1, 300), tuple(layers)), bare=True)


def some_packets(rng: random.Random, blob: bytes) -> list[bytes]:
    """Return the packets of a file, cut in any way."""
    sender = rng.choice((b"", b"K1", b"DL1ABC-11"))
    payload = len(sender) + 4 + rng.randint(-(-(len(blob) + 1) // 64), 120)
    return make(blob, payload, rng.randint(0, 6), sender, wrap=rng.random() < 0.5)


def invented(rng: random.Random, packets: Sequence[bytes]) -> bytes:
    """Return a message: a packet as it was sent, one that was spoilt, forged, or random bytes."""
    kind = rng.randrange(8)
    data = rng.choice(packets)
    if kind == 0:
        return data
    if kind == 1:
        return _flipped(rng, data)
    if kind == 2:
        return data[: rng.randint(0, len(data))] + rng.choice((b"", b"\0", rng.randbytes(rng.randint(0, 5))))
    if kind == 3:
        other = rng.choice(packets)
        return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]
    if kind == 4:
        return repaired(_flipped(rng, data), rng.randrange(4096))
    if kind == 5:
        return forged(rng)
    if kind == 6:
        return bytes([rng.choice((0x40, 0x7F, 0xA7, 0xC0, 0xE0, 0xFF))]) + rng.randbytes(rng.randint(0, 40))
    return rng.randbytes(rng.choice((0, 1, 3, 4, 5, 20, 60, 240)))


def forged(rng: random.Random) -> bytes:
    """Return a packet with a right check and any fields; few ids, so that forged ones meet."""
    head = {"form": 3, "sender": rng.randrange(2), "count": rng.choice((0, 1, 2, 3, 63)), "index": rng.randrange(128)}
    body = join_fields(HEAD, head) + rng.randbytes(rng.choice((0, 1, 2, 8, 30)))
    return repaired(body + bytes(CHECK_BYTES), rng.randrange(4))


def repaired(data: bytes, number: int) -> bytes:
    """Return bytes that start like a packet with the check that makes them one of picture ``number``."""
    if len(data) < CHECK_BYTES or not is_packet(data):
        return data
    body = data[:-CHECK_BYTES]
    return body + (crc(body) ^ 0xF000 ^ number).to_bytes(CHECK_BYTES, "big")


def _flipped(rng: random.Random, data: bytes) -> bytes:
    at, value = rng.randrange(len(data)), rng.randrange(1, 256)
    return data[:at] + bytes([data[at] ^ value]) + data[at + 1 :]


def report(tally: Tally) -> str:
    """Return the counts as text, escapes with their bytes first."""
    lines = [f"{data}\n{trace}" for data, trace in tally.escapes[:10]]
    lines += [f"{count:>9}  {outcome}" for outcome, count in sorted(tally.outcomes.items())]
    lines.append(f"{tally.messages} messages, {len(tally.escapes)} escapes, slowest {tally.slowest_s:.4f} s of processor time")
    return "\n".join(lines)
