"""The painter layer: whose settings a picture is painted by, in a file whose model field names other weights.

identity   2 bytes   the first two of the SHA-256 of the painter's settings
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limner.errors import DamagedError, EncodeError, TruncatedError

MODEL_BYTES = 2


@dataclass(frozen=True)
class PainterId:
    """Hold the ``model`` id of a painter. Raises EncodeError for another number of bytes."""

    name: ClassVar[str] = "painter"
    model: bytes

    def __post_init__(self) -> None:
        if len(self.model) != MODEL_BYTES:
            raise EncodeError(f"the model id of a painter has {MODEL_BYTES} bytes")


def write(layer: PainterId) -> bytes:
    """Write the body."""
    return layer.model


def read(body: bytes) -> PainterId:
    """Read a body; DecodeError for what ``write`` does not produce."""
    if len(body) < MODEL_BYTES:
        raise TruncatedError(f"the model id of a painter has {MODEL_BYTES} bytes", offset=len(body), field="painter")
    if len(body) > MODEL_BYTES:
        raise DamagedError("behind the model id of a painter there is nothing", offset=MODEL_BYTES, field="painter")
    return PainterId(bytes(body))
