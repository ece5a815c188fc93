"""Write the container vectors of limn-1: `python spec/make_vectors.py` (with `--bless`, also over files that differ).

The bytes are put together here by hand, with a check computed bit by bit, and not by `limner.container.pack`; what
is expected of them is written by hand too. Only the rows of `explain` in the valid ones come from the code.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from limner.container.explain import explain

FOLDER = Path(__file__).parent / "vectors"
HUGE = 65536 * 65536


@dataclass(frozen=True)
class Valid:
    """A file and what it holds: layers as (kind, may-skip, body)."""

    name: str
    why: str
    data: bytes
    system: int
    width_px: int
    height_px: int
    layers: tuple[tuple[int, bool, bytes], ...]
    bare: bool = False
    max_pixels: int = 100_000_000
    model: str = "1f2e"


@dataclass(frozen=True)
class Invalid:
    """A file that must be refused, and how. ``whole_layers``: how many a salvaging reader returns (0: it refuses too)."""

    name: str
    why: str
    data: bytes
    error: str
    offset: int
    field: str
    whole_layers: int = 0
    max_pixels: int = 100_000_000


def crc(data: bytes) -> bytes:
    """Compute the check of the spec, bit by bit."""
    state = 0xFFFF
    for byte in data:
        state ^= byte << 8
        for _ in range(8):
            state = (state << 1 ^ 0x1021 if state & 0x8000 else state << 1) & 0xFFFF
    return (state ^ 0xFFFF).to_bytes(2, "big")


def full(header: str, *layers: bytes) -> bytes:
    """Put magic, header (hex) and layers together, each layer with its check over all but the checks before it."""
    data = checked = bytes.fromhex("a74c" + header)
    for layer in layers:
        checked += layer
        data += layer + crc(checked)
    return data


def bare(header: str, *layers: bytes) -> bytes:
    """The same without the magic."""
    return full(header, *layers)[2:]


def lead(front: str, body: bytes) -> bytes:
    """A listed layer: lead byte and length in hex, then the body."""
    return bytes.fromhex(front) + body


def flipped(data: bytes, offset: int, bit: int = 0) -> bytes:
    """Turn one bit over."""
    return data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :]


def listed(*layers: bytes) -> bytes:
    """A file of system 1, 768 x 512, with a layer list."""
    return full("4d 1f2e 2ff1ff", *layers)


LATENT = bytes.fromhex("c0ffee00114477")
BOAT = b"\x00a red boat on a calm lake"
ONE = ((1, False, LATENT),)
SNOW = "\x00ein Käfer im Schnee, 雪".encode()
LISTED = listed(lead("02 1a", BOAT), lead("81", LATENT))
SINGLE = full("49 1f2e 2ff1ff", LATENT)
# Found by trial: behind the header below, these two bytes make the check 0000.
ZERO_CHECK = bytes.fromhex("3935")

VALID = (
    Valid("single-latent", "the common case: one layer, no list", SINGLE, 1, 768, 512, ONE),
    Valid("single-text", "words alone", full("51 1f2e 2ff1ff", BOAT), 2, 768, 512, ((2, False, BOAT),)),
    Valid("single-text-not-ascii", "words in UTF-8", full("51 1f2e 2ff1ff", SNOW), 2, 768, 512, ((2, False, SNOW),)),
    Valid("single-taco", "system 4", full("61 1f2e 2ff1ff", LATENT), 4, 768, 512, ONE),
    Valid("model-zero", "a system without weights", full("49 0000 2ff1ff", LATENT), 1, 768, 512, ONE, model="0000"),
    Valid("check-zero", "the check is 0000", full("49 1f2e 2ff1ff", ZERO_CHECK), 1, 768, 512, ((1, False, ZERO_CHECK),)),
    Valid("size-1x1-body-empty", "the smallest file", full("48 1f2e 0000", b""), 1, 1, 1, ((1, False, b""),)),
    Valid("size-class-0-largest", "256 x 256", full("48 1f2e ffff", LATENT), 1, 256, 256, ONE),
    Valid("size-class-1-by-width", "257 x 1", full("49 1f2e 100000", LATENT), 1, 257, 1, ONE),
    Valid("size-class-1-by-height", "1 x 257", full("49 1f2e 000100", LATENT), 1, 1, 257, ONE),
    Valid("size-class-1-largest", "4096 x 4096", full("49 1f2e ffffff", LATENT), 1, 4096, 4096, ONE),
    Valid("size-class-2-by-height", "1 x 4097", full("4a 1f2e 00001000", LATENT), 1, 1, 4097, ONE),
    Valid("size-class-2-at-pixel-limit", "10000 x 10000", full("4a 1f2e 270f270f", LATENT), 1, 10000, 10000, ONE),
    Valid("size-class-2-largest", "the biggest", full("4a 1f2e ffffffff", LATENT), 1, 65536, 65536, ONE, max_pixels=HUGE),
    Valid("bare-single", "no magic", bare("49 1f2e 2ff1ff", LATENT), 1, 768, 512, ONE, bare=True),
    Valid(
        "bare-list", "no magic, a list", LISTED[2:], 1, 768, 512, ((2, False, BOAT), (1, False, LATENT)), bare=True
    ),
    Valid("list-text-latent", "words and latents", LISTED, 1, 768, 512, ((2, False, BOAT), (1, False, LATENT))),
    Valid(
        "list-other-order", "order is free", listed(lead("01 07", LATENT), lead("82", BOAT)), 1, 768, 512,
        ((1, False, LATENT), (2, False, BOAT)),
    ),
    Valid(
        "list-of-one", "one layer, not the own kind", full("55 1f2e 2ff1ff", lead("81", LATENT)), 2, 768, 512,
        ONE,
    ),
    Valid(
        "list-of-one-may-skip", "own kind, but marked: no short form", listed(lead("c1", LATENT)), 1, 768, 512,
        ((1, True, LATENT),),
    ),
    Valid(
        "list-pics", "system 3", full("5d 1f2e 2ff1ff", lead("02 1a", BOAT), lead("04 07", LATENT), lead("85", b"\x03")),
        3, 768, 512,
        ((2, False, BOAT), (4, False, LATENT), (5, False, b"\x03")),
    ),
    Valid(
        "list-sedic", "system 5: text and masks repeat",
        full(
            "6d 1f2e 2ff1ff",
            lead("01 07", LATENT), lead("02 1a", BOAT), lead("02 1a", BOAT), lead("03 01", b"m"), lead("83", b"n"),
        ),
        5, 768, 512, ((1, False, LATENT), (2, False, BOAT), (2, False, BOAT), (3, False, b"m"), (3, False, b"n")),
    ),
    Valid(
        "list-unknown-may-skip-first", "kept as it is", listed(lead("5f 02", b"?!"), lead("81", LATENT)), 1, 768, 512,
        ((31, True, b"?!"), (1, False, LATENT)),
    ),
    Valid(
        "list-unknown-may-skip-last", "kept as it is, and twice",
        listed(lead("01 07", LATENT), lead("40 00", b""), lead("c0", b"?")), 1, 768, 512,
        ((1, False, LATENT), (0, True, b""), (0, True, b"?")),
    ),
    Valid(
        "list-bodies-empty", "length 0", listed(lead("02 00", b""), lead("81", b"")), 1, 768, 512,
        ((2, False, b""), (1, False, b"")),
    ),
    Valid(
        "list-length-127", "the longest length of one byte", listed(lead("03 7f", b"m" * 127), lead("81", LATENT)),
        1, 768, 512, ((3, False, b"m" * 127), (1, False, LATENT)),
    ),
    Valid(
        "list-length-300", "two bytes, lowest group first", listed(lead("03 ac02", b"m" * 300), lead("81", LATENT)),
        1, 768, 512, ((3, False, b"m" * 300), (1, False, LATENT)),
    ),
    Valid(
        "list-64-layers", "as many as may be", full("6c 1f2e 0000", *[lead("02 00", b"")] * 63, lead("82", b"")), 5, 1, 1,
        ((2, False, b""),) * 64,
    ),
)  # fmt: skip

JPEG = bytes.fromhex("ffd8ffe000104a46494600")
OVER = full("4a 1f2e 270f2710", LATENT)
FIRST = listed(lead("02 1a", BOAT))
# Another file with the same header and the same borders: layers at 8..38 and 38..48.
OTHER = listed(lead("02 1a", BOAT[::-1]), lead("81", LATENT[::-1]))
# As it was in the first draft: the second check runs over the first one too.
OLD_CHECK = LISTED[:-2] + crc(LISTED[:-2])

INVALID = (
    Invalid("empty", "nothing at all", b"", "NotLimnError", 0, "magic"),
    Invalid("magic-of-jpeg", "another kind of file", JPEG, "NotLimnError", 0, "magic"),
    Invalid("magic-second-byte", "A7 4D", b"\xa7\x4d" + SINGLE[2:], "NotLimnError", 0, "magic"),
    Invalid("magic-text", "plain text starts like a bare file", b"hello, world", "InvalidFieldError", 0, "list"),
    Invalid("cut-in-magic", "one byte", SINGLE[:1], "TruncatedError", 1, "magic"),
    Invalid("cut-before-head", "magic alone", SINGLE[:2], "TruncatedError", 2, "head"),
    Invalid("cut-before-model", "nothing behind the head", SINGLE[:3], "TruncatedError", 3, "model"),
    Invalid("cut-in-model", "half a model id", SINGLE[:4], "TruncatedError", 4, "model"),
    Invalid("cut-in-size", "two of three bytes", SINGLE[:7], "TruncatedError", 7, "size"),
    Invalid("cut-before-check", "no check at all", SINGLE[:8], "TruncatedError", 8, "check"),
    Invalid("cut-in-check", "one byte behind the size", SINGLE[:9], "TruncatedError", 9, "check"),
    Invalid("cut-in-body-of-single", "shows as a failed check", SINGLE[:-3], "DamagedError", 12, "check"),
    Invalid("cut-in-bare", "offsets count from the first byte there is", SINGLE[2:4], "TruncatedError", 2, "model"),
    Invalid("cut-before-first-lead", "a list without a layer", LISTED[:8], "TruncatedError", 8, "lead"),
    Invalid("cut-in-length", "a first byte that says more follow", LISTED[:9] + b"\x9a", "TruncatedError", 10, "length"),
    Invalid("cut-in-body", "body shorter than its length", LISTED[:20], "TruncatedError", 20, "body"),
    Invalid("cut-in-check-of-layer", "half a check", LISTED[:37], "TruncatedError", 37, "check"),
    Invalid("cut-at-layer-border", "one whole layer of two", FIRST, "TruncatedError", 38, "lead", whole_layers=1),
    Invalid("cut-in-last-layer", "shows as a failed check", LISTED[:-1], "DamagedError", 45, "check", whole_layers=1),
    Invalid("cut-behind-last-lead", "no room for a check", LISTED[:40], "TruncatedError", 40, "check", whole_layers=1),
    Invalid("version-0", "bits 7..6 are 00", full("09 1f2e 2ff1ff", LATENT), "UnsupportedVersionError", 2, "version"),
    Invalid("version-2", "bits 7..6 are 10", full("89 1f2e 2ff1ff", LATENT), "UnsupportedVersionError", 2, "version"),
    Invalid("version-3", "bits 7..6 are 11", full("c9 1f2e 2ff1ff", LATENT), "UnsupportedVersionError", 2, "version"),
    Invalid("system-0", "unassigned", full("41 1f2e 2ff1ff", LATENT), "UnsupportedSystemError", 2, "system"),
    Invalid("system-6", "unassigned", full("71 1f2e 2ff1ff", LATENT), "UnsupportedSystemError", 2, "system"),
    Invalid("system-7", "the extension", full("79 1f2e 2ff1ff", LATENT), "UnsupportedSystemError", 2, "system"),
    Invalid("system-6-bare", "the same without magic", bare("71 1f2e 2ff1ff", LATENT), "UnsupportedSystemError", 0, "system"),
    Invalid("size-class-3", "reserved", full("4b 1f2e 2ff1ff", LATENT), "InvalidFieldError", 2, "size class"),
    Invalid("size-class-1-for-256", "class 0 would do", full("49 1f2e 0ff0ff", LATENT), "InvalidFieldError", 2, "size class"),
    Invalid("size-class-2-for-4096", "1 would do", full("4a 1f2e 0fff0fff", LATENT), "InvalidFieldError", 2, "size class"),
    Invalid("size-over-pixel-limit", "10000 x 10001 by default", OVER, "LimitError", 5, "size"),
    Invalid("size-over-limit-given", "768 x 512, one less allowed", SINGLE, "LimitError", 5, "size", max_pixels=768 * 512 - 1),
    Invalid("list-missing-pics", "system 3 has no own kind", full("59 1f2e 2ff1ff", LATENT), "InvalidFieldError", 2, "list"),
    Invalid("list-missing-sedic", "system 5 has none either", full("69 1f2e 2ff1ff", LATENT), "InvalidFieldError", 2, "list"),
    Invalid("list-needless", "one layer of the own kind", listed(lead("81", LATENT)), "InvalidFieldError", 2, "list"),
    Invalid(
        "layers-65", "one too many", full("6c 1f2e 0000", *[lead("02 00", b"")] * 64, lead("82", b"")),
        "LimitError", 7 + 64 * 4, "lead", whole_layers=64,
    ),
    Invalid("layer-reserved-bit", "bit 5 of the lead", listed(lead("a2", BOAT)), "InvalidFieldError", 8, "reserved"),
    Invalid("layer-unknown-0", "not to be skipped", listed(lead("80", BOAT)), "UnsupportedLayerError", 8, "kind"),
    Invalid(
        "layer-unknown-7", "not to be skipped, behind words", listed(lead("02 1a", BOAT), lead("87", b"x")),
        "UnsupportedLayerError", 38, "kind", whole_layers=1,
    ),
    Invalid(
        "layer-latent-twice", "a kind that stands once", listed(lead("01 07", LATENT), lead("81", LATENT)),
        "InvalidFieldError", 19, "kind", whole_layers=1,
    ),
    Invalid(
        "length-not-shortest", "26 in two bytes", listed(lead("02 9a00", BOAT), lead("81", LATENT)),
        "InvalidFieldError", 9, "length",
    ),
    Invalid(
        "length-of-five-bytes", "four are the most", listed(lead("02 9a80808001", BOAT), lead("81", LATENT)),
        "InvalidFieldError", 9, "length",
    ),
    Invalid(
        "length-beyond-the-end", "2**28 - 1", listed(lead("02 ffffff7f", BOAT), lead("81", LATENT)),
        "TruncatedError", 51, "body",
    ),
    Invalid("damaged-body", "one bit of the body", flipped(SINGLE, 10), "DamagedError", 15, "check"),
    Invalid("damaged-model", "one bit of the header", flipped(SINGLE, 3), "DamagedError", 15, "check"),
    Invalid("damaged-check", "one bit of the check", flipped(SINGLE, 16), "DamagedError", 15, "check"),
    Invalid("damaged-first-layer", "one bit of the words", flipped(LISTED, 20), "DamagedError", 36, "check"),
    Invalid("damaged-last-layer", "one bit of the latents", flipped(LISTED, 41), "DamagedError", 46, "check", whole_layers=1),
    Invalid("layer-of-another-file-first", "words of another file", OTHER[:38] + LISTED[38:], "DamagedError", 46, "check", 1),
    Invalid("layer-of-another-file-last", "latents of another file", LISTED[:38] + OTHER[38:], "DamagedError", 46, "check", 1),
    Invalid("layer-taken-out", "the first of two, with its check", LISTED[:8] + LISTED[38:], "DamagedError", 16, "check"),
    Invalid("layer-doubled", "words twice", LISTED[:38] + LISTED[8:], "DamagedError", 66, "check", whole_layers=1),
    Invalid("check-over-earlier-check", "as in the first draft", OLD_CHECK, "DamagedError", 46, "check", whole_layers=1),
    Invalid("check-without-magic", "bare, and the check too", SINGLE[2:-2] + crc(SINGLE[2:-2]), "DamagedError", 13, "check"),
    Invalid("check-not-inverted", "plain CRC", SINGLE[:-2] + bytes(255 - b for b in SINGLE[-2:]), "DamagedError", 15, "check"),
    Invalid("behind-the-end-zero", "one zero byte", SINGLE + b"\0", "TrailingDataError", 17, "end"),
    Invalid("behind-the-end-zeros", "a radio's padding", SINGLE + bytes(9), "TrailingDataError", 17, "end"),
    Invalid("behind-the-end-newline", "a text tool's", SINGLE[2:] + b"\n", "TrailingDataError", 15, "end"),
    Invalid("behind-the-end-list", "behind a layer list", LISTED + b"PK", "TrailingDataError", 48, "end", whole_layers=1),
)  # fmt: skip


def expected(vector: Valid | Invalid) -> dict[str, object]:
    """Return what the JSON file says."""
    values = {key: value for key, value in asdict(vector).items() if key not in ("name", "data", "layers")}
    if isinstance(vector, Valid):
        values["layers"] = [{"kind": kind, "may_skip": skip, "body": body.hex()} for kind, skip, body in vector.layers]
        values["explain"] = [asdict(row) for row in explain(vector.data, max_pixels=vector.max_pixels).rows]
    return values


def write(path: Path, data: bytes, *, bless: bool) -> None:
    """Write a new file; refuse to change an old one unless blessed."""
    if path.exists() and path.read_bytes() != data and not bless:
        raise SystemExit(f"{path} would change: old files decode for ever; --bless if that is meant")
    path.write_bytes(data)


def main(bless: bool) -> None:
    """Write every vector."""
    for folder, vectors in (("valid", VALID), ("invalid", INVALID)):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
        for vector in vectors:
            path = FOLDER / folder / f"container-{vector.name}.limn"
            text = json.dumps(expected(vector), indent=1, ensure_ascii=False) + "\n"
            write(path, vector.data, bless=bless)
            write(path.with_suffix(".json"), text.encode(), bless=bless)


if __name__ == "__main__":
    main("--bless" in sys.argv[1:])
