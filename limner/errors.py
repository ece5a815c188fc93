"""Every error that limner raises on purpose.

    LimnerError (ValueError)
     +- ImageError            a picture cannot be read, or is over the pixel limit
     +- BudgetError           no file is small enough; ``least_bytes`` is the smallest that would do
     +- SceneError            a description of a picture that cannot be used; ``field`` names the part at fault
     +- EncodeError           a value that the format cannot carry
     +- ChannelError          a link that is not known, is described wrongly, or carries too little
     +- MissingError          an extra or a set of weights is not installed; the message says how to get it
     +- DecodeError           bytes that are not a file this reader can read; ``offset`` in bytes and ``field`` say where
         +- NotLimnError          no magic, or nothing at all
         +- TruncatedError        the bytes end too early
         +- DamagedError          a check fails, or a body is not what a writer writes
         +- InvalidFieldError     a reserved bit or an impossible value
         +- TrailingDataError     bytes behind the end
         +- UnsupportedVersionError
         +- UnsupportedSystemError
         +- UnsupportedLayerError
         +- WrongModelError       made with other weights
         +- LimitError            a declared size over the reader's limit

From bytes of whatever origin nothing else escapes.
"""

from __future__ import annotations


class LimnerError(ValueError):
    """Root of the tree: catch this one."""


class ImageError(LimnerError):
    """A picture cannot be read, or is over the pixel limit."""


class BudgetError(LimnerError):
    """No file is small enough. ``least_bytes``: the smallest budget that would do."""

    def __init__(self, message: str, least_bytes: int) -> None:
        super().__init__(message)
        self.least_bytes = least_bytes

    def __reduce__(self) -> tuple[object, ...]:
        # Errors travel between worker processes.
        return (type(self), (self.args[0], self.least_bytes))


class SceneError(LimnerError):
    """A description of a picture that cannot be used. ``field``: the part at fault, e.g. ``objects[1].box``."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(f"{field}: {message}")
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[object, ...]:
        return (_scene_error, (self.message, self.field))


def _scene_error(message: str, field: str) -> SceneError:
    return SceneError(message, field=field)


class EncodeError(LimnerError):
    """A value that the format cannot carry."""


class ChannelError(LimnerError):
    """A link that is not known, is described wrongly, or carries too little."""


class MissingError(LimnerError):
    """An optional part or a set of weights is not installed; the message says how to get it."""


class DecodeError(LimnerError):
    """Bytes that this reader cannot read. ``offset``: where, in bytes from the start; ``field``: its name in the spec."""

    def __init__(self, message: str, *, offset: int, field: str) -> None:
        super().__init__(f"{message} (byte {offset}, {field})")
        self.message = message
        self.offset = offset
        self.field = field

    def __reduce__(self) -> tuple[object, ...]:
        # Errors travel between worker processes; keyword-only arguments need this.
        return (_rebuild, (type(self), self.message, self.offset, self.field))


def _rebuild(kind: type[DecodeError], message: str, offset: int, field: str) -> DecodeError:
    return kind(message, offset=offset, field=field)


class NotLimnError(DecodeError):
    """No magic, or nothing at all."""


class TruncatedError(DecodeError):
    """The bytes end too early."""


class DamagedError(DecodeError):
    """A check fails, or a body is not what a writer writes."""


class InvalidFieldError(DecodeError):
    """A reserved bit or an impossible value."""


class TrailingDataError(DecodeError):
    """Bytes behind the end."""


class UnsupportedVersionError(DecodeError):
    """Written by another version of the format."""


class UnsupportedSystemError(DecodeError):
    """A system number this reader does not know."""


class UnsupportedLayerError(DecodeError):
    """A layer kind this reader does not know and may not skip."""


class WrongModelError(DecodeError):
    """Made with other weights than those at hand."""


class LimitError(DecodeError):
    """A declared size over the reader's limit."""


def one_line(error: BaseException) -> str:
    """What an error of somebody else's says, on a line of at most 200 letters; its kind if it says nothing."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
