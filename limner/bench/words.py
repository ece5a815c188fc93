"""``python -m limner.bench.words``: does a caption help the encoder? The trial of ``limner.train.words``, and its page.

    codec -> encoder with words, trained -> photographs with their words, none, another's, "NA" -> rate, error -> page

Needs ``limner[words]``. Rates are estimated bits; every way of words goes through the same weights.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from limner import image
from limner.bench.rows import table, write_page
from limner.errors import LimnerError
from limner.nets.words import Worded, WordEncoder
from limner.train import words
from limner.train.loop import train
from limner.train.machine import Machine
from limner.train.miniature import CHECKED_QUALITIES, Recipe
from limner.train.state import LAST
from limner.train.task import Schedule
from limner.train.words import Captioned, Cost, Task, cost

EMPTY = "empty"
ENCODER = "words.pt"


@dataclass(frozen=True)
class Tried:
    """A picture at a quality, by way of words."""

    picture: str
    quality: int
    costs: dict[str, Cost]


def ways(captions: Sequence[str]) -> dict[str, Sequence[str]]:
    """The words of every picture, by way. Shuffled: those of the picture half a set further on, so of no neighbour."""
    half = len(captions) // 2
    return {
        "true": captions,
        EMPTY: [""] * len(captions),
        "shuffled": [*captions[half:], *captions[:half]],
        '"NA"': ["NA"] * len(captions),
    }


def tried(model: Worded, recipe: Recipe, named: dict[str, Captioned]) -> list[Tried]:
    """Every picture at every quality by every way."""
    found = []
    texts = ways([one.caption for one in named.values()])
    for place, (name, one) in enumerate(named.items()):
        for quality in CHECKED_QUALITIES:
            costs = {way: cost(recipe, model, one.pixels, told[place], quality) for way, told in texts.items()}
            found.append(Tried(name, quality, costs))
    return found


@dataclass(frozen=True)
class Gain:
    """By how many percent a way's loss lies under that without words: mean over pictures, and its standard error."""

    percent: float
    error: float

    @property
    def shown(self) -> str:
        return f"{self.percent:+.3f} ± {self.error:.3f} %"


def gain(found: Sequence[Tried], way: str) -> Gain:
    """Paired by picture: a picture's qualities are averaged first, since they do not vary on their own."""
    by_picture: dict[str, list[float]] = {}
    for one in found:
        part = 100 * (1 - one.costs[way].loss / one.costs[EMPTY].loss)
        by_picture.setdefault(one.picture, []).append(part)
    means = [float(np.mean(parts)) for parts in by_picture.values()]
    return Gain(float(np.mean(means)), float(np.std(means, ddof=1) / len(means) ** 0.5))


def page(found: Sequence[Tried], minutes: float, command: str) -> str:
    """Rates, errors and gains as Markdown."""
    told = list(found[0].costs)
    head = ["quality", *(f"{way} words: bpp, dB" for way in told)]
    lines = []
    for quality in CHECKED_QUALITIES:
        here = [one for one in found if one.quality == quality]
        cells = []
        for way in told:
            bpp, psnr = (float(np.mean([getattr(one.costs[way], name) for one in here])) for name in ("bpp", "psnr_db"))
            cells.append(f"{bpp:.4f}, {psnr:.3f}")
        lines.append([str(quality), *cells])
    gains = [[way, gain(found, way).shown] for way in told if way != EMPTY]
    return "\n".join(
        [
            "# Words in the encoder\n",
            "Written by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            "The analysis of miniature was given cross attention to the words of a caption (in the manner of TACO's text",
            f"adapter) and trained for {minutes:g} minutes on captioned photographs, with the caption left out in 3 of 10;",
            f"hyper latent, entropy path and synthesis stayed as they are. Below, {len({one.picture for one in found})}",
            "photographs that it never saw, with their words, none, another picture's words, and the word NA, through the same",
            "weights.\n",
            table(head, lines),
            "Rate plus lambda times squared error, compared with that of no words (mean over pictures ± standard error; more",
            "is better):\n",
            table(["words", "less loss than without words"], gains),
            verdict(found),
        ]
    )


def verdict(found: Sequence[Tried]) -> str:
    """True words win if they are better than none and than another picture's by two standard errors."""
    true, shuffled = gain(found, "true"), gain(found, "shuffled")
    wins = true.percent > 2 * true.error and true.percent - shuffled.percent > 2 * (true.error**2 + shuffled.error**2) ** 0.5
    outcome = "win beyond noise" if wins else "do not win beyond noise, so the encoder takes no words"
    return f"True words {outcome}: the bar is two standard errors over none and over shuffled words.\n"


def photographs(folder: Path) -> dict[str, Captioned]:
    """The pictures that ``scenes.json`` names, with their captions. LimnerError if there is none."""
    path = folder / "scenes.json"
    if not path.is_file():
        raise LimnerError(f"{folder} has no scenes.json: wanted is a caption for every picture")
    scenes = json.loads(path.read_text("utf-8"))
    return {name: Captioned(image.load(folder / name).pixels, scene["caption"]) for name, scene in scenes.items()}


def word_encoder(folder: Path, texts: Sequence[str], steps: int) -> WordEncoder:
    """The distilled word encoder, made once."""
    path = folder / ENCODER
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(words.distilled(texts, words.minilm(), steps, say).state_dict(), path)
    model = WordEncoder()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Distil, train and write ``words.md``."""
    options = _options().parse_args(argv)
    captioned, held_out = words.load(options.data)
    texts = [*options.text.read_text("utf-8").splitlines(), *(one.caption for one in captioned)]
    encoder = word_encoder(options.work, texts, options.distil_steps)
    recipe = Recipe(Schedule(minutes=options.minutes, learning_rate=3e-4), batch=options.batch)
    task = Task(captioned, held_out, options.run, encoder, recipe)
    train(task, options.work, Machine("cpu", threads=options.threads, precision="32-true"), say)
    model = task.begin()
    model.load_state_dict(torch.load(options.work / LAST, weights_only=True)["ema"])
    found = tried(model.eval(), recipe, photographs(options.kodak))
    command = f"python -m limner.bench.words --run CHECKPOINT --minutes {options.minutes:g}"
    text = page(found, options.minutes, command)
    write_page(options.out / "words.md", text)
    sys.stdout.write(text)
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.words", description=main.__doc__)
    parser.add_argument("--run", type=Path, required=True, help="checkpoint of limner train miniature")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="tar shards and captions.jsonl")
    parser.add_argument("--text", type=Path, default=Path("../shared/data/text/flickr8k.txt"), help="captions, one a line")
    parser.add_argument("--kodak", type=Path, default=Path("../shared/data/kodak"), help="pictures and scenes.json")
    parser.add_argument("--minutes", type=float, default=12.0, help="of training")
    parser.add_argument("--distil-steps", type=int, default=1500, help="of the word encoder")
    parser.add_argument("--batch", type=int, default=16, help="crops a step")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--work", type=Path, default=Path("runs/words"), help="folder for checkpoints, gone on from")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for words.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
