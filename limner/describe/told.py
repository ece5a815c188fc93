"""A scene as a page for people: what is said of the picture, where things are, and who cut their masks."""

from __future__ import annotations

from limner.describe.scene import Scene, Thing

ROUGH = {"grabcut": "GrabCut, from the colours in and around the box: rough, no weights"}
"""Segmenters of whom more than the name should be said."""


def told(scene: Scene) -> str:
    """A scene in lines; what cannot be printed is spelt."""
    size = "size not given" if scene.size_px is None else "{} x {} px".format(*scene.size_px)
    lines = [
        f"scene, {size}, {len(scene.things)} things",
        f"  caption  {scene.caption or 'none'}",
        f"  overall  {scene.overall or 'none'}",
        *(line for thing in scene.things for line in of_thing(thing)),
    ]
    return "\n".join(map(printable, lines))


def printable(line: str) -> str:
    """A line without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)


def of_thing(thing: Thing) -> list[str]:
    found = [f"  {thing.name}", f"    box      {'unknown' if thing.box is None else thing.box}"]
    found += [f"    detail   {thing.detail}"] if thing.detail else []
    if thing.mask is not None:
        by = ROUGH.get(thing.mask_by, thing.mask_by) or "not said by whom"
        found.append(f"    mask     {thing.mask.name} ({by})")
    return found
