"""Huffman's code made for one text (Huffman 1952): lengths of its codes, the text's bits, and what its table takes."""

from __future__ import annotations

import heapq
from collections import Counter


def huffman_bytes(words: str) -> int:
    """A text under its own canonical code: the table, then the codes."""
    return table_bytes(words) + -(-huffman_bits(words) // 8)


def huffman_bits(words: str) -> int:
    """The codes alone."""
    counts = Counter(words.encode())
    return sum(counts[symbol] * length for symbol, length in code_lengths(counts).items())


def table_bytes(words: str) -> int:
    """Number of symbols, each symbol, the length of each code."""
    symbols = len(set(words.encode()))
    # A byte says how many there are, a byte is each of them, four bits are each length.
    return 1 + symbols + -(-symbols // 2)


def code_lengths(counts: Counter[int]) -> dict[int, int]:
    """Lengths of the codes in bits, by how often each symbol occurs."""
    heap = [(count, number, [symbol]) for number, (symbol, count) in enumerate(sorted(counts.items()))]
    lengths = dict.fromkeys(counts, 1 if len(counts) == 1 else 0)
    heapq.heapify(heap)
    number = len(heap)
    while len(heap) > 1:
        (one, _, some), (other, _, more) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in some + more:
            lengths[symbol] += 1
        heapq.heappush(heap, (one + other, number, some + more))
        number += 1
    return lengths
