"""The Pillow plug-in: ``import limner.pillow``, then Image.open("x.limn") and image.save("x.limn", target_bytes=500).

Pillow finds plug-ins only by their import: there is no other way to tell it of one. Opening reads the header alone; the
picture is painted when its pixels are first asked for. Bare files have nothing by which Pillow could know them.

Damaged files of ours raise LimnerError. Note that Image.save opens its file before it asks us for bytes, so that an
error there costs an old file of the same name; `limner.encode` and a write of your own do not.
"""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from PIL import Image, ImageFile

from limner import api
from limner.container.blob import MAGIC
from limner.image import WHITE

if TYPE_CHECKING:
    from PIL._imaging import PixelAccess

FORMAT = "LIMN"


class LimnImageFile(ImageFile.ImageFile):
    """A file of ours as Pillow sees it. ``info``: ``limner_system`` and ``limner_bytes``."""

    format = FORMAT
    format_description = "limner picture"

    def _open(self) -> None:
        if self.fp is None or not is_ours(self.fp.read(len(MAGIC))):
            raise SyntaxError("not a limner file")
        self.fp.seek(0)
        self._blob: bytes | None = self.fp.read()
        report = api.inspect(self._blob)
        self._mode = "RGB"
        self._size = (report.width_px, report.height_px)
        self.info = {"limner_system": report.system, "limner_bytes": report.size_bytes}

    def load(self) -> PixelAccess | None:
        """Paint the picture, the first time. Raises LimnerError."""
        if self._blob is not None:
            pixels = api.decode(self._blob)
            self._blob = None
            if self._exclusive_fp and self.fp is not None:
                self.fp.close()
            self.fp = io.BytesIO(pixels.tobytes())
            self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]
        return super().load()


def is_ours(prefix: bytes) -> bool:
    """Say whether bytes begin as a file of ours does."""
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    """Encode for Image.save: its options are those of `limner.encode`."""
    given = image.encoderinfo
    blob = api.encode(
        image,
        target_bytes=given.get("target_bytes"),
        bpp=given.get("bpp"),
        quality=given.get("quality"),
        system=given.get("system", "miniature"),
        bare=given.get("bare", False),
        background=given.get("background", WHITE),
    )
    stream.write(blob)


def register() -> None:
    """Tell Pillow of the format. Doing it twice changes nothing."""
    Image.register_open(FORMAT, LimnImageFile, is_ours)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".limn")
    Image.register_mime(FORMAT, "image/x-limn")


register()
