"""A static model of English descriptions in exact integers: texts are coded bit by bit, each bit by a mix of contexts.

    what came before --> 12 contexts: the last 0..6 bytes; the word so far, alone and with one or two of the words before
                             |
                        12 tables: in this context, which bytes followed how often
                             |
    bits of the byte so far -+-> counts of 0 and 1 --> ln(n1 / n0), weighted, summed --> probability of a 1 --> range coder

A text is its bytes and an end mark, 255, which UTF-8 never has. Nothing is learnt on the way, so every text is coded alike
wherever it stands. The tables are data (``limner train text``), whose SHA-256 stands below. See spec, *Words*.

Source: logistic mixing of contexts, Mahoney 2005, "Adaptive weighing of context models for lossless data compression"; the
tables and their integers are ours.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.entropy.coder import Coder
from limner.errors import LimitError, MissingError

END = 255
ORDER = 6
WORD_CONTEXTS = 5
CONTEXTS = 1 + ORDER + WORD_CONTEXTS
WORD, WORD_AND_LAST, WORD_AND_TWO = ORDER + 1, ORDER + 2, ORDER + 3
BITS = 32
UNIT = 256  # of logarithms and logits: parts of a nat
WEIGHT_SHIFT = 12
LOGIT_MAX = 8 * UNIT - 1
COUNT_MAX = 4095  # pairs of counts are halved until both are at most so much
BUCKETS = (1, 3, 7, 16, 60, 400)  # a count of both together in the bucket of those it reaches
SETS = 3 * (ORDER + 1)
LONGER_GAP = 255
LONG_ROW, KEPT_ROWS = 4, 1000  # rows of so many followers are used often: so many of a table are kept

Sums = dict[int, int]
Bytes = NDArray[np.uint8]

FILE = Path(__file__).parent.parent / "data" / "english.npz"
SHA256 = "215bd2f615e420f406ae381d49b677ecac6320904de85774c69b1de761b70444"


def step(state: int, value: int) -> int:
    """Go on with a hash of 32 bits."""
    mixed = ((state ^ value) * 0x9E3779B1) & 0xFFFFFFFF
    return mixed ^ (mixed >> 15)


def in_word(byte: int) -> bool:
    """Letters, digits, the apostrophe, and all that is not ASCII."""
    return 97 <= byte <= 122 or 48 <= byte <= 57 or byte == 39 or 128 <= byte < END


def folded(byte: int) -> int:
    """A small letter for a capital one of ASCII."""
    return byte + 32 if 65 <= byte <= 90 else byte


class History:
    """What a text has had so far, as hashes."""

    def __init__(self) -> None:
        self.recent = [END] * ORDER
        self.word = 0
        self.words = [1, 1, 1]

    def contexts(self) -> list[int]:
        """The hashes of all contexts, 32 bits each."""
        found = [0]
        for byte in self.recent:
            found.append(step(found[-1], byte + 1))
        word = self.word or step(2, self.recent[0])
        last, before, third = self.words
        both = step(word, last)
        return [*found, word, both, step(both, before), step(word, before), step(word, third)]

    def push(self, byte: int) -> None:
        """Go on by a byte."""
        byte = folded(byte)
        self.recent = [byte, *self.recent[:-1]]
        if in_word(byte):
            self.word = step(self.word or 1, byte)
            return
        if self.word:
            self.words, self.word = [self.word, *self.words[:-1]], 0
        if byte != 32:
            self.words = [step(3, byte), *self.words[:-1]]


@dataclass(frozen=True, eq=False)
class Followers:
    """One table. keys: (n,) uint32, rising: the first ``bits`` bits of hashes; first: (n + 1,) where the followers of each
    begin; symbols and counts: the bytes that followed, and how often, as rungs of a ladder."""

    bits: int
    keys: NDArray[np.uint32]
    first: NDArray[np.int32]
    symbols: bytes
    counts: bytes
    ladder: tuple[int, ...]
    kept: dict[int, Sums] = field(default_factory=dict)

    def sums(self, context: int) -> Sums:
        """How often what followed a context began with some bits: by those bits behind a 1. Empty if it is unknown."""
        key = context >> (BITS - self.bits)
        place = bisect_left(self.keys.data, key)
        if place == len(self.keys) or self.keys.data[place] != key:
            return {}
        if self.first.data[place + 1] - self.first.data[place] < LONG_ROW:
            return self.row(place)
        if place not in self.kept:
            if len(self.kept) == KEPT_ROWS:
                self.kept.clear()
            self.kept[place] = self.row(place)
        return self.kept[place]

    def row(self, place: int) -> Sums:
        """The sums of one context."""
        sums: Sums = {}
        for entry in range(self.first.data[place], self.first.data[place + 1]):
            node, count = self.symbols[entry] + 256, self.ladder[self.counts[entry]]
            while node > 1:
                sums[node] = sums.get(node, 0) + count
                node >>= 1
        return sums


@dataclass(frozen=True, eq=False)
class Model:
    """All tables, and what mixes them: logarithms (4096,) and the probabilities of logits (4095,) in integers; weights
    (21 sets, 12 contexts, 7 buckets) and biases (21,)."""

    tables: tuple[Followers, ...]
    logs: tuple[int, ...]
    squashed: tuple[int, ...]
    weights: list[list[list[int]]]
    biases: list[int]
    seen: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def code(self, coder: Coder, text: bytes | None, most_bytes: int) -> bytes:
        """Code a text (without 255) and its end; with None the one that the coder reads is found and given.

        Raises LimitError for more than ``most_bytes``.
        """
        history, got = History(), bytearray()
        while True:
            wanted = 0 if text is None else (text[len(got)] if len(got) < len(text) else END)
            byte = self.code_byte(coder, history, wanted)
            if byte == END:
                return bytes(got)
            if len(got) == most_bytes:
                raise LimitError(f"the words are more than {most_bytes} bytes", offset=0, field="words")
            got.append(byte)
            history.push(byte)

    def code_byte(self, coder: Coder, history: History, byte: int) -> int:
        """Code a byte, the highest bit first."""
        known = [table.sums(context) for table, context in zip(self.tables, history.contexts(), strict=True)]
        node = 1
        for place in range(7, -1, -1):
            counts = [(sums.get(2 * node, 0), sums.get(2 * node + 1, 0)) for sums in known]
            node = 2 * node + coder.code_bit(byte >> place & 1, self.probability(counts))
        return node - 256

    def probability(self, counts: list[tuple[int, int]]) -> int:
        """Mix what the contexts counted of 0 and 1: the probability of a 1 in 1/4096."""
        chosen = set_of([zeros or ones for zeros, ones in counts])
        total = self.biases[chosen] << WEIGHT_SHIFT
        for (zeros, ones), by_bucket in zip(counts, self.weights[chosen], strict=True):
            if zeros or ones:
                logit, bucket = self.evidence(zeros, ones)
                total += by_bucket[bucket] * logit
        return self.squashed[min(max(total >> WEIGHT_SHIFT, -LOGIT_MAX), LOGIT_MAX) + LOGIT_MAX]

    def evidence(self, zeros: int, ones: int) -> tuple[int, int]:
        """The logarithm of ones / zeros, and the bucket of both together."""
        found = self.seen.get((zeros, ones))
        if found is None:
            high, low = (ones, zeros) if ones > zeros else (zeros, ones)
            halvings = max(0, high.bit_length() - COUNT_MAX.bit_length())
            logit = self.logs[ones >> halvings] - self.logs[zeros >> halvings]
            found = self.seen[zeros, ones] = logit, bisect_right(BUCKETS, high + low)
        return found


def set_of(known: Sequence[int]) -> int:
    """Which weights: by the longest run of bytes that knows of such a bit, and by how many of the words before do."""
    longest = max((order for order in range(ORDER, 0, -1) if known[order]), default=0)
    words = 2 if known[WORD_AND_TWO] else 1 if known[WORD_AND_LAST] else 0
    return 3 * longest + words


def load(data: bytes) -> Model:
    """Read the arrays that ``dump`` wrote; no pickle is ever read."""
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        logs, squashed, ladder = (tuple(kept[name].tolist()) for name in ("logs", "squashed", "ladder"))
        parts = [[kept[f"{name}{place}"] for name in ("gaps", "lengths", "symbols", "counts")] for place in range(CONTEXTS)]
        tables = tuple(followers(bits, ladder, *of_table) for bits, of_table in zip(kept["bits"].tolist(), parts, strict=True))
        return Model(tables, logs, squashed, kept["weights"].tolist(), kept["biases"].tolist())


def followers(bits: int, ladder: tuple[int, ...], gaps: Bytes, lengths: Bytes, symbols: Bytes, counts: Bytes) -> Followers:
    """A table of its stored form: gaps between keys (255: so much, and more follows), numbers of followers less one."""
    keys = np.cumsum(gaps, dtype=np.uint32)[gaps < LONGER_GAP]
    first = np.concatenate([[0], np.cumsum(lengths.astype(np.int32) + 1)]).astype(np.int32)
    return Followers(bits, keys, first, symbols.tobytes(), counts.tobytes(), ladder)


def gaps_of(keys: NDArray[np.uint32]) -> Bytes:
    """The other way: rising keys as gaps."""
    gaps = np.diff(keys.astype(np.int64), prepend=0)
    longer, rest = np.divmod(gaps, LONGER_GAP)
    stored = np.full(len(keys) + int(longer.sum()), LONGER_GAP, np.uint8)
    stored[np.cumsum(longer + 1) - 1] = rest
    return stored


@cache
def english() -> Model:
    """The model of the package. MissingError if its file is not there or is another."""
    try:
        data = FILE.read_bytes()
    except OSError as error:
        raise MissingError(f"the model of words is missing: {FILE.name}; install limner again") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise MissingError(f"the model of words is not the one of this version: {FILE.name}; install limner again")
    return load(data)
