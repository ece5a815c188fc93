"""The page of sedic's files: tables of rows, and what the paper reports in tables of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from limner.bench import sedic_paper
from limner.bench.rows import mean, number, table
from limner.bench.sedic_row import DETAILS, LATENT, MASKS, REST, WHOLE, Asked, Failure, Row

Columns = dict[str, tuple[Callable[[Row], float | None], int]]

LAYERS: Columns = {
    "objects": (lambda row: row.objects, 2),
    "reference": (lambda row: row.of(LATENT), 1),
    "words, whole": (lambda row: row.of(WHOLE), 1),
    "words, objects": (lambda row: row.of(DETAILS), 1),
    "masks": (lambda row: row.of(MASKS), 1),
    "rest": (lambda row: row.of(REST), 1),
    "file": (lambda row: row.bytes, 1),
    "bpp": (lambda row: row.bpp, 4),
    "PSNR, dB": (lambda row: row.psnr_db, 2),
    "MS-SSIM": (lambda row: row.ms_ssim, 4),
}
ACCOUNTS: Columns = {
    "reference": (lambda row: row.told.reference_bytes, 1),
    "words": (lambda row: row.told.words_bits / 8, 1),
    "counted": (lambda row: row.told.counted_bytes, 1),
    "bpp so": (lambda row: row.told.counted_bpp, 4),
    "not counted: table": (lambda row: row.told.table_bytes, 1),
    "masks": (lambda row: row.told.masks_bytes, 1),
    "sizes": (lambda row: row.told.sizes_bytes, 1),
    "all together": (lambda row: row.told.whole_bytes, 1),
    "bpp of that": (lambda row: row.whole_bpp, 4),
    "our file": (lambda row: row.bytes, 1),
    "bpp": (lambda row: row.bpp, 4),
}
UNDER: Columns = {
    "objects": (lambda row: row.objects, 2),
    "of the picture, %": (lambda row: 100 * row.covered_share, 1),
    "of the lost detail, %": (lambda row: 100 * row.lost_share, 1),
}


def means_table(rows: Sequence[Row], failures: Sequence[Failure], columns: Columns, *, budgets: bool = True) -> str:
    """Means over pictures, by codec and what was asked for; a dash where not every picture has a file."""
    found: list[Row | Failure] = [*rows, *failures]
    keys = dict.fromkeys((one.codec, one.asked) for one in found)
    lines = []
    for codec, asked in sorted(keys, key=order):
        if asked.target_bytes is None or budgets:
            some = [row for row in rows if (row.codec, row.asked) == (codec, asked)]
            whole = not any((one.codec, one.asked) == (codec, asked) for one in failures)
            cells = [number(mean(map(get, some)) if whole else None, digits) for get, digits in columns.values()]
            lines.append([f"{codec}, {asked}", str(len(some)), *cells])
    return table(["codec of the reference, what was asked for", "pictures", *columns], lines)


def order(key: tuple[str, Asked]) -> tuple[str, bool, str, int]:
    """Levels first, low before high."""
    codec, asked = key
    return codec, asked.target_bytes is not None, "" if asked.level == "low" else asked.level, asked.target_bytes or 0


def pictures_table(rows: Sequence[Row], codec: str, asked: Asked) -> str:
    """Every picture."""
    columns = [(get, digits if digits > 1 and name != "objects" else 0) for name, (get, digits) in LAYERS.items()]
    some = [row for row in rows if (row.codec, row.asked) == (codec, asked)]
    return table(["picture", *LAYERS], [[row.picture, *(number(get(row), digits) for get, digits in columns)] for row in some])


def failures_table(failures: Sequence[Failure]) -> str:
    return table(
        ["picture", "reference", "asked for", "why"],
        [[one.picture, one.codec, str(one.asked), one.failure] for one in failures],
    )


def page(rows: Sequence[Row], failures: Sequence[Failure], command: str) -> str:
    pictures = len({one.picture for one in rows} | {one.picture for one in failures})
    models = ", ".join(f"{codec} {model}" for codec, model in sorted({(row.codec, row.model) for row in rows}))
    parts = [
        "# sedic: bytes, layer by layer\n",
        "Computed by the command below; nothing here is written by hand.\n",
        f"```\n{command}\n```\n",
        f"Means over {pictures} pictures with given scenes. Whole files, read again in full; objects cut out of their boxes by",
        f"GrabCut. Weights of the reference: {models or '–'}.\n",
        UNPAINTED,
        means_table(rows, failures, LAYERS),
        WORDS,
        "## What the paper reports\n",
        "Not measured here, and not comparable byte for byte: see the accounting below.\n",
        sedic_paper.ranges_table(),
        sedic_paper.costs_table(),
        "## By the accounting of the authors' program\n",
        ACCOUNTING,
        means_table(rows, failures, ACCOUNTS, budgets=False),
        "## What is under the masks\n",
        LOST,
        means_table(rows, failures, UNDER),
    ]
    for codec, asked in sorted(dict.fromkeys((row.codec, row.asked) for row in rows), key=order):
        if asked.target_bytes is None:
            parts += [f"## Every picture: {codec}, {asked}\n", pictures_table(rows, codec, asked)]
    if failures:
        parts += ["## Without a file\n", failures_table(failures)]
    return "\n".join(parts)


UNPAINTED = """**Nothing was painted**: PSNR and MS-SSIM are of the reference alone, by its own decoder (`limner decode
--stages 0`, in a fresh process that gets the file and nothing else). They say where the painter begins, not what it makes
of it.
"""
WORDS = """Bytes are those of the layers' bodies; the rest is header, leads, lengths and checks. Levels are the paper's: low
is one object with up to 20 words, and 30 for the whole; high is three with 30, and 50. With cheng2020 the levels take what
they take. With miniature the reference takes what words and masks leave of the middle of the paper's range. Within a number
of bytes the encoder spends on reference, words and objects what it foresees to serve best; cheng2020, which has one rate,
is coded smaller until it fits, and so seldom fills them. How words are coded, beside others, is in [text.md](text.md).
"""
ACCOUNTING = """For the very content of these files. The program writes none. It counts the reference as a sum of
likelihoods (the real bytes of our reference stand for it here, which are a little more), and the codes of a Huffman code
that is made for names, details and the whole as one text. It divides by the pixels of the picture padded to 64. It leaves
out what nobody can decode without: the code's table (a byte for how many symbols there are, a byte for each, four bits for
each length), the masks (here as our files have them, on their grid; the program cuts them from the original, pixel by
pixel), and sizes, a varint each: of the picture, the reference, the codes and each mask. Names, which the paper does not
send, are counted by the program. The last columns are our file, without the names, with header and checks.
"""
LOST = """Which share of the picture is under the mask of an object that is sent; and which share of the local contrast (of
places of 16 x 16 px) that the reference has lost: the detail that words of objects can bring back.
"""
