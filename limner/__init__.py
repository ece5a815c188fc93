"""limner: a photograph in a few hundred bytes, and the photograph painted again from them.

blob = limner.encode("harbour.jpg", target_bytes=500)
image = limner.decode(blob)
print(limner.inspect(blob))
"""

from typing import TYPE_CHECKING

from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.api import decode, encode, inspect, verify

__all__ = ["LimnerError", "decode", "encode", "inspect", "verify"]


def __getattr__(name: str) -> object:
    # The verbs bring NumPy and Pillow: they are loaded when first asked for.
    if name in __all__:
        from limner import api

        return getattr(api, name)
    raise AttributeError(f"module 'limner' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
