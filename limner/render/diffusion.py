"""Words, or words and a sketch -> pixels: Stable Diffusion (Rombach et al. 2022), with a ControlNet (Zhang et al. 2023) that
follows the sketch, by diffusers' own pipelines.

    words + suffix --tokenizer, text encoder--> (1, 77, d) --+
    seeds (n) --specified noise--> (n, 4, h/8, w/8) ---------+--> steps of U-Net and scheduler --> VAE --> n of (h, w, 3) uint8
    sketch (h, w) --sharpened--> control net ----------------+

Everything random is the specified noise of each candidate's seed, so a candidate is the same wherever it is painted, as far as
floats are: what the networks compute differs a little between machines, precisions and batches.

Source: Text + Sketch (Lei et al. 2023), section 3; settings in ``limner.render.painter``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import LimnerError, SceneError
from limner.extras import need
from limner.render.drawn import answering, drawn
from limner.render.hint import Sketch, hint
from limner.render.machine import Machine, at_once, device_of, free_bytes, offload_of, precision_of
from limner.render.painter import Painter
from limner.render.parts import Parts, load
from limner.render.quiet import quiet
from limner.render.size import Size

Pixels = NDArray[np.uint8]
Watch = Callable[[int, int], None]
"""Is told how many steps are done, and of how many, after each; what it raises ends the painting."""


@dataclass(frozen=True, eq=False)
class Diffusion:
    """A painter with its models in place. One painting at a time: it is not for several threads.

    device, precision: what they came to. pipe: of diffusers, with the control net if there is one. plain: without it; both hold
    the same models.
    """

    painter: Painter
    machine: Machine
    parts: Parts
    device: str
    precision: str
    pipe: Any
    plain: Any

    def paint(
        self, words: str, size_px: Size, seeds: Sequence[int], sketch: Sketch | None = None, watch: Watch | None = None
    ) -> list[Pixels]:
        """One picture (h, w, 3) uint8 sRGB for each seed.

        words: without the painter's suffix; what is too long for the tokenizer is cut (``cut`` tells it). size_px: width and
        height, multiples of 8. seeds: 0 to 2**32 - 1; a candidate does not depend on those beside it, but for rounding. sketch:
        (h, w) 0..1, None for words alone; a painter without control net takes none. Raises SceneError for what cannot be
        painted, LimnerError if memory or the range of half precision is not enough.
        """
        self.check(words, size_px, seeds, sketch)
        shown = None if sketch is None else Image.fromarray(hint(sketch, size_px, self.painter.sharpness))
        pixels = size_px[0] * size_px[1]
        count = at_once(self.machine, pixels, self.precision, free_bytes(self.device))
        batches = [seeds[start : start + count] for start in range(0, len(seeds), count)]
        (self.parts.vae.enable_tiling if self.machine.tiles(pixels) else self.parts.vae.disable_tiling)()
        found: list[Pixels] = []
        for number, batch in enumerate(batches):
            told = telling(watch, number, len(batches))
            found += to_uint8(self.batch(words + self.painter.suffix, size_px, batch, shown, told))
        return found

    def batch(
        self, prompt: str, size_px: Size, seeds: Sequence[int], shown: Image.Image | None, told: Callable[..., Any]
    ) -> NDArray[np.float32]:
        """Pictures (n, h, w, 3) 0..1 of some seeds at once."""
        torch = need("torch", extra="diffusion")
        given: dict[str, Any] = {
            "prompt": prompt,
            "negative_prompt": self.painter.negative or None,
            "width": size_px[0],
            "height": size_px[1],
            "num_inference_steps": self.painter.steps,
            "guidance_scale": float(self.painter.guidance),
            "num_images_per_prompt": len(seeds),
            "latents": drawn(seeds, 0, self.latent_shape(size_px)).to(self.parts.text_encoder.dtype),
            "output_type": "np",
            "callback_on_step_end": told,
            "callback_on_step_end_tensor_inputs": [],
        }
        if shown is not None:
            given |= {"image": shown, "controlnet_conditioning_scale": float(self.painter.conditioning_scale)}
        try:
            with quiet(), answering(self.parts.scheduler, seeds):
                found: NDArray[np.float32] = (self.plain if shown is None else self.pipe)(**given).images
        except torch.OutOfMemoryError as error:
            raise LimnerError(
                f"memory is not enough for {len(seeds)} at once: use a smaller batch, or offload model"
            ) from error
        finally:
            self.pipe.maybe_free_model_hooks()
        return found

    def latent_shape(self, size_px: Size) -> tuple[int, int, int]:
        """Channels, rows, columns of what a candidate starts from."""
        width_px, height_px = size_px
        return int(self.parts.unet.config.in_channels), height_px // self.parts.vae_px, width_px // self.parts.vae_px

    def cut(self, words: str) -> str:
        """What of the words and the suffix is not read, because the tokenizer takes no more (77 tokens, start and end counted);
        as the tokenizer writes it, "" if all is read."""
        tokenizer = self.parts.tokenizer
        with quiet():
            ids = tokenizer(words + self.painter.suffix, truncation=False).input_ids
        return str(tokenizer.decode(ids[tokenizer.model_max_length - 1 : -1])).strip()

    def fits(self, words: str) -> bool:
        """Whether all words and the suffix are read."""
        return not self.cut(words)

    def check(self, words: str, size_px: Size, seeds: Sequence[int], sketch: Sketch | None) -> None:
        """Raise SceneError for what cannot be painted."""
        step_px = max(8, self.parts.vae_px)
        if any(side_px < step_px or side_px % step_px for side_px in size_px):
            raise SceneError(f"both sides are multiples of {step_px}, not {size_px}", field="size_px")
        if any(not 0 <= seed < 1 << 32 for seed in seeds):
            raise SceneError("seeds are 0 to 2**32 - 1", field="seeds")
        if sketch is not None and self.parts.control is None:
            raise SceneError("this painter has no control net to follow a sketch", field="sketch")
        if any(0xD800 <= ord(letter) < 0xE000 for letter in words):
            raise SceneError("these are no letters of Unicode", field="words")


def opened(painter: Painter, machine: Machine | None = None) -> Diffusion:
    """A painter with its models, on the machine. Takes as long as reading some gigabytes.

    Raises MissingError with the names, sizes and the command if packages or weights are not here; LimnerError if the machine
    has no such device.
    """
    machine = machine or Machine()
    device = device_of(machine)
    precision = precision_of(machine, device)
    parts = load(painter, precision)
    diffusers = need("diffusers", extra="diffusion")
    modules = {"vae": parts.vae, "text_encoder": parts.text_encoder, "tokenizer": parts.tokenizer, "unet": parts.unet}
    modules |= {"scheduler": parts.scheduler, "safety_checker": None, "feature_extractor": None}
    with quiet():
        plain = diffusers.StableDiffusionPipeline(**modules, requires_safety_checker=False)
        pipe = plain
        if parts.control is not None:
            kind = diffusers.StableDiffusionControlNetPipeline
            pipe = kind(**modules, controlnet=parts.control, requires_safety_checker=False)
        place(pipe, parts, machine, device)
    for each in (plain, pipe):
        each.set_progress_bar_config(disable=True)
    return Diffusion(painter, machine, parts, device, precision, pipe, plain)


def place(pipe: Any, parts: Parts, machine: Machine, device: str) -> None:
    """Put the models where they run, as sparing of memory as the machine says."""
    free = free_bytes(device) if device == "cuda" else None
    offload = offload_of(machine, device, sum(parts.weights_bytes), max(parts.weights_bytes), free)
    # Pictures are decoded one by one: it takes no longer, and the VAE takes more memory than the rest.
    parts.vae.enable_slicing()
    if machine.slicing or (machine.slicing is None and device == "mps"):
        pipe.enable_attention_slicing()
    if offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif offload == "sequential":
        pipe.enable_sequential_cpu_offload(device=device)
    else:
        pipe.to(device)


def telling(watch: Watch | None, number: int, batches: int) -> Callable[..., Any]:
    """What diffusers calls after each step. number: of the batch."""

    def told(pipe: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if watch is not None:
            watch(number * pipe.num_timesteps + step + 1, batches * pipe.num_timesteps)
        return tensors

    return told


def to_uint8(values: NDArray[np.float32]) -> list[Pixels]:
    """(n, h, w, 3) 0..1 -> n of (h, w, 3), rounded as diffusers does. LimnerError if they are no numbers."""
    if not np.isfinite(values).all():
        raise LimnerError("the networks overflow in this precision: use float32 or bfloat16")
    return list(np.rint(values * 255).astype(np.uint8))
