"""SEDIC's decoder: a reference is painted anew, object by object, then as a whole. Algorithm 1 of Song et al. 2025.

    I_0 = reference (h, w, 3)
    for each object j:                                                                              lines of Algorithm 1
        z_j,T = specified noise (1, 4, h / 8, w / 8)                                                2
        cf_j = condition of I_j;  ct_j = its words                                                  3, 5
        for t = T ... 1:
            if t > T':  z_j,t <- z_j,t - eta * dE(A, M_j) / dz_j,t     (2, 3)                       7, 8
            z_j,t-1 = scheduler(z_j,t, U-Net(z_j,t, ct_j, t, ControlNet(z_j,t, cf_j)))              10
            z_j,t-1 <- M_j z_j,t-1 + (1 - M_j) z_(j-1),t-1             (4)                          11
        I_(j+1) = VAE(z_j,0)                                                                        19
    the same once more with the words for the whole, without 7, 8 and 11                            14 to 17

What the paper leaves open is settled here:

- Before the first object, z_(-1),t is the reference: its latents, noised as they would be at t by the noise with which object 1
  begins. So what is under no mask stays the reference until the last stage.
- M_j on the grid of latents is every place that the mask covers by half or more. An object whose mask is empty is passed over:
  the picture and all z stay as they are.
- k are all tokens of the object's words, without the suffix.
- Between two stages the picture is rounded to 8 bits: it is what ``keep`` is given.
- Of z_(j-1) one latent for each t is kept, and that of z_j takes its place: memory does not grow with J.

In mode ``released`` (what the authors' program does) there are other settings (``stagepainter``), and instead of line 11 the
one blend z_j,0 <- M_j z_j,0 + (1 - M_j) VAE(I_j) ends a stage; M_j is taken at the nearest pixel; the last stage is conditioned
by the reference, and begins with the low frequencies of I_J, noised as at its first t. The program feeds these to the VAE in
another range than it wants, draws VAE(I_j) rather than taking its mode, and squeezes pictures that are not square: not so here.

Noise: that of the specification for the seed; object number n = 1, 2, ... begins with draw n * 2**16 and its scheduler draws
those after it; the last stage has n = 0. A window (``margin_px``) begins with its part of the whole picture's noise; what its
scheduler draws is of the window's own shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.errors import SceneError
from limner.extras import need
from limner.render import stagenets
from limner.render.drawn import answering
from limner.render.guidance import Guide, guide
from limner.render.lowpass import lowpass
from limner.render.machine import Machine
from limner.render.regions import Grid, Mask, Window, inside, nearest, whole, window
from limner.render.size import Size
from limner.render.stagenets import DRAWS, Nets
from limner.render.stagepainter import RELEASED, StagePainter

Pixels = NDArray[np.uint8]
Watch = Callable[[int, int], None]
"""Is told how many steps are done, and of how many, after each; what it raises ends the painting."""
Keep = Callable[[int, Pixels], None]
"""Is given each stage's number, from 1 on, and its picture; also of one that was passed over."""

MOST_THINGS = 8


@dataclass(frozen=True, eq=False)
class Thing:
    """An object. words: its details, "" for none. mask: (rows, columns) bool, stretched over the picture, of any size. Raises
    SceneError for another mask, or letters that are none."""

    words: str
    mask: Mask

    def __post_init__(self) -> None:
        if self.mask.ndim != 2 or self.mask.dtype != np.bool_ or not self.mask.size:
            raise SceneError(
                f"a mask is (rows, columns) of true and false, not {self.mask.shape} {self.mask.dtype}", field="mask"
            )
        check_words(self.words)


@dataclass(frozen=True, eq=False)
class Stage:
    """What is to be done. number: of the object, 0 for the last stage. picture: what the control net is given. window: of the
    grid of latents. mask: on the grid, in the window alone; None: everywhere. coarse: what the last stage starts from, in mode
    released."""

    number: int
    words: str
    steps: int
    guidance: float
    picture: Pixels
    window: Window
    mask: Mask | None = None
    coarse: Pixels | None = None


@dataclass(eq=False)
class Counter:
    """Steps that are done, of how many, and who is told."""

    watch: Watch | None
    total: int
    done: int = 0

    def step(self) -> None:
        self.done += 1
        if self.watch is not None:
            self.watch(self.done, self.total)


@dataclass(frozen=True, eq=False)
class Stages:
    """A painter with its models in place. One painting at a time: it is not for several threads."""

    painter: StagePainter
    machine: Machine
    nets: Nets

    def paint(
        self,
        reference: Pixels,
        things: Sequence[Thing],
        words: str,
        seed: int,
        size_px: Size,
        stages: int | None = None,
        watch: Watch | None = None,
        keep: Keep | None = None,
    ) -> Pixels:
        """A picture (h, w, 3) uint8 sRGB of size_px (width, height).

        reference: (h, w, 3) uint8 of any size. things: up to 8, in the order of their painting. words: for the whole. What is
        too long for the tokenizer is not read. seed: 0 to 2**32 - 1. size_px: multiples of 8. stages: ends after so many
        objects, 1 to their number; None: with the last stage. Raises SceneError for what cannot be painted, LimnerError if
        memory or the range of half precision is not enough.
        """
        self.check(reference, things, words, seed, size_px, stages)
        shown = image.resize(reference, *size_px)
        masks = [self.places(thing, shown) for thing in things[:stages]]
        steps = [self.painter.steps(number) for number, mask in enumerate(masks, 1) if mask.any()]
        counter = Counter(watch, sum(steps) + (self.painter.last_steps if stages is None else 0))
        with self.nets.working(self.machine, size_px[0] * size_px[1]):
            picture = shown
            path = self.before(shown, seed) if steps else []
            for number, (thing, mask) in enumerate(zip(things, masks, strict=False), 1):
                if mask.any():
                    picture = self.object(self.stage(number, thing.words, picture, mask), path, seed, counter)
                tell(keep, number, picture)
            if stages is None:
                picture = self.whole(self.last(words, picture, shown), seed, counter)
                tell(keep, len(things) + 1, picture)
        return picture

    def object(self, stage: Stage, path: list[Any], seed: int, counter: Counter) -> Pixels:
        """I_j -> I_(j+1). path: z_(j-1) after each step; becomes z_j."""
        if self.painter.mode == RELEASED:
            path[:] = [self.nets.latents(stage.picture)]
        self.run(stage, path, seed, counter)
        return self.nets.picture(path[-1])

    def whole(self, stage: Stage, seed: int, counter: Counter) -> Pixels:
        """I_J -> I_F."""
        return self.nets.picture(self.run(stage, [], seed, counter))

    def run(self, stage: Stage, path: list[Any], seed: int, counter: Counter) -> Any:
        """Lines 2 to 18: z_j,0, in the window. path: latents of the whole picture that are blended with after the last steps,
        as many as there are; each is changed to what is found."""
        nets = self.nets
        times = nets.times(stage.steps)
        z = self.start(stage, seed, times[0])
        condition = nets.condition(stage.window.of(stage.picture, nets.parts.vae_px))
        embedded = nets.embedded(stage.words, stage.guidance)
        towards = self.guide(stage)
        guided = 0 if towards is None else self.painter.guided(stage.steps)
        with answering(nets.parts.scheduler, [seed], stage.number * DRAWS):
            for step, time in enumerate(times):
                if step < guided and towards is not None:
                    z = self.moved(z, time, embedded[-1:], condition, towards)
                z = nets.stepped(z, time, embedded, condition, stage.guidance)
                place = step - stage.steps + len(path)
                if place >= 0 and stage.mask is not None:
                    z = blended(z, path[place], stage.mask, stage.window)
                counter.step()
        return z

    def start(self, stage: Stage, seed: int, first: Any) -> Any:
        """Line 2. first: the scheduler's first time."""
        nets = self.nets
        noise = nets.noise(seed, stage.number, stage.window, stage.picture.shape)
        if stage.coarse is not None:
            return nets.noised(nets.latents(stage.coarse), noise, first)
        return noise.to(nets.device, nets.dtype) * nets.parts.scheduler.init_noise_sigma

    def moved(self, z: Any, time: Any, embedded: Any, condition: Any, towards: Guide) -> Any:
        """Line 8, on z as the U-Net sees it: some schedulers scale it. embedded: of the object's words alone."""
        scaled = self.nets.parts.scheduler.scale_model_input
        down = towards.moved(scaled(z, time), lambda free: self.nets.told(free, time, embedded, condition))
        scale = scaled(need("torch", extra="diffusion").ones(1, device=z.device), time)
        return (z.float() - down / scale).to(z.dtype)

    def guide(self, stage: Stage) -> Guide | None:
        if stage.mask is None or not self.painter.eta:
            return None
        tokens = self.nets.tokens(stage.words)
        return guide(self.nets.parts.unet, self.painter.guided_blocks, stage.mask, tokens, self.painter.eta)

    def before(self, shown: Pixels, seed: int) -> list[Any]:
        """The reference as z_(-1) after each step of object 1."""
        nets = self.nets
        times = nets.times(self.painter.steps(1))
        latents = nets.latents(shown)
        noise = nets.noise(seed, 1, whole(latents.shape[2:]), shown.shape)
        return [*(nets.noised(latents, noise, time) for time in times[1:]), latents]

    def stage(self, number: int, words: str, picture: Pixels, mask: Mask) -> Stage:
        """Of an object. mask: on the grid of latents."""
        margin_px, side_px = self.painter.margin_px, self.nets.parts.vae_px
        margin = None if margin_px is None else -(-margin_px // side_px)
        around = window(mask, margin, max(1, self.painter.multiple // side_px))
        steps, guidance = self.painter.steps(number), self.painter.object_guidance
        return Stage(number, words, steps, guidance, picture, around, around.of(mask))

    def last(self, words: str, picture: Pixels, shown: Pixels) -> Stage:
        """The stage of the whole. shown: the reference."""
        everywhere = whole(self.grid(picture))
        steps, guidance = self.painter.last_steps, self.painter.last_guidance
        if self.painter.mode == RELEASED:
            return Stage(0, words, steps, guidance, shown, everywhere, coarse=lowpass(picture))
        return Stage(0, words, steps, guidance, picture, everywhere)

    def places(self, thing: Thing, shown: Pixels) -> Mask:
        """A thing's mask on the grid of latents."""
        return (nearest if self.painter.mode == RELEASED else inside)(thing.mask, self.grid(shown))

    def grid(self, shown: Pixels) -> Grid:
        """Rows and columns of a picture's latents."""
        return shown.shape[0] // self.nets.parts.vae_px, shown.shape[1] // self.nets.parts.vae_px

    def check(
        self, reference: Pixels, things: Sequence[Thing], words: str, seed: int, size_px: Size, stages: int | None
    ) -> None:
        """Raise SceneError for what cannot be painted."""
        step_px = max(8, self.nets.parts.vae_px)
        if any(side_px < step_px or side_px % step_px for side_px in size_px):
            raise SceneError(f"both sides are multiples of {step_px}, not {size_px}", field="size_px")
        if reference.dtype != np.uint8 or reference.ndim != 3 or reference.shape[2] != 3 or not reference.size:
            raise SceneError(f"is (h, w, 3) uint8, not {reference.shape} {reference.dtype}", field="reference")
        if len(things) > MOST_THINGS:
            raise SceneError(f"there are at most {MOST_THINGS}, not {len(things)}", field="things")
        if not 0 <= seed < 1 << 32:
            raise SceneError("is 0 to 2**32 - 1", field="seed")
        if stages is not None and not 1 <= stages <= len(things):
            raise SceneError(f"is 1 to the number of things, {len(things)}, or None, and not {stages}", field="stages")
        check_words(words)


def opened(painter: StagePainter, machine: Machine | None = None) -> Stages:
    """A painter with its models, on the machine. Takes as long as reading some gigabytes.

    Raises MissingError with the names, sizes and the command if packages or weights are not here, and for models that do not go
    together; LimnerError if the machine has no such device.
    """
    machine = machine or Machine()
    return Stages(painter, machine, stagenets.opened(painter, machine))


def blended(z: Any, before: Any, mask: Mask, window: Window) -> Any:
    """Line 11 in a window: the stage's own latents where the mask is, those of the stage before elsewhere, bit for bit. before:
    of the whole picture; what is found is written into it."""
    torch = need("torch", extra="diffusion")
    there = before[..., window.rows, window.columns]
    found = torch.where(torch.from_numpy(mask).to(z.device), z, there)
    there.copy_(found)
    return found


def tell(keep: Keep | None, number: int, picture: Pixels) -> None:
    if keep is not None:
        keep(number, picture)


def check_words(words: str) -> None:
    if any(0xD800 <= ord(letter) < 0xE000 for letter in words):
        raise SceneError("these are no letters of Unicode", field="words")
