"""``python -m limner.bench.text``: what words cost, beside what others do with them.

scenes.json (captions, and descriptions of the whole and of its things) -> coded one by one -> bits a character -> page

Bytes are whole bodies: all that a reader needs but their length. zstd has a dictionary of the same captions that our model was
made of, which both sides would have to hold; Huffman's code is made for each text and sent with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard

from limner.bench.huffman import huffman_bytes
from limner.bench.rows import table, write_page
from limner.entropy import textmodel
from limner.layers import text
from limner.train.text import lines_of, usual

DICTIONARY_BYTES = 112_640
TURNS = 3

Sizes = Callable[[str], int]


def groups(scenes: Path) -> dict[str, list[str]]:
    """The texts of a file of scenes, by what they are."""
    found = list(json.loads(scenes.read_text("utf-8")).values())
    return {
        "caption_ofa": [scene["caption_ofa"] for scene in found],
        "caption": [scene["caption"] for scene in found],
        "overall and detail": [
            *(scene["overall"] for scene in found),
            *(thing["detail"] for scene in found for thing in scene["objects"]),
        ],
    }


def coders(samples: Sequence[str]) -> dict[str, Sizes]:
    """Name of a way to code a text -> its bytes."""
    dictionary = zstandard.train_dictionary(DICTIONARY_BYTES, [line.encode() for line in samples])
    compressor = zstandard.ZstdCompressor(
        level=22, dict_data=dictionary, write_checksum=False, write_content_size=False, write_dict_id=False
    )
    return {
        "text layer": lambda words: len(text.write(text.fit(words))),
        "UTF-8": lambda words: len(words.encode()),
        "zlib": lambda words: len(zlib.compress(words.encode(), 9)),
        "zstd with a dictionary": lambda words: len(compressor.compress(words.encode())),
        "Huffman, its table sent": huffman_bytes,
    }


def bits_a_character(texts: Sequence[str], size: Sizes) -> float:
    return 8 * sum(map(size, texts)) / sum(map(len, texts))


def seconds(action: Callable[[], object]) -> float:
    """The least of some turns: the others waited for something else."""
    found = []
    for _ in range(TURNS):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return min(found)


def speeds(texts: Sequence[str]) -> list[list[str]]:
    """Rows of the second table: loading, writing, reading."""
    data = textmodel.FILE.read_bytes()
    characters = sum(map(len, texts))
    layers = [text.fit(words) for words in texts]
    bodies = [text.write(layer) for layer in layers]
    return [
        ["model in the package", f"{len(data):,} bytes"],
        ["loading the model", f"{1000 * seconds(lambda: textmodel.load(data)):.0f} ms"],
        ["writing", f"{characters / seconds(lambda: [text.write(layer) for layer in layers]):,.0f} characters a second"],
        ["reading", f"{characters / seconds(lambda: [text.read(body) for body in bodies]):,.0f} characters a second"],
    ]


def page(texts: dict[str, list[str]], ways: dict[str, Sizes], known: int, command: str) -> str:
    rows = [[way, *(f"{bits_a_character(some, size):.2f}" for some in texts.values())] for way, size in ways.items()]
    counts = [["texts", *(str(len(some)) for some in texts.values())]]
    counts.append(["characters each, mean", *(f"{sum(map(len, some)) / len(some):.0f}" for some in texts.values())])
    ours = ["bytes each in the text layer, mean"]
    ours += [f"{sum(map(ways['text layer'], some)) / len(some):.1f}" for some in texts.values()]
    return "\n".join(
        [
            "# Words: bits a character\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            "Each text is coded by itself, in whole bytes: 8 x all bytes / all characters. What tells how is in it.",
            "Huffman: a code for each text, sent with it. zstd: level 22, no checksum, no sizes, with a dictionary of",
            f"{DICTIONARY_BYTES:,} bytes made of the lines that the text layer's model was made of; {known} of the texts stand",
            "among those lines.\n",
            table(["way", *texts], rows),
            table(["", *texts], [*counts, ours]),
            "Speed, the least of three turns in one thread:\n",
            table(["what", "measured"], speeds([words for some in texts.values() for words in some])),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``text.md``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.text", description=main.__doc__)
    parser.add_argument("--scenes", type=Path, default=Path("../shared/data/kodak/scenes.json"), help="texts to be coded")
    parser.add_argument("--lines", type=Path, nargs="+", required=True, help="files that the model was made of")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for text.md")
    options = parser.parse_args(argv)
    samples = [line for path in options.lines for line in lines_of(path)]
    texts = groups(options.scenes)
    seen = {usual(line) for line in samples}
    known = sum(usual(words) in seen for some in texts.values() for words in some)
    found = page(texts, coders(samples), known, "python -m limner.bench.text --scenes PATH --lines PATHS")
    write_page(options.out / "text.md", found)
    sys.stdout.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
