"""``limner train text``: the model of words, from lines of text.

    lines --> tidied, in small letters (and some as they were) --> contexts of every byte --> tables of what follows
    held-out lines --> what tables without them say of each bit --> weights that mix it best

The model is counts and weights, all integers; ``limner.entropy.textmodel`` says how they code a text.
"""

from __future__ import annotations

import io
import json
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from limner.entropy import textmodel
from limner.entropy.textmodel import BITS, BUCKETS, CONTEXTS, COUNT_MAX, END, LOGIT_MAX, ORDER, SETS, UNIT, WEIGHT_SHIFT
from limner.errors import LimnerError

USUAL, AS_WRITTEN = 2, 1  # what a line counts in small letters, and as it was written
DESCRIBED = 2  # how often captions in JSON lines count: they are what describers write, and few
WRITTEN_EVERY = 4  # of so many lines one counts as it was written too
HELD_OUT_MOST, HELD_OUT_SHARE = 600, 0.2  # lines of a file, and share of it
BLOCK = 5  # lines that are held out together: captions of one picture may follow each other
SPARE_BITS = 6  # of keys: one of 64 unknown contexts is taken for a known one
RUNGS, RUNG = 64, 1.2  # steps of stored counts
LEAST = (0, 0, 0, 0, 0, 3, 3, 0, 0, 5, 6, 6)  # by context: what must have followed it in all
PRIOR = 0.8  # added to counts before their logarithm
STEPS, BATCH, RATE = 600, 4096, 0.02  # few: weights that fit the held-out lines better serve others worse

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Lines of text, what each counts, and their contexts: text (n,) with an end mark behind each line; contexts (12, n)."""

    text: Bytes
    counts: NDArray[np.int64]
    contexts: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Counted:
    """A table before it is stored: keys (n,) of ``bits`` bits, rising; lengths (n,); row by row symbols and codes of counts."""

    bits: int
    keys: NDArray[np.uint32]
    lengths: NDArray[np.int64]
    symbols: Bytes
    codes: Bytes


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the tables say of bits: logits (n, 12) in nats, buckets (n, 12), sets (n,), and the bits (n,)."""

    logits: Tensor
    buckets: Tensor
    sets: Tensor
    bits: Tensor


def lines_of(path: Path) -> list[str]:
    """The lines of a text file, or the captions of a file of JSON lines. LimnerError if it cannot be read."""
    try:
        lines = path.read_text("utf-8").splitlines()
        found = [str(json.loads(line)["caption"]) for line in lines] if path.suffix == ".jsonl" else lines
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LimnerError(f"{path}: neither lines of text nor JSON lines with a caption ({error})") from error
    return [tidied(line) for line in found if line.strip()]


def tidied(line: str) -> str:
    """White space drawn together, none before signs; the end mark is not in UTF-8 anyway."""
    return re.sub(r" (?=[.,;:!?]|n't\b|'s\b|'re\b)", "", " ".join(line.split()))


def usual(line: str) -> str:
    """As people write captions by the way: small letters, no full stop."""
    return line.lower().rstrip(".").rstrip()


def corpus(lines: Sequence[str]) -> Corpus:
    """Lines in small letters, and some as they were."""
    written = [line for line in lines[::WRITTEN_EVERY] if line != usual(line)]
    some = [*((usual(line), USUAL) for line in lines), *((line, AS_WRITTEN) for line in written)]
    texts = [line.encode() + bytes([END]) for line, _ in some]
    counts = np.repeat([count for _, count in some], [len(text) for text in texts])
    return Corpus(np.frombuffer(b"".join(texts), np.uint8), counts, contexts(texts))


def contexts(texts: Iterable[bytes]) -> NDArray[np.uint32]:
    """The contexts of every byte: (12, n)."""
    found = array("I")
    for text in texts:
        history = textmodel.History()
        for byte in text:
            found.extend(history.contexts())
            history.push(byte)
    return np.ascontiguousarray(np.frombuffer(found, np.uint32).reshape(-1, CONTEXTS).T)


def counted(given: Corpus, place: int) -> Counted:
    """Count what follows a context, for the contexts that occur often enough."""
    pairs, counts = summed(given.contexts[place], given.text, given.counts)
    _, lengths, totals = grouped(pairs, counts)
    kept = totals >= LEAST[place]
    each = np.repeat(kept, lengths)
    bits = min(BITS, max(1, int(kept.sum() - 1).bit_length()) + SPARE_BITS)
    short = (pairs[each] >> np.uint64(8 + BITS - bits)).astype(np.uint32)
    pairs, counts = summed(short, (pairs[each] & np.uint64(255)).astype(np.uint8), counts[each])
    keys, lengths, _ = grouped(pairs, counts)
    return Counted(bits, keys.astype(np.uint32), lengths, (pairs & np.uint64(255)).astype(np.uint8), coded(counts))


def summed(keys: NDArray[np.uint32], symbols: Bytes, counts: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Distinct pairs of key and symbol, rising, as key * 256 + symbol; and the sums of their counts."""
    pairs = keys.astype(np.uint64) << np.uint64(8) | symbols
    order = np.argsort(pairs, kind="stable")
    pairs = pairs[order]
    first = np.flatnonzero(np.diff(pairs, prepend=pairs[:1] - np.uint64(1)))
    return pairs[first], np.add.reduceat(counts[order], first)


def grouped(
    pairs: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct keys of pairs, how many pairs each has, and the sums of their counts."""
    keys, first, lengths = np.unique(pairs >> np.uint64(8), return_index=True, return_counts=True)
    return keys, lengths, np.add.reduceat(counts, first)


def ladder() -> NDArray[np.int64]:
    """The counts that are stored: 1, 2, 3 ... growing by a fifth in the end."""
    rungs: NDArray[np.int64] = np.unique(np.rint(RUNG ** np.arange(2 * RUNGS)).astype(np.int64))[:RUNGS]
    return rungs


def coded(counts: NDArray[np.int64]) -> Bytes:
    """The nearest rungs of the ladder."""
    edges = np.sqrt(ladder()[1:] * ladder()[:-1])
    codes: Bytes = np.searchsorted(edges, counts).astype(np.uint8)
    return codes


def logs() -> NDArray[np.int64]:
    """Logarithms of counts, in 1/256."""
    found: NDArray[np.int64] = np.rint(UNIT * np.log(np.arange(COUNT_MAX + 1) + PRIOR)).astype(np.int64)
    return found


def squashed() -> NDArray[np.int64]:
    """Probabilities of a 1 in 1/4096, by logit."""
    logits = np.arange(-LOGIT_MAX, LOGIT_MAX + 1) / UNIT
    return np.clip(np.rint(4096 / (1 + np.exp(-logits))), 1, 4095).astype(np.int64)


def sums(table: Counted, asked: NDArray[np.uint32], text: Bytes) -> NDArray[np.int64]:
    """The counts of 0 and 1 at the eight bits of every byte, of the followers that have the bits before: (n, 8, 2)."""
    keys = asked >> np.uint32(BITS - table.bits)
    rows = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
    known = np.flatnonzero(table.keys[rows] == keys)
    lengths = table.lengths[rows[known]]
    first = (np.cumsum(table.lengths) - table.lengths)[rows[known]]
    byte = np.repeat(known, lengths)
    entry = np.arange(lengths.sum()) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
    symbols, counts = table.symbols[entry].astype(int), ladder()[table.codes[entry]]
    found = np.zeros((len(text), 8, 2), np.int64)
    for place in range(8):
        same = symbols >> (8 - place) == text[byte].astype(int) >> (8 - place)
        np.add.at(found, (byte[same], place, (symbols[same] >> (7 - place)) & 1), counts[same])
    return found


def evidence(tables: Sequence[Counted], given: Corpus) -> Evidence:
    """What the tables say of every bit of a corpus."""
    both = np.stack([sums(table, given.contexts[place], given.text) for place, table in enumerate(tables)], 2)
    together = both.sum(3)
    buckets = np.searchsorted(BUCKETS, together, side="right")
    halvings = np.maximum(0, np.frexp(both.max(3))[1] - COUNT_MAX.bit_length())
    zeros, ones = (both[..., bit] >> halvings for bit in (0, 1))
    logits = (logs()[ones] - logs()[zeros]) / UNIT
    known = together > 0
    longest = np.where(known[..., : ORDER + 1], np.arange(ORDER + 1), 0).max(2)
    words = np.where(known[..., textmodel.WORD_AND_TWO], 2, known[..., textmodel.WORD_AND_LAST])
    bits = given.text[:, None] >> (7 - np.arange(8)) & 1
    return Evidence(
        torch.from_numpy(logits.astype(np.float32)).flatten(0, 1),
        torch.from_numpy(buckets).flatten(0, 1),
        torch.from_numpy(3 * longest + words).flatten(),
        torch.from_numpy(bits.astype(np.float32)).flatten(),
    )


@dataclass(frozen=True, eq=False)
class Mixer:
    """Weights (21, 12, 7) and biases (21,) in floats."""

    weights: Tensor
    biases: Tensor

    def __call__(self, given: Evidence, some: Tensor) -> Tensor:
        """Logits of the ones among some bits."""
        sets = given.sets[some]
        weights = self.weights[sets[:, None], torch.arange(CONTEXTS), given.buckets[some]]
        mixed: Tensor = (weights * given.logits[some]).sum(1) + self.biases[sets]
        return mixed


def mixer(given: Evidence, seed: int = 1) -> tuple[Mixer, float]:
    """The weights that code held-out bits best, and what they then cost in bits each."""
    found = Mixer(torch.full((SETS, CONTEXTS, len(BUCKETS) + 1), 0.2), torch.zeros(SETS))
    parameters = [found.weights.requires_grad_(), found.biases.requires_grad_()]
    optimiser = torch.optim.Adam(parameters, RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, STEPS)
    draws, losses = torch.Generator().manual_seed(seed), []
    for _ in range(STEPS):
        some = torch.randint(len(given.bits), (BATCH,), generator=draws)
        loss = F.binary_cross_entropy_with_logits(found(given, some), given.bits[some])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        falling.step()
        losses.append(loss.item())
    return found, float(np.mean(losses[-STEPS // 5 :]) / np.log(2))


def dump(tables: Sequence[Counted], mixing: Mixer) -> bytes:
    """Write a model as an npz archive of integer arrays; ``textmodel.load`` reads it."""
    arrays: dict[str, NDArray[np.generic]] = {
        "bits": np.array([table.bits for table in tables], np.uint8),
        "ladder": ladder().astype(np.int32),
        "logs": logs().astype(np.int16),
        "squashed": squashed().astype(np.int16),
        "weights": (mixing.weights.detach() * 2**WEIGHT_SHIFT).round().to(torch.int16).numpy(),
        "biases": (mixing.biases.detach() * UNIT).round().to(torch.int16).numpy(),
    }
    for place, table in enumerate(tables):
        arrays[f"gaps{place}"] = textmodel.gaps_of(table.keys)
        arrays[f"lengths{place}"] = (table.lengths - 1).astype(np.uint8)
        arrays[f"symbols{place}"], arrays[f"counts{place}"] = table.symbols, table.codes
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def split(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Lines to count, and lines held out, in blocks from all over."""
    every = max(2, int(len(lines) / max(1.0, min(HELD_OUT_MOST, HELD_OUT_SHARE * len(lines)))))
    held_out = [number // BLOCK % every == 0 for number in range(len(lines))]
    return [line for line, out in zip(lines, held_out, strict=True) if not out], [
        line for line, out in zip(lines, held_out, strict=True) if out
    ]


def train(files: Sequence[Path]) -> tuple[bytes, float]:
    """A model of the lines of some files, and what held-out lines cost in bits a byte under tables without them."""
    used: list[str] = []
    held_out: list[str] = []
    whole_lines: list[str] = []
    for path in files:
        times = DESCRIBED if path.suffix == ".jsonl" else 1
        without, kept = split(lines_of(path))
        used += times * without
        held_out += kept
        whole_lines += times * [*without, *kept]
    part, whole = corpus(used), corpus(whole_lines)
    mixing, bits = mixer(evidence([counted(part, place) for place in range(CONTEXTS)], corpus(held_out)))
    return dump([counted(whole, place) for place in range(CONTEXTS)], mixing), 8 * bits
