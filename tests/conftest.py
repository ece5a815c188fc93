"""What several test files share and is slow to make."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import scene


@pytest.fixture(scope="session")
def taco_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of weights of TACO, tiny and random, with a word encoder of its own."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from limner.nets.codec import Widths
    from limner.nets.taco import Injector, Taco
    from limner.nets.words import WordEncoder, ids_of
    from limner.train.codec_set import Words, write_set

    torch.manual_seed(0)
    codec, encoder = Taco(Widths(16, 24), (4, 4, 8, 8), 128), WordEncoder().eval()
    for module in codec.modules():
        if isinstance(module, Injector):
            torch.nn.init.ones_(module.gamma)  # else words would do nothing
    with torch.no_grad():
        empty = encoder(ids_of([""]))
    place = tmp_path_factory.mktemp("sets") / "tiny"
    write_set(codec, [scene(100, 75), scene(64, 64, 1)], place, "tiny", Words(empty, encoder=encoder))
    return place
