"""Models of transformers, opened whole or not at all: a tensor that is not in the folder would be drawn at random.

    name --published--> folder --whole--> the model, in eval mode
                           \\--> anything raised there, MissingError with what to do
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limner.errors import LimnerError, MissingError, one_line
from limner.extras import need


def whole(kind: Any, folder: Path, device: str, dtype: Any = "auto") -> Any:
    """A model of a class of transformers, as it lies in a folder, on a device of torch; tensors alone are read, and no code.

    dtype: of torch, "auto" for that of the folder. Raises ValueError if a tensor is missing or of another shape, and one of
    ``faults_of_folders`` for a broken folder.
    """
    model, found = kind.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # they are told below
        output_loading_info=True,
    )
    absent = sorted((*found["missing_keys"], *(name for name, *_ in found["mismatched_keys"])))
    if absent:
        raise ValueError(f"{len(absent)} of its tensors are missing or of another shape, {absent[0]} for one")
    return model.to(device).eval()


@contextmanager
def telling(weights: str) -> Iterator[None]:
    """Inside, whatever a broken folder of these weights raises becomes a MissingError with what to do."""
    faults = faults_of_folders()
    try:
        yield
    except LimnerError:
        raise
    except faults as error:
        raise MissingError(f"the weights {weights} cannot be used ({one_line(error)}){hint(weights)}") from error


def hint(weights: str) -> str:
    """What to do where a file is missing; nothing for a folder of the user's."""
    return "" if Path(weights).is_dir() else f"; if a file is missing: limner weights fetch {weights}"


def faults_of_folders() -> tuple[type[Exception], ...]:
    """What is known to be raised for a folder that is incomplete, damaged, or of something else."""
    safetensors = need("safetensors", extra="diffusion")
    hub = need("huggingface_hub.errors", extra="describe")
    jinja2 = need("jinja2", extra="diffusion")
    others = (safetensors.SafetensorError, hub.StrictDataclassError, jinja2.TemplateError)
    return (OSError, ValueError, LookupError, TypeError, AttributeError, *others)
