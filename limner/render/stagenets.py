"""The models that SEDIC's decoder runs, and what it asks of them.

    words --tokenizer, text encoder--> embedded (1 or 2, 77, d): those of ``negative`` first, where words are guided
    picture (h, w, 3) uint8 --VAE--> latents (1, 4, h / 8, w / 8) --VAE--> picture
    picture --condition--> ircontrol: its latents; tile: itself (1, 3, h, w), 0..1
    z_t, t, embedded, condition --control net, U-Net--> what the scheduler is told (1, 4, h / 8, w / 8)
    seed, number of the stage, k --specified noise--> (1, 4, h / 8, w / 8)

Everything is of one picture. With guidance of words both passes are one batch, of the control net and of the U-Net. Latents are
the mode of what the VAE finds, so nothing is drawn for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.render import ircontrol
from limner.render.diffusion import place, to_uint8
from limner.render.drawn import drawn
from limner.render.guidance import guided
from limner.render.machine import Machine, device_of, precision_of
from limner.render.painter import Painter
from limner.render.parts import Parts, demand, load
from limner.render.quiet import quiet
from limner.render.regions import Window
from limner.render.stagepainter import StagePainter

Pixels = NDArray[np.uint8]

DRAWS = 1 << 16
"""Stage n begins with draw n * DRAWS of the seed, and its scheduler draws those after it. The last stage is n = 0, so that it
alone is the plain pipeline; objects are n = 1, 2, ..."""


@dataclass(frozen=True, eq=False)
class Nets:
    """device, precision: what they came to. pipe: of diffusers, holds the parts where they run; its loop is not used."""

    painter: StagePainter
    parts: Parts
    device: str
    precision: str
    pipe: Any

    @property
    def dtype(self) -> Any:
        return getattr(need("torch", extra="diffusion"), self.precision)

    def embedded(self, words: str, guidance: float) -> Any:
        """What the nets read of words and suffix, (1, 77, d); with guidance of words (2, 77, d)."""
        torch = need("torch", extra="diffusion")
        with quiet():
            told, plain = self.pipe.encode_prompt(
                words + self.painter.suffix, self.device, 1, guidance > 1, self.painter.negative or None
            )
        return torch.cat([plain, told]) if guidance > 1 else told

    def tokens(self, words: str) -> int:
        """How many tokens of the words are read; start, end and suffix do not count."""
        with quiet():
            ids = self.parts.tokenizer(words, truncation=False).input_ids
        return min(len(ids), int(self.parts.tokenizer.model_max_length)) - 2

    def latents(self, picture: Pixels) -> Any:
        """Of a picture."""
        found = self.parts.vae.encode(2 * self.tensor(picture) - 1)
        mode = found.latents if hasattr(found, "latents") else found.latent_dist.mode()
        return mode * self.parts.vae.config.scaling_factor

    def picture(self, latents: Any) -> Pixels:
        """Of latents. LimnerError if they are no numbers."""
        found = self.parts.vae.decode(latents / self.parts.vae.config.scaling_factor, return_dict=False)[0]
        return to_uint8((found / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy())[0]

    def condition(self, picture: Pixels) -> Any:
        """What the control net is given."""
        return self.latents(picture) if self.painter.control_kind == "ircontrol" else self.tensor(picture)

    def tensor(self, picture: Pixels) -> Any:
        """(1, 3, h, w), 0..1."""
        torch = need("torch", extra="diffusion")
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1))[None].astype(np.float32) / np.float32(255)
        return torch.from_numpy(planes).to(self.device, self.dtype)

    def noise(self, seed: int, number: int, window: Window, shape: tuple[int, ...]) -> Any:
        """What a stage begins with, float32, on the CPU: in a window, the part of the whole picture's that is there. shape: of
        the picture."""
        rows, columns = (side // self.parts.vae_px for side in shape[:2])
        found = drawn([seed], number * DRAWS, (int(self.parts.unet.config.in_channels), rows, columns))
        return found[..., window.rows, window.columns]

    def times(self, steps: int) -> Any:
        """Set the scheduler to so many steps, and give its times, the highest first. LimnerError if it has not so many."""
        scheduler = self.parts.scheduler
        try:
            with quiet():
                scheduler.set_timesteps(steps, device=self.device)
        except ValueError as error:
            raise LimnerError(f"{self.painter.scheduler} does not take {steps} steps: take fewer") from error
        if scheduler.timesteps.max() > scheduler.config.num_train_timesteps - 1:
            raise LimnerError(f"{self.painter.scheduler} does not take {steps} steps: take fewer")
        return scheduler.timesteps

    def noised(self, latents: Any, noise: Any, time: Any) -> Any:
        """Latents as they are at a time of the scheduler."""
        # In half precision the scheduler would round its own numbers.
        found = self.parts.scheduler.add_noise(latents.float(), noise.to(self.device), time[None])
        return found.to(self.dtype)

    def told(self, scaled: Any, time: Any, embedded: Any, condition: Any) -> Any:
        """What the U-Net says (n, 4, r, c) of latents (1, 4, r, c) as the scheduler has scaled them; n is that of the words."""
        count = len(embedded)
        both, shown = (each.expand(count, *each.shape[1:]) for each in (scaled, condition))
        down, middle = self.parts.control(
            both,
            time,
            encoder_hidden_states=embedded,
            controlnet_cond=shown,
            conditioning_scale=float(self.painter.control_scale),
            return_dict=False,
        )
        return self.parts.unet(
            both,
            time,
            encoder_hidden_states=embedded,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0]

    def stepped(self, latents: Any, time: Any, embedded: Any, condition: Any, guidance: float) -> Any:
        """z_t -> z_(t-1): classifier-free guidance by the words, and a step of the scheduler."""
        told = self.told(self.parts.scheduler.scale_model_input(latents, time), time, embedded, condition)
        if len(told) > 1:
            plain, worded = told.chunk(2)
            told = plain + guidance * (worded - plain)
        return self.parts.scheduler.step(told, time, latents, return_dict=False)[0]

    @contextmanager
    def working(self, machine: Machine, pixels: int) -> Iterator[None]:
        """Inside no slopes are kept and nothing is said; afterwards the models are back where they wait."""
        torch = need("torch", extra="diffusion")
        (self.parts.vae.enable_tiling if machine.tiles(pixels) else self.parts.vae.disable_tiling)()
        try:
            with torch.no_grad():
                yield
        except torch.OutOfMemoryError as error:
            raise LimnerError("memory is not enough: offload model, or paint smaller") from error
        finally:
            self.pipe.maybe_free_model_hooks()


def opened(painter: StagePainter, machine: Machine) -> Nets:
    """The models of a painter, on the machine. Raises what ``limner.render.stages.opened`` does."""
    precision = precision_of(machine, device_of(machine))
    demand(painter)
    tile = painter.control_kind == "tile"
    parts = load(Painter(painter.base, painter.control if tile else "", painter.scheduler, vae=painter.vae), precision)
    if not tile:
        parts = replace(parts, control=ircontrol.load(painter.control, parts.unet, precision))
    parts = replace(parts, scheduler=spaced(parts.scheduler, painter.spacing))
    return nets_of(painter, parts, machine)


def nets_of(painter: StagePainter, parts: Parts, machine: Machine) -> Nets:
    """Models that are loaded, put on the machine. MissingError for those that stages cannot be painted with."""
    check(painter, parts)
    device = device_of(machine)
    diffusers = need("diffusers", extra="diffusion")
    modules = {"vae": parts.vae, "text_encoder": parts.text_encoder, "tokenizer": parts.tokenizer, "unet": parts.unet}
    modules |= {"scheduler": parts.scheduler, "safety_checker": None, "feature_extractor": None, "controlnet": parts.control}
    with quiet():
        pipe = diffusers.StableDiffusionControlNetPipeline(**modules, requires_safety_checker=False)
        place(pipe, parts, machine, device)
    return Nets(painter, parts, device, precision_of(machine, device), pipe)


def spaced(scheduler: Any, spacing: str) -> Any:
    """A scheduler with its times so spaced."""
    if not spacing:
        return scheduler
    with quiet():
        return type(scheduler).from_config(scheduler.config, timestep_spacing=spacing)


def check(painter: StagePainter, parts: Parts) -> None:
    """Raise MissingError for models that stages cannot be painted with."""
    if parts.unet.config.time_cond_proj_dim is not None:
        raise MissingError(f"{painter.base} wants to be told the guidance of words, which is not foreseen: take another base")
    if painter.control_kind == "tile" and parts.control.config.global_pool_conditions:
        raise MissingError(f"the control net {painter.control} does not follow a picture place by place: take another")
    if painter.eta:
        guided(parts.unet, painter.guided_blocks)
