"""What a person is told of a scene."""

from __future__ import annotations

from pathlib import Path

from limner.describe.scene import Scene, Thing
from limner.describe.told import told


def test_everything_is_told_and_rough_masks_are_called_so() -> None:
    boat = Thing("red boat", (1, 2, 30, 20), "small", Path("photo.0.png"), "grabcut")
    others = Thing("pier", mask=Path("photo.1.png"), mask_by="sam"), Thing("sky", mask=Path("photo.2.png")), Thing("gull")
    page = told(Scene("a boat", "a boat at a pier", (boat, *others), (40, 30)))
    assert "40 x 30 px, 4 things" in page and "a boat at a pier" in page
    assert "red boat\n    box      (1, 2, 30, 20)\n    detail   small\n    mask     photo.0.png (GrabCut" in page
    assert "photo.1.png (sam)" in page and "photo.2.png (not said by whom)" in page
    assert page.endswith("gull\n    box      unknown")


def test_nothing_is_told_plainly() -> None:
    assert told(Scene()) == "scene, size not given, 0 things\n  caption  none\n  overall  none"


def test_words_do_not_steer_the_terminal() -> None:
    page = told(Scene("a \x1b[31mred\x07 boat", "one\u202etwo"))
    assert "\x1b" not in page and "\x07" not in page and "\u202e" not in page and "red" in page
