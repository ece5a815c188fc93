"""Which files are taken from a folder, by the end of their names; a file that is named by itself may have any."""

from __future__ import annotations

PICTURES = frozenset(
    {
        *(".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".tif", ".tiff"),
        *(".gif", ".bmp", ".jp2", ".ppm", ".pgm", ".qoi"),
    }
)
FILES = frozenset({".limn"})
