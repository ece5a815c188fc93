"""Published states, by names and shapes written out in full, come in as codecs; anything else is refused."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_shapes import (
    TEXT,
    M,
    N,
    Shapes,
    bmshj2018,
    cheng2020_anchor,
    cheng2020_attn,
    elic,
    mbt2018,
    mbt2018_mean,
    taco,
)

torch = pytest.importorskip("torch")
from torch import Tensor  # noqa: E402

from limner.errors import LimnerError, MissingError  # noqa: E402
from limner.nets import published  # noqa: E402
from limner.nets.cheng2020 import Cheng2020  # noqa: E402
from limner.nets.codec import Codec, Widths  # noqa: E402
from limner.nets.elic import Elic  # noqa: E402
from limner.nets.hyperprior import JointAutoregressive, MeanScaleHyperprior, ScaleHyperprior  # noqa: E402
from limner.nets.taco import Taco  # noqa: E402

State = dict[str, Tensor]

CODECS: dict[str, tuple[Shapes, type[Codec], int]] = {
    "TACO": (taco(), Taco, 3),
    "ELIC": (elic(), Elic, 3),
    "MISC and SEDIC": (cheng2020_attn(3), Cheng2020, 3),
    "Text + Sketch": (cheng2020_attn(1), Cheng2020, 1),
    "cheng2020-anchor": (cheng2020_anchor(), Cheng2020, 3),
    "mbt2018": (mbt2018(), JointAutoregressive, 3),
    "mbt2018-mean": (mbt2018_mean(), MeanScaleHyperprior, 1),
    "bmshj2018-hyperprior": (bmshj2018(), ScaleHyperprior, 3),
}


def drawn(shapes: Shapes, seed: int = 0) -> State:
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.1 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def with_buffers(state: State) -> State:
    """What the programs register besides."""
    counted = {f"entropy_bottleneck.{name}": torch.zeros(4, dtype=torch.int32) for name in ("_offset", "_cdf_length")}
    found = state | counted | {"entropy_bottleneck._quantized_cdf": torch.zeros(4, 9, dtype=torch.int32)}
    found["entropy_bottleneck.target"] = torch.zeros(3)
    found["entropy_bottleneck.likelihood_lower_bound.bound"] = torch.tensor([1e-9])
    for name in ("_quantized_cdf", "_offset", "_cdf_length", "scale_table", "scale_bound", "lower_bound_scale.bound"):
        found[f"gaussian_conditional.{name}"] = torch.zeros(0)
    for name in list(state):
        if name.endswith(".beta"):
            found[name + "_reparam.pedestal"] = found[name + "_reparam.lower_bound.bound"] = torch.zeros(1)
    if "context_prediction.weight" in state:
        found["context_prediction.mask"] = torch.zeros_like(state["context_prediction.weight"])
    return found


def old_prior(state: State) -> State:
    """The names of CompressAI before 1.2.7."""
    parts = {"matrices": "_matrix", "biases": "_bias", "factors": "_factor"}
    found = {}
    for name, value in state.items():
        head, *rest = name.split(".")
        found[f"{head}.{parts[rest[0]]}{rest[1]}" if rest and rest[0] in parts else name] = value
    return found


def older_prior(state: State) -> State:
    """Those of its first versions."""
    parts = ("matrices", "biases", "factors")
    return {".".join(f"_{part}" if part in parts else part for part in name.split(".")): value for name, value in state.items()}


def same(codec: Codec, state: State) -> bool:
    held = codec.state_dict()
    return held.keys() == state.keys() and all(torch.equal(held[name], state[name]) for name in state)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pth.tar"


@pytest.mark.parametrize("name", CODECS)
def test_a_state_under_its_published_names_is_told_and_taken(name: str, file: Path) -> None:
    shapes, kind, picture = CODECS[name]
    state = drawn(shapes)
    wrapped = {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in with_buffers(old_prior(state)).items()}}
    torch.save(wrapped, file)
    codec = published.load(file)
    assert type(codec) is kind and same(codec, state) and not codec.training
    assert codec.widths == Widths(N, N if kind is Cheng2020 else M, picture)
    text = torch.randn(1, 3, TEXT) if kind is Taco else None
    with torch.no_grad():
        assert codec(torch.rand(1, picture, 20, 40), text).picture.shape == (1, picture, 20, 40)


@pytest.mark.parametrize("names", [dict, old_prior, older_prior])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_the_prior_has_three_namings_and_a_state_may_be_wrapped(
    names: Callable[[State], State], wrapper: str | None, file: Path
) -> None:
    state = drawn(bmshj2018())
    kept = OrderedDict(names(state))
    torch.save({wrapper: kept, "best_loss": 1.5} if wrapper else kept, file)
    assert same(published.load(file), state)


def test_other_spellings_are_known() -> None:
    assert published.our_name("module.g_a.0.downsample.weight") == "g_a.0.skip.weight"
    assert published.our_name("channel_context.2.fusion.0.bias") == "channel_context.2.fushion.0.bias"
    assert published.our_name("entropy_parameters_anchor.2.fusion.0.bias") == "entropy_parameters_anchor.2.fusion.0.bias"


def test_half_precision_comes_in_as_float32(file: Path) -> None:
    state = {name: value.half() for name, value in drawn(mbt2018_mean()).items()}
    torch.save(state, file)
    codec = published.load(file)
    assert all(parameter.dtype == torch.float32 and parameter.requires_grad for parameter in codec.parameters())
    assert same(codec, {name: value.float() for name, value in state.items()})


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    state, path = drawn(taco()), tmp_path / "taco.safetensors"
    safetensors.save_file(old_prior(state), path)
    assert same(published.load(path), state)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(MissingError):
        published.load(path)


def faulty() -> Iterator[tuple[str, object]]:
    """States that no codec has."""
    state = drawn(bmshj2018())
    yield "not finite", state | {"h_s.0.bias": torch.full((N,), float("nan"))}
    yield "lacks", {name: value for name, value in state.items() if name != "h_s.0.bias"}
    yield "has besides", state | {"adapter.weight": torch.zeros(3)}
    yield "other shapes", state | {"g_s.2.weight": torch.zeros(N, N, 3, 3)}
    yield "no tensor", state | {"h_s.0.bias": "text"}
    yield "real numbers", state | {"h_s.0.bias": torch.zeros(N, dtype=torch.int64)}
    yield "real numbers", state | {"h_s.0.bias": torch.zeros(0)}
    yield "real numbers", state | {"g_a.0.weight": torch.zeros(1).expand(2**40, 3, 5, 5)}
    yield "real numbers", state | {"h_s.0.bias": torch.zeros(N).to_sparse()}
    yield "twice", state | {"module.h_s.0.bias": torch.zeros(N)}
    yield "no h_s.4.weight", {name: value for name, value in state.items() if not name.startswith("h_")}
    yield "no g_a.6.weight", {"weight": torch.zeros(3)}
    yield "no tensors", {}
    yield "no tensors", [torch.zeros(3)]
    yield "slices", {name: value for name, value in drawn(elic()).items() if "local_context.1" not in name}
    yield "heads", {**drawn(taco()), "g_a.analysis_transform.8.text_feature_dim_proj.weight": torch.zeros(N, 9)}


@pytest.mark.parametrize(("says", "kept"), list(faulty()))
def test_what_is_no_codec_is_refused(says: str, kept: object, file: Path) -> None:
    torch.save(kept, file)
    with pytest.raises(MissingError, match=says) as refused:
        published.load(file)
    assert str(file) in str(refused.value)


class Trap:
    """What an evil checkpoint has in it."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch trapped",)


def test_a_file_with_more_than_tensors_is_not_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    torch.save({"state_dict": drawn(bmshj2018()), "trap": Trap()}, file)
    with pytest.raises(MissingError, match="tensors alone"):
        published.load(file)
    assert not Path("trapped").exists()


def test_a_file_that_is_not_there_is_missed(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file"):
        published.load(tmp_path / "nothing.pt")
    with pytest.raises(MissingError, match="no such file"):
        published.load(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("published") / "whole.pt"
    torch.save(drawn(bmshj2018()), path)
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_from_a_damaged_file_only_our_errors_escape(whole: Path, data: st.DataObject) -> None:
    damaged = bytearray(whole.read_bytes())
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    for _ in range(data.draw(st.integers(0, 4)) if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    path = whole.with_name("damaged.pt")
    path.write_bytes(damaged)
    with suppress(LimnerError):
        assert isinstance(published.load(path), ScaleHyperprior)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=200), suffix=st.sampled_from([".pt", ".safetensors"]))
def test_from_arbitrary_bytes_only_our_errors_escape(whole: Path, noise: bytes, suffix: str) -> None:
    path = whole.with_name("noise" + suffix)
    path.write_bytes(noise)
    with pytest.raises(LimnerError):
        published.load(path)
