"""What a diffusion runs on: choices, and the estimates by which the rest is chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from limner.errors import LimnerError, SceneError
from limner.render.machine import Machine, at_once, device_of, free_bytes, offload_of, precision_of

GB = 1 << 30


@pytest.mark.parametrize(
    ("field", "value"), [("device", "gpu"), ("precision", "half"), ("offload", "yes"), ("batch", 0), ("batch", -1)]
)
def test_faults_name_the_field(field: str, value: object) -> None:
    with pytest.raises(SceneError) as caught:
        Machine(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_precision_follows_the_device() -> None:
    found = {device: precision_of(Machine(), device) for device in ("cpu", "cuda", "mps")}
    assert found == {"cpu": "float32", "cuda": "float16", "mps": "float32"}
    assert precision_of(Machine(precision="bfloat16"), "cpu") == "bfloat16"


def test_a_device_that_is_not_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert device_of(Machine()) == device_of(Machine("cpu")) == "cpu"
    with pytest.raises(LimnerError, match="there is no cuda here: use cpu"):
        device_of(Machine("cuda"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert device_of(Machine()) == "cuda"


@pytest.mark.parametrize(("free_gb", "expected"), [(8, "none"), (6, "none"), (4, "model"), (1, "sequential"), (None, "none")])
def test_offloading_by_free_memory(free_gb: int | None, expected: str) -> None:
    """Weights of PICS in half precision: 3.3 GB, the U-Net 1.7 GB."""
    free = None if free_gb is None else free_gb * GB
    assert offload_of(Machine(), "cuda", 33 * GB // 10, 17 * GB // 10, free) == expected
    assert offload_of(Machine(), "cpu", 33 * GB // 10, 17 * GB // 10, free) == "none"


def test_offloading_as_told() -> None:
    assert offload_of(Machine(offload="sequential"), "cuda", 1, 1, GB) == "sequential"
    assert offload_of(Machine(offload="none"), "cpu", 1, 1, GB) == "none"
    with pytest.raises(LimnerError, match="use offload none"):
        offload_of(Machine(offload="model"), "cpu", 1, 1, GB)


@given(st.integers(64, 1 << 22), st.integers(0, 200 * GB), st.integers(0, 8 * GB))
def test_more_memory_takes_no_fewer(pixels: int, free: int, more: int) -> None:
    few, many = (at_once(Machine(), pixels, "float16", memory) for memory in (free, free + more))
    assert 1 <= few <= many <= 64
    assert at_once(Machine(), pixels, "float32", free) <= few
    assert at_once(Machine(), pixels, "float16", None) == 1
    assert at_once(Machine(batch=7), pixels, "float16", free) == 7


def test_candidates_at_once_by_hand() -> None:
    """768 x 512 in half precision: 0.79 GB for the VAE, 0.118 GB a candidate."""
    assert at_once(Machine(), 768 * 512, "float16", 4 * 10**9) == 10
    assert at_once(Machine(), 768 * 512, "float16", 10**9) == 1


def test_free_memory_is_known_or_not() -> None:
    found = free_bytes("cpu")
    assert found is None or found > 1 << 20


def test_tiles_by_size_or_as_told() -> None:
    assert not Machine().tiles(1024 * 1024) and Machine().tiles(1024 * 1032)
    assert Machine(tiling=True).tiles(1) and not Machine(tiling=False).tiles(1 << 30)
