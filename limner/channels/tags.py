"""NFC tags that hold one NDEF record of the file's media type."""

from __future__ import annotations

from limner.channels.channel import Channel

MEDIA_TYPE = "image/x-limn"
_SHORT_BYTES = 255
_LONG_TLV_BYTES = 255

_NDEF = "standard: NFC Forum NDEF 1.0, section 3.2: a record of media type " + MEDIA_TYPE + "; "
_TYPE_2 = _NDEF + "Type 2 Tag 1.1, section 2.3: TLV of 2 or 4 bytes, terminator 1; maker: NXP data sheet {}"
_TYPE_4 = _NDEF + "Type 4 Tag 2.0: length of 2 bytes; maker: NXP AN11004, as libfreefare (project) has it: a file of {} bytes"


def record_bytes(payload_bytes: int) -> int:
    """The bytes of the record around and with a payload: flags, lengths, type."""
    return 2 + (1 if payload_bytes <= _SHORT_BYTES else 4) + len(MEDIA_TYPE) + payload_bytes


def type_2_bytes(payload_bytes: int) -> int:
    """The bytes that a payload takes in the memory of a Type 2 tag."""
    message = record_bytes(payload_bytes)
    return (2 if message < _LONG_TLV_BYTES else 4) + message + 1


def type_4_bytes(payload_bytes: int) -> int:
    """The bytes that a payload takes in the NDEF file of a Type 4 tag."""
    return 2 + record_bytes(payload_bytes)


def _type_2(memory_bytes: int) -> int:
    return max(n for n in range(memory_bytes) if type_2_bytes(n) <= memory_bytes)


def _type_4(file_bytes: int) -> int:
    return max(n for n in range(file_bytes) if type_4_bytes(n) <= file_bytes)


LINKS = (
    *(
        Channel(name, f"NFC tag with {memory} bytes", _TYPE_2.format(sheet), _type_2(memory))
        for name, memory, sheet in (
            ("ntag213", 144, "NTAG213/215/216, title"),
            ("ntag215", 504, "NTAG213/215/216, title"),
            ("ntag216", 888, "NTAG213/215/216, title"),
        )
    ),
    *(
        Channel(f"desfire-{kilobytes}k", f"MIFARE DESFire EV1 of {kilobytes} kB", _TYPE_4.format(size), _type_4(size))
        for kilobytes, size in ((2, 0x0800), (4, 0x1000), (8, 0x1E00))
    ),
)
