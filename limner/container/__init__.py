"""Layers <-> bytes: the limn-1 file. Standard library only; ``spec/limn-1.md`` is normative."""

from limner.container.blob import KINDS, OWN_KIND, SYSTEMS, Blob, Layer, is_bare, pack, unpack

__all__ = ["KINDS", "OWN_KIND", "SYSTEMS", "Blob", "Layer", "is_bare", "pack", "unpack"]
