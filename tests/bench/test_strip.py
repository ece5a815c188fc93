"""A strip of one photograph over several links."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from limner.bench import strip


def test_a_strip_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip, "LINKS", {"sms-text": "SMS", "meshcore": "MeshCore"})
    Image.fromarray(scene(120, 80)).save(tmp_path / "photo.png")
    assert strip.main(["--photo", str(tmp_path / "photo.png"), "--out", str(tmp_path / "new" / "strip.webp")]) == 0
    with Image.open(tmp_path / "new" / "strip.webp") as image:
        assert image.width > strip.COLUMNS * strip.PANEL_PX
        assert np.asarray(image.convert("RGB")).std() > 10


def test_quality_gives_way_to_size() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    small, large = strip.small_enough(noise, 5000), strip.small_enough(noise)
    assert len(small) <= 5000 < len(large)
    assert Image.open(BytesIO(small)).size == (100, 100)
