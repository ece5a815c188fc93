"""``python -m limner.bench.architectures``: architectures under equal training time, by the same recipe.

    variant -> the recipe for so many minutes -> held-out pictures at four qualities -> PSNR at two rates -> page

Rates are of rounded likelihoods (estimated bits), errors of the averaged weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.bench.rows import number, table, write_page
from limner.layers.quadtree import HYPER_CHANNELS
from limner.nets.miniature import Gated, Miniature, Steps, Walked, Widths, blocks, phase_planes, rounded
from limner.nets.noise import Noise
from limner.train import photos
from limner.train.loop import train
from limner.train.machine import Machine
from limner.train.miniature import CHECKED_QUALITIES, Recipe, Task
from limner.train.state import LAST
from limner.train.task import Check, Schedule

RATES_BPP = [0.06, 0.12]


class Plain(nn.Module):
    """Residual block of two dense 3x3 convolutions; the second starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        for tensor in self.second.parameters():
            nn.init.zeros_(tensor)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.gelu(self.first(F.gelu(x))))
        return x + change


def with_plain_blocks(module: nn.Module) -> None:
    """Replace every gated block in place."""
    for name, child in module.named_children():
        if isinstance(child, Gated):
            setattr(module, name, Plain(child.reduce.in_channels))
        else:
            with_plain_blocks(child)


def plain() -> Miniature:
    """Dense blocks, narrower, so that a step costs about as much."""
    model = Miniature(Widths(quarter=32, eighth=80, sixteenth=128))
    with_plain_blocks(model)
    return model


class Tables(Miniature):
    """The hyper latent under one Gaussian for each channel and quality: no steps, nothing predicted from neighbours."""

    def __init__(self, anchors: int = 9) -> None:
        super().__init__()
        self.hyper_index = nn.Parameter(torch.full((anchors, HYPER_CHANNELS), 28.0))

    def walk(self, y: Tensor, z: Tensor, t: Tensor) -> tuple[Walked, Walked]:
        index = self.between(self.hyper_index, t).expand_as(z)
        hyper = Walked(z, torch.zeros_like(z), index, rounded(z))
        return hyper, self.latent_steps(y, self.features(hyper.y_hat, t, y))


class Checkerboard(Steps):
    """Two steps over the positions, all channels at once."""

    def forward(self, y: Tensor, features: Tensor) -> Walked:
        at = self.begin(y, features)
        rows, columns = (torch.arange(n, device=y.device) for n in y.shape[2:])
        for step in range(2):
            here = ((rows[:, None] + columns) % 2 == step).to(y.dtype)
            features, prediction = self.contexts[step](at.features, phase_planes(y), at.y_hat)
            mean, index = prediction.float().chunk(2, 1)
            at = Walked(
                features,
                at.mean + here * mean,
                at.index + here * 8 * index,
                at.y_hat + here * (rounded(y - mean) + mean),
            )
        return at


def checkerboard() -> Miniature:
    model = Miniature()
    model.latent_steps = Checkerboard(model.widths.latent, model.widths.features)
    del model.latent_steps.contexts[2:]
    return model


class Deeper(nn.Module):
    """An analysis and one more halving: latent (b 128 h/32 w/32)."""

    def __init__(self, analysis: nn.Module, w: Widths) -> None:
        super().__init__()
        self.analysis = analysis
        self.more = nn.Sequential(
            nn.Conv2d(w.latent, w.sixteenth, 2, stride=2), *blocks(w.sixteenth, 4), nn.Conv2d(w.sixteenth, w.latent, 1)
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        y: Tensor = self.more(F.pad(self.analysis(x, t), [0, 1, 0, 1]))
        return y


class Shallower(nn.Module):
    """One more doubling, and a synthesis."""

    def __init__(self, synthesis: nn.Module, w: Widths) -> None:
        super().__init__()
        self.synthesis = synthesis
        self.more = nn.Sequential(
            nn.Conv2d(w.latent, w.sixteenth, 1),
            *blocks(w.sixteenth, 4),
            nn.Conv2d(w.sixteenth, 4 * w.latent, 1),
            nn.PixelShuffle(2),
        )

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        picture: Tensor = self.synthesis(self.more(y), t)
        return picture


class Deep(Miniature):
    """The latent at 1/32 of the picture, with twice the channels."""

    def __init__(self) -> None:
        super().__init__(Widths(latent=128))
        self.analysis = Deeper(self.analysis, self.widths)  # type: ignore[assignment]
        self.synthesis = Shallower(self.synthesis, self.widths)  # type: ignore[assignment]

    def forward(self, x: Tensor, t: Tensor, noise: Noise | None = None) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        h, w = x.shape[2:]
        coded = super().forward(x, t, noise)
        return coded._replace(picture=coded.picture[:, :, :h, :w])


AGAIN = "as shipped, another seed"
VARIANTS: dict[str, Callable[[], Miniature]] = {
    "as shipped": Miniature,
    AGAIN: Miniature,
    "hyper latent by tables": Tables,
    "checkerboard": checkerboard,
    "plain blocks": plain,
    "latent at 1/32": Deep,
    "three quarters as wide": lambda: Miniature(Widths(quarter=36, eighth=96, sixteenth=144, features=96)),
}


@dataclass(frozen=True)
class Trial(Task):
    """The recipe without a look at real bits: not every variant has integers."""

    def check(self, model: Miniature) -> Check:
        return self.estimated(model)


@dataclass(frozen=True)
class Outcome:
    """What a variant came to; psnr_db: at each rate asked for, None where that is beyond its qualities."""

    name: str
    parameters: int
    steps: int
    psnr_db: tuple[float | None, ...]


def outcome(name: str, task: Trial, out: Path, rates_bpp: Sequence[float]) -> Outcome:
    kept = torch.load(out / LAST, weights_only=True)
    model = task.begin()
    model.load_state_dict(kept["ema"])
    with torch.no_grad():
        figures = task.estimated(model.eval()).figures
    points = [(figures[f"q{quality}/bpp"], figures[f"q{quality}/psnr_db"]) for quality in CHECKED_QUALITIES]
    parameters = sum(p.numel() for p in model.parameters())
    return Outcome(name, parameters, kept["step"], tuple(at_rate(points, rate) for rate in rates_bpp))


def at_rate(points: Sequence[tuple[float, float]], rate_bpp: float) -> float | None:
    """PSNR at a rate, between points that rise; linear in the logarithm of the rate."""
    rates, errors = np.log([bpp for bpp, _ in points]), [psnr for _, psnr in points]
    inside = rates[0] <= np.log(rate_bpp) <= rates[-1]
    return float(np.interp(np.log(rate_bpp), rates, errors)) if inside else None


def page(found: Sequence[Outcome], minutes: float, rates_bpp: Sequence[float], command: str) -> str:
    head = ["variant", "parameters", "steps", *(f"dB at {rate:g} bpp" for rate in rates_bpp)]
    lines = [[one.name, f"{one.parameters:,}", str(one.steps), *(number(psnr, 2) for psnr in one.psnr_db)] for one in found]
    return "\n".join(
        [
            "# Architectures under equal training time\n",
            f"Each trained for {minutes:g} minutes by the recipe of miniature, from fresh weights, and judged on held-out",
            "pictures (estimated bits). A dash: the rate is beyond what its qualities reach. So short a race favours what",
            "learns fast. Another seed, which draws other weights and other crops, shows what is chance.\n",
            f"```\n{command}\n```\n",
            table(head, lines),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Train every variant and write ``architectures.md``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.architectures", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="folder of training photographs")
    parser.add_argument("--minutes", type=float, default=8.0, help="for each variant")
    parser.add_argument("--batch", type=int, default=8, help="crops a step")
    parser.add_argument("--crop", type=int, default=256, help="side of a crop in pixels")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES_BPP, help="bits per pixel that are compared")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="some of the variants")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--work", type=Path, default=Path("runs/compare"), help="folder for checkpoints, gone on from")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for architectures.md")
    options = parser.parse_args(argv)
    pictures = photos.load(options.data)
    found = []
    for name in options.only:
        schedule = Schedule(minutes=options.minutes, seed=2 if name == AGAIN else 1)
        recipe, net = Recipe(schedule, batch=options.batch, crop_px=options.crop), VARIANTS[name]
        task, work = Trial(recipe, pictures, net), options.work / name.replace(" ", "-").replace("/", "-")
        train(task, work, Machine("cpu", threads=options.threads), lambda line: print(line, file=sys.stderr))
        found.append(outcome(name, task, work, options.rates))
    command = f"python -m limner.bench.architectures --minutes {options.minutes:g} --batch {options.batch}"
    if options.threads:
        command += f" --threads {options.threads}"
    if len(options.only) < len(VARIANTS):
        command += f" --only {' '.join(map(repr, options.only))}"
    if options.rates != RATES_BPP:
        command += f" --rates {' '.join(map(str, options.rates))}"
    text = page(found, options.minutes, options.rates, command)
    write_page(options.out / "architectures.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
