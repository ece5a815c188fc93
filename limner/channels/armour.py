"""How many characters bytes take on links that carry text only: the sizes of the armours of ``spec/packets-1.md``."""

from __future__ import annotations

from dataclasses import dataclass

from limner.errors import ChannelError


@dataclass(frozen=True)
class Armour:
    """Bytes as text in groups: ``group[n]`` characters say n bytes at worst; the last entry is the whole group.

    Raises ChannelError unless the entries start with 0 and grow.
    """

    group: tuple[int, ...]
    source: str

    def __post_init__(self) -> None:
        if len(self.group) < 2 or self.group[0] != 0 or any(a >= b for a, b in zip(self.group, self.group[1:], strict=False)):
            raise ChannelError(f"groups of {self.group} characters do not grow from 0")

    def characters(self, payload_bytes: int) -> int:
        """The characters that so many bytes take at worst."""
        whole, rest = divmod(payload_bytes, len(self.group) - 1)
        return whole * self.group[-1] + self.group[rest]

    def bytes_in(self, characters: int) -> int:
        """The most bytes that surely fit into so many characters."""
        whole, rest = divmod(characters, self.group[-1])
        return whole * (len(self.group) - 1) + max(n for n, taken in enumerate(self.group) if taken <= rest)


ARMOURS: dict[str, Armour] = {
    "hex": Armour((0, 2), "two digits a byte"),
    "base45": Armour((0, 2, 3), "standard: RFC 9285, section 4; its letters are those of QR's alphanumeric mode"),
    "base91": Armour(
        (0, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15, 16), "project: basE91 (Henke 2005), at worst 13 bits in two characters"
    ),
    "gsm7": Armour(
        (0, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19),
        "arithmetic: as few of 80 letters as tell bytes apart, 80**19 > 256**15. All are ASCII and one septet of GSM 7 bit "
        "(standard: 3GPP TS 23.038, section 6.2.1)",
    ),
}
