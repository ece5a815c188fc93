"""Somebody who knows the text of packets-1 alone: writes packets and vectors, shares no code with the package.

``python tests/packets_stranger.py`` writes ``spec/vectors/packets``; ``--bless`` also over files that differ.
"""

from __future__ import annotations

import hashlib
import json
import sys
from binascii import crc_hqx
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "spec" / "vectors" / "packets"


def crc16(data: bytes) -> int:
    """Divide the bits, first 16 of them inverted, by x^16 + x^15 + x^2 + 1."""
    bits = [int(bit) for byte in data for bit in f"{byte:08b}"] + [0] * 16
    bits = [bit ^ (place < 16) for place, bit in enumerate(bits)]
    for place in range(len(bits) - 16):
        if bits[place]:
            for power in (16, 15, 2, 0):
                bits[place + 16 - power] ^= 1
    return int("".join(map(str, bits[-16:])), 2)


def times(a: int, b: int) -> int:
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(15, 7, -1):
        if product >> bit & 1:
            product ^= 0x11D << bit - 8
    return product


def power(a: int, exponent: int) -> int:
    result = 1
    for _ in range(exponent):
        result = times(result, a)
    return result


def point(index: int) -> int:
    return power(2, index - 1) if index else 0


def polynomials(pieces: list[bytes]) -> list[list[int]]:
    """Solve for the coefficients of every column, lowest first, by elimination: row n has the nth of each column."""
    size = len(pieces)
    rows = [[power(point(i), exponent) for exponent in range(size)] + list(piece) for i, piece in enumerate(pieces)]
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        inverse = power(rows[column][column], 254)
        rows[column] = [times(inverse, value) for value in rows[column]]
        for row in range(size):
            factor = rows[row][column]
            if row != column and factor:
                rows[row] = [value ^ times(factor, other) for value, other in zip(rows[row], rows[column], strict=True)]
    return [row[size:] for row in rows]


def value_at(coefficients: list[list[int]], x: int) -> bytes:
    values = [0] * len(coefficients[0])
    for row in reversed(coefficients):
        values = [times(value, x) ^ coefficient for value, coefficient in zip(values, row, strict=True)]
    return bytes(values)


def packet(number: int, count: int, index: int, piece: bytes, sender: bytes = b"") -> bytes:
    head = f"11{int(bool(sender))}{count - 1:06b}{index:07b}"
    body = int(head, 2).to_bytes(2, "big")
    if sender:
        body += sender[:-1] + bytes([sender[-1] + 128])
    body += piece
    return body + (crc16(body) ^ 0xF000 ^ number).to_bytes(2, "big")


def make(file: bytes, payload: int, parity: int, sender: bytes, wrap: bool) -> list[bytes]:
    if file[:2] == b"\xa7\x4c":
        file = file[2:]
    if len(file) <= payload and not sender and not wrap:
        return [file] * (parity + 1)
    room = min(payload, 4095) - 4 - len(sender)
    count = (len(file) + 1 + room - 1) // room
    length = (len(file) + 1 + count - 1) // count
    pieces = [file[i * length : (i + 1) * length] for i in range(count)]
    padded = [*pieces[:-1], pieces[-1] + b"\x80" + bytes(length - len(pieces[-1]) - 1)]
    coefficients = polynomials(padded)
    pieces += [value_at(coefficients, point(count + j)) for j in range(parity)]
    number = int(hashlib.sha256(file).hexdigest()[:3], 16)
    return [packet(number, count, index, piece, sender) for index, piece in enumerate(pieces)]


# --- files and vectors


def check(full: bytes) -> bytes:
    return (crc_hqx(full, 0xFFFF) ^ 0xFFFF).to_bytes(2, "big")


def one_layer(body: bytes) -> bytes:
    """A full file of miniature, 768 x 512 px."""
    start = bytes.fromhex("A74C 49 1F2E 2FF1FF") + body
    return start + check(start)


def words_first(words: bytes, body: bytes) -> bytes:
    """The same with words in front."""
    first = bytes.fromhex("A74C 4D 1F2E 2FF1FF 02") + bytes([len(words) + 1, 0]) + words
    last = b"\x81" + body
    return first + check(first) + last + check(first + last)


SMALL = words_first(b"a boat", bytes.fromhex("C0FFEE00114477"))
LARGE = words_first(b"a red boat on a calm lake", bytes((7 * i * i + 3 * i) % 256 for i in range(457)))


def makes() -> dict[str, dict[str, Any]]:
    cases = {
        "make-example": (SMALL, 16, 1, b"K1", False),
        "make-fits": (SMALL, 27, 0, b"", False),
        "make-fits-thrice": (SMALL, 200, 2, b"", False),
        "make-fits-wrapped": (SMALL, 200, 2, b"", True),
        "make-sender": (one_layer(bytes(range(40))), 230, 1, b"DL1ABC-11", False),
        "make-last-empty": (one_layer(bytes(range(20))), 6 + 4, 2, b"", False),
        "make-meshtastic": (LARGE, 233, 2, b"", False),
        "make-lorawan": (LARGE, 51, 5, b"", False),
        "make-most": (one_layer(bytes(range(119))), 6, 64, b"", False),
        "make-bare": (one_layer(bytes(90))[2:], 50, 1, b"N0CALL", False),
    }
    found = {}
    for name, (file, payload, parity, sender, wrap) in cases.items():
        packets = make(file, payload, parity, sender, wrap)
        asked = {"file": file.hex(), "payload_bytes": payload, "parity": parity, "sender": sender.decode(), "wrap": wrap}
        found[name] = {**asked, "packets": [data.hex() for data in packets]}
    return found


def invalids() -> dict[str, dict[str, Any]]:
    good = packet(0xABC, 3, 0, b"piece", b"K1")
    cases = {
        "invalid-nothing": (b"", "NotLimnError", 0, "form"),
        "invalid-first-byte-3f": (b"\x3f" + good[1:], "NotLimnError", 0, "form"),
        "invalid-first-byte-80": (b"\x80" + good[1:], "NotLimnError", 0, "form"),
        "invalid-short": (good[:3], "TruncatedError", 3, "check"),
        "invalid-long": (packet(1, 2, 0, bytes(4092)), "LimitError", 4095, "packet"),
        "invalid-bit": (bytes([*good[:4], good[4] ^ 1, *good[5:]]), "DamagedError", len(good) - 2, "check"),
        "invalid-cut": (good[:-1], "DamagedError", len(good) - 3, "check"),
        "invalid-zero-behind": (good + b"\0", "DamagedError", len(good) - 1, "check"),
        "invalid-index": (packet(5, 3, 3 + 64, b"piece"), "InvalidFieldError", 0, "index"),
        "invalid-sender-space": (packet(5, 3, 0, b"piece", b"K 1"), "InvalidFieldError", 2, "sender"),
        "invalid-sender-long": (packet(5, 3, 0, b"piece", b"K" * 16), "InvalidFieldError", 2, "sender"),
        "invalid-sender-endless": (packet(5, 3, 0, b"", b"KA")[:2], "", 0, ""),
        "invalid-piece": (packet(5, 3, 1, b"", b"K1"), "InvalidFieldError", 4, "piece"),
        "invalid-piece-parity": (packet(5, 3, 3, b""), "InvalidFieldError", 2, "piece"),
        "invalid-file": (SMALL[:-1] + b"\0", "DamagedError", len(SMALL) - 2, "check"),
    }
    body = cases["invalid-sender-endless"][0] + b"KAKAKA"
    cases["invalid-sender-endless"] = (body + (crc16(body) ^ 0xF005).to_bytes(2, "big"), "InvalidFieldError", 2, "sender")
    found = {}
    for name, (data, error, offset, field) in cases.items():
        found[name] = {"packet": data.hex(), "error": error, "offset": offset, "field": field}
    return found


def joins() -> dict[str, dict[str, Any]]:
    small, large = make(SMALL, 16, 1, b"K1", False), make(LARGE, 101, 2, b"", False)
    words_end = len(LARGE) - 2 - 457 - 1 - 2
    whole, words = LARGE[2:], LARGE[2:][:words_end]
    cases: dict[str, tuple[list[bytes], bytes | None, bytes | None, list[int]]] = {
        "join-in-order": (large[:6], whole, whole, []),
        "join-backwards": (large[5::-1], whole, whole, []),
        "join-repaired": ([large[7], large[2], large[4], large[6], large[0], large[3]], whole, whole, []),
        "join-repaired-last": ([*large[:4], large[7], large[4]], whole, whole, []),
        "join-twice": ([large[1], large[1], large[0], large[1]], None, words, [2, 3, 4, 5]),
        "join-gap-first": ([large[1], large[3], large[5], large[6]], None, None, [0, 2, 4]),
        "join-gap-second": ([large[0], large[3], large[7]], None, words, [1, 2, 4, 5]),
        "join-two-of-three": ([small[3], small[1], small[2]], SMALL[2:], SMALL[2:], []),
        "join-file": ([SMALL], SMALL[2:], SMALL[2:], []),
    }
    found = {}
    for name, (packets, file, certain, missing) in cases.items():
        sent = [data.hex() for data in packets]
        parts = {"whole": file and file.hex(), "partial": certain and certain.hex()}
        found[name] = {"packets": sent, **parts, "missing": missing}
    return found


def vectors() -> dict[str, dict[str, Any]]:
    return {**makes(), **invalids(), **joins()}


def main(bless: bool) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    differ = 0
    for name, vector in vectors().items():
        path, text = FOLDER / f"{name}.json", json.dumps(vector, indent=1) + "\n"
        if path.exists() and path.read_text("utf-8") != text and not bless:
            print(f"{path.name} differs: --bless writes it")
            differ += 1
        else:
            path.write_text(text, "utf-8")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main("--bless" in sys.argv[1:]))
