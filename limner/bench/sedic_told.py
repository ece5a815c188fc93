"""What SEDIC's public program would count of a file's content, and what somebody who decodes it would have to be sent besides.

    reference                                                            counted, as an estimate
    names, details, the whole -> one prompt -> its own Huffman code      codes counted, the code's table not sent
    masks                                                                cut from the original, not counted
    sizes: of the picture, of the reference, the codes, each mask        not counted

The program writes no file. It divides by the pixels of the picture when that is padded to 64. Its estimate of the reference is
a sum of likelihoods; here the bytes of our reference stand for it, which are a little more.

Source: the program of Song et al. 2025 (SEDIC).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limner.bench.huffman import huffman_bits, table_bytes
from limner.container.fields import write_varint
from limner.layers import masks
from limner.systems.sedic import Layers

PAD_PX = 64


@dataclass(frozen=True)
class Told:
    """By the program: reference and words. Not by it: the table of the words' code, the masks, the sizes."""

    reference_bytes: int
    words_bits: int
    table_bytes: int
    masks_bytes: int
    sizes_bytes: int
    padded_px: int

    @property
    def counted_bytes(self) -> float:
        return self.reference_bytes + self.words_bits / 8

    @property
    def counted_bpp(self) -> float:
        return 8 * self.counted_bytes / self.padded_px

    @property
    def missing_bytes(self) -> int:
        """What a decoder cannot do without."""
        return self.table_bytes + self.masks_bytes + self.sizes_bytes

    @property
    def whole_bytes(self) -> int:
        """Of a file with the same content, coded in the same way."""
        return self.reference_bytes + -(-self.words_bits // 8) + self.missing_bytes


def told(layers: Layers, names: Sequence[str], size_px: tuple[int, int]) -> Told:
    """Of what a file holds. names: of its objects, in their order."""
    details = [one.words.words for one in layers.objects if one.words]
    words = prompt(names, details, layers.whole.words if layers.whole else "")
    bits = huffman_bits(words)
    sent = [len(masks.write(one.masks)) for one in layers.objects]
    reference_bytes = len(layers.reference.body) if layers.reference else 0
    sizes = (*size_px, reference_bytes, bits, *sent)
    return Told(
        reference_bytes,
        bits,
        table_bytes(words) if words else 0,
        sum(sent),
        sum(len(write_varint(size)) for size in sizes),
        padded(size_px[0]) * padded(size_px[1]),
    )


def prompt(names: Sequence[str], details: Sequence[str], whole: str) -> str:
    """As the program has it: names on one line, then each detail, then the whole."""
    lines = [f"{', '.join(names)}." if names else "", *details, whole]
    return "\n".join(line for line in lines if line)


def padded(side_px: int) -> int:
    return -(-side_px // PAD_PX) * PAD_PX
