"""diffusers and transformers without their progress bars, remarks and warnings, for as long as something takes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from limner.extras import need


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, both say errors alone; afterwards everything is as it was."""
    voices = [need(f"{name}.utils.logging", extra="diffusion") for name in ("diffusers", "transformers")]
    levels = [voice.get_verbosity() for voice in voices]
    bars = [voice for voice in voices if voice.is_progress_bar_enabled()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for voice in voices:
                voice.set_verbosity_error()
                voice.disable_progress_bar()
            yield
        finally:
            for voice, level in zip(voices, levels, strict=True):
                voice.set_verbosity(level)
            for voice in bars:
                voice.enable_progress_bar()
