"""``python -m limner.bench.packets``: what arrives of a picture in packets, and packets that nobody sent.

    files of 200 and 500 bytes -> packets of each scheme -> losses -> Joiner -> shares -> packets.jsonl -> packets.md
    --fuzz N: N messages, random, damaged and spliced, into Joiners: only LimnerError may come out

Ours are real files, real packets and the real `Joiner`. The other schemes are modelled, as the page says.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from limner.bench.losses import Link, Receiver, all_or_nothing, by_joiner, each_for_itself, resent, sent
from limner.bench.packet_fuzz import fuzz, report
from limner.bench.rows import table, write_page
from limner.channels import find
from limner.container import Blob, Layer, pack
from limner.container.packets import make

LINKS = {"Meshtastic": "meshtastic-longfast", "Iridium SBD": "sbd"}
"""Links as the page names them, and by their name in `limner.channels`, which knows what a message carries."""
SIZES_BYTES = (200, 500)
LOSSES = (0.01, 0.05, 0.1, 0.2)
BURST = 3.0
PARITIES = (0, 1, 2)
WORDS = "a red boat in the harbour, two gulls"

SSDV_HEAD_BYTES, SSDV_CRC_BYTES, SSDV_RS_BYTES, SSDV_BYTES = 15, 4, 32, 256


@dataclass(frozen=True)
class Scheme:
    """One way to send one picture over one link: its messages, and what a receiver makes of those that arrive."""

    name: str
    message_bytes: tuple[int, ...]
    receiver: Receiver


@dataclass(frozen=True)
class Row:
    """One scheme on one link under one loss. Shares are parts of 1; ``burst``: mean run of losses in messages, None: alone."""

    link: str
    payload_bytes: int
    picture_bytes: int
    scheme: str
    messages: int
    sent_bytes: int
    loss: float
    burst: float | None
    trials: int
    seed: int
    whole: float
    partial: float
    nothing: float


def file(size_bytes: int, words: str | None = None) -> bytes:
    """Return a bare file of miniature of exactly that length: one layer, or words and then latents, of any bytes."""
    layers = () if words is None else (Layer(2, b"\0" + words.encode()),)
    empty = pack(Blob(1, b"\0\0", 768, 512, (*layers, Layer(1, b""))), bare=True)
    body = random.Random(size_bytes).randbytes(size_bytes - len(empty))
    return pack(Blob(1, b"\0\0", 768, 512, (*layers, Layer(1, body))), bare=True)


def schemes(size_bytes: int, payload_bytes: int) -> Iterator[Scheme]:
    """Yield the ways that are compared."""
    for name, words in (("limner, one layer", None), ("limner, words first", WORDS)):
        blob = file(size_bytes, words)
        for parity in PARITIES:
            packets = make(blob, payload_bytes, parity)
            lengths = tuple(map(len, packets))
            yield Scheme(f"{name}, parity {parity}", lengths, by_joiner(packets, blob))
    chunks = tuple(min(payload_bytes, size_bytes - at) for at in range(0, size_bytes, payload_bytes))
    yield Scheme("WebP in chunks", chunks, all_or_nothing)
    yield Scheme("WebP in chunks, sent twice", 2 * chunks, partial(resent, times=2))
    yield Scheme("SSDV", ssdv(size_bytes, payload_bytes), each_for_itself)


def ssdv(size_bytes: int, payload_bytes: int) -> tuple[int, ...]:
    """Return the lengths of SSDV packets that carry so many bytes of scan data.

    256 bytes with Reed-Solomon inside (15 of header, 205 of data, 4 of CRC-32, 32 of RS(255,223)) where the message has room
    for them, else packets without it that are as long as the message.
    """
    length = min(SSDV_BYTES, payload_bytes)
    data = length - SSDV_HEAD_BYTES - SSDV_CRC_BYTES - (SSDV_RS_BYTES if length == SSDV_BYTES else 0)
    return (length,) * -(-size_bytes // data)


def rows(trials: int, seed: int) -> Iterator[Row]:
    """Send every picture by every scheme over every link."""
    for name, channel in LINKS.items():
        payload = find(channel).payload_bytes
        for size in SIZES_BYTES:
            for scheme in schemes(size, payload):
                for loss in LOSSES:
                    for burst in (None, BURST):
                        yield row(name, payload, size, scheme, Link(loss, burst), trials, seed)


def row(name: str, payload_bytes: int, size_bytes: int, scheme: Scheme, link: Link, trials: int, seed: int) -> Row:
    messages = len(scheme.message_bytes)
    # One seed for all schemes with as many messages: they meet the same losses.
    found = sent(link, messages, scheme.receiver, trials, f"{seed}/{link}/{messages}")
    whole, part, nothing = (count / trials for count in (found.whole, found.partial, found.nothing))
    facts = (name, payload_bytes, size_bytes, scheme.name, messages, sum(scheme.message_bytes), link.loss, link.burst)
    return Row(*facts, trials, seed, whole, part, nothing)


INTRODUCTION = """Shares of pictures that arrive whole / in part / not at all, in percent. Every figure is a count over
{trials} pictures, seed {seed}. Each message is lost with the probability at the head of the column: *alone*, independently of
others, or in *runs* of {burst:g} messages on average (Gilbert 1960: a good state that loses nothing and a bad one that loses
everything; Elliott 1963 has it as a case).

- **limner**: bare files, cut by `limner.container.packets`, joined by `limner.container.joiner`; a file that fits into one
  message is the message, and parity repeats it. *One layer*: latents alone, of which there is no part. *Words first*: a layer
  of {words} bytes of words, then latents; in part means that the words are there. What was joined was compared with what was
  sent.
- **WebP in chunks**: a WebP file of as many bytes, cut into full messages without any header: nobody could join that, but no
  scheme could be cheaper. Of use only as a whole. *Sent twice*: the whole file again behind the first, a chunk from either.
- **SSDV**: packets as published: header 15 bytes, CRC-32 4, and, in packets of 256 bytes, 32 of RS(255,223), which repairs
  wrong bytes within a packet and does nothing against its loss; where the message is shorter, packets of that length without
  it. All have one length. Each packet begins at a block of the JPEG picture, so each that arrives shows its part: in part
  means at least one. What restarting costs in JPEG data is not counted, and quality is not compared: so few bytes of JPEG
  show little.

*Bytes* are those of all messages of a picture, headers of the link not counted.
"""
SSDV_SOURCE = "- SSDV: https://ukhas.org.uk/doku.php?id=guides:ssdv, and the layout of packets in RadioLib's `SSDV.h`.\n"


def page(found: Sequence[Row], command: str) -> str:
    """Return the page of a run."""
    first = found[0]
    parts = [
        "# What arrives over a link that loses messages\n",
        "Computed from `packets.jsonl` by the command below; nothing here is written by hand.\n",
        f"```\n{command}\n```\n",
        INTRODUCTION.format(trials=f"{first.trials:,}", seed=first.seed, burst=BURST, words=len(WORDS)),
    ]
    for link, channel in LINKS.items():
        for size in SIZES_BYTES:
            here = [one for one in found if (one.link, one.picture_bytes) == (link, size)]
            if here:
                parts += [f"## {size} bytes over {link}, {find(channel).payload_bytes} bytes a message\n", _table(here)]
    links = [f"- {link} (`limner channels {channel}`): {find(channel).source}" for link, channel in LINKS.items()]
    parts.append("\n".join(["## Sources\n", *links, SSDV_SOURCE]))
    return "\n".join(parts)


def _table(here: Sequence[Row]) -> str:
    kinds = [(loss, burst) for burst in (None, BURST) for loss in LOSSES]
    head = ["scheme", "messages", "bytes", *(f"{100 * loss:g} % {'runs' if burst else 'alone'}" for loss, burst in kinds)]
    lines = []
    for scheme in dict.fromkeys(one.scheme for one in here):
        cells = {(one.loss, one.burst): one for one in here if one.scheme == scheme}
        any_one = next(iter(cells.values()))
        figures = [cells[kind] for kind in kinds]
        shown = [f"{100 * one.whole:.1f} / {100 * one.partial:.1f} / {100 * one.nothing:.1f}" for one in figures]
        lines.append([scheme, str(any_one.messages), str(any_one.sent_bytes), *shown])
    return table(head, lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``packets.jsonl`` and ``packets.md``; or fuzz, and return 1 if anything but a LimnerError came out."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.packets", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the page and its rows")
    parser.add_argument("--trials", type=int, default=100_000, help="pictures a figure")
    parser.add_argument("--seed", type=int, default=0, help="another seed loses other packets")
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="put N messages that nobody sent into joiners instead")
    options = parser.parse_args(argv)
    if options.fuzz:
        tally = fuzz(options.fuzz, options.seed)
        print(report(tally))
        return int(bool(tally.escapes))
    found = list(rows(options.trials, options.seed))
    command = "python -m limner.bench.packets --out results"
    command += "".join(
        f" --{name} {value}"
        for name, value, usual in (("trials", options.trials, 100_000), ("seed", options.seed, 0))
        if value != usual
    )
    text = page(found, command)
    write_page(options.out / "packets.jsonl", "".join(json.dumps(asdict(one)) + "\n" for one in found))
    write_page(options.out / "packets.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
