"""TACO: its adapter written out from the named tensors, its published sizes, and what the text changes."""

from __future__ import annotations

import math

import pytest
from codec_laws import check_pass, check_sizes, parameters, shaken

torch = pytest.importorskip("torch")
from torch import Tensor  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.nets.codec import Widths  # noqa: E402
from limner.nets.taco import HEADS, Extractor, Injector, Taco  # noqa: E402

WIDTHS, SMALL, TEXT = Widths(16, 12), (4, 8), 24
State = dict[str, Tensor]
# Millions of parameters of the published state, by part.
PUBLISHED = {
    "g_a": 8.985, "g_s": 7.337, "h_a": 2.397, "h_s": 8.142, "local_context": 2.125, "channel_context": 6.159,
    "entropy_parameters_anchor": 1.570, "entropy_parameters_nonanchor": 1.853, "entropy_bottleneck": 0.012,
}  # fmt: skip


def made(seed: int = 0) -> Taco:
    torch.manual_seed(seed)
    codec = shaken(Taco(WIDTHS, SMALL, TEXT), seed)
    assert isinstance(codec, Taco)
    return codec.eval()


def shaken_part(part: torch.nn.Module) -> State:
    """Move a module's parameters; its tensors in double precision."""
    with torch.no_grad():
        for parameter in part.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return {name: value.double() for name, value in part.state_dict().items()}


def normed(state: State, name: str, x: Tensor) -> Tensor:
    middle = x - x.mean(-1, keepdim=True)
    return middle / (middle.square().mean(-1, keepdim=True) + 1e-5).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]


def attended(state: State, queries: Tensor, others: Tensor) -> Tensor:
    """Eight heads, each a softmax over the others, one query at a time."""
    width = queries.shape[-1]
    weights, biases = (state[f"cross_attn.in_proj_{part}"].chunk(3) for part in ("weight", "bias"))
    q, k, v = (x @ w.T + b for x, w, b in zip((queries, others, others), weights, biases, strict=True))
    heads = []
    for head in range(HEADS):
        part = slice(head * width // HEADS, (head + 1) * width // HEADS)
        likeness = q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(width / HEADS)
        heads.append(likeness.softmax(-1) @ v[..., part])
    return torch.cat(heads, -1) @ state["cross_attn.out_proj.weight"].T + state["cross_attn.out_proj.bias"]


def projected(state: State, name: str, x: Tensor) -> Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def in_order(x: Tensor) -> Tensor:
    return torch.stack([x[:, :, row, column] for row in range(x.shape[2]) for column in range(x.shape[3])], 1)


def test_the_injector_is_that_of_the_named_tensors() -> None:
    torch.manual_seed(1)
    part = Injector(16, TEXT).eval()
    state = shaken_part(part)
    x, text = torch.randn(2, 16, 3, 4), torch.randn(2, 5, TEXT)
    image = normed(state, "image_norm", in_order(x.double()))
    words = normed(state, "text_norm", projected(state, "text_feature_dim_proj", text.double()))
    wanted = image + state["gamma"] * attended(state, image, words)
    with torch.no_grad():
        assert torch.allclose(in_order(part(x, text)).double(), wanted, atol=1e-5)


def test_the_extractor_is_that_of_the_named_tensors() -> None:
    torch.manual_seed(2)
    part = Extractor(16, TEXT).eval()
    state = shaken_part(part)
    x, text = torch.randn(2, 16, 3, 4), torch.randn(2, 5, TEXT)
    words = normed(state, "text_norm", text.double())
    image = normed(state, "image_norm", projected(state, "image_feature_dim_proj", in_order(x.double())))
    with torch.no_grad():
        assert torch.allclose(part(x, text).double(), words + attended(state, words, image), atol=1e-5)


def test_the_second_injector_reads_what_the_extractor_wrote() -> None:
    codec = made(3)
    parts = codec.g_a.parts
    x, text = torch.rand(1, 3, 32, 48), torch.randn(1, 5, TEXT)
    with torch.no_grad():
        found = x
        for place, part in enumerate(parts):
            if place == 8:
                found = part(found, text)
            elif place == 14:
                seen = part(found, text)
            else:
                found = part(found, seen) if place == 15 else part(found)
        assert torch.equal(codec.analysis(x, text), found)
    kinds = {place for place, part in enumerate(parts) if isinstance(part, Injector | Extractor)}
    assert kinds == {8, 14, 15} and len(parts) == 18


def test_published_sizes() -> None:
    with torch.device("meta"):
        codec = Taco()
    assert {name: round(parameters(getattr(codec, name)) / 1e6, 3) for name in PUBLISHED} == PUBLISHED
    assert round(parameters(codec) / 1e6, 2) == 38.58


def test_training_begins_at_the_codec_without_words() -> None:
    torch.manual_seed(4)
    codec, x = Taco(WIDTHS, SMALL, TEXT), torch.rand(1, 3, 32, 32)
    one, two = (codec.analysis(x, torch.randn(1, 5, TEXT)) for _ in range(2))
    assert torch.equal(one, two)


def test_text_changes_the_latent_and_nothing_else() -> None:
    codec, x = made(5), torch.rand(1, 3, 32, 32)
    one, two = (codec.analysis(x, torch.randn(1, words, TEXT)) for words in (5, 9))
    assert one.shape == two.shape and not torch.equal(one, two)


def test_it_learns() -> None:
    check_pass(made(6), 20 * torch.rand(2, 3, 33, 50), torch.randn(2, 4, TEXT))


@pytest.mark.parametrize("size", [(1, 1), (33, 50)])
def test_pictures_have_any_size(size: tuple[int, int]) -> None:
    check_sizes(made(6), torch.rand(2, 3, *size), torch.randn(2, 4, TEXT))


@pytest.mark.parametrize("shape", [None, (1, TEXT), (1, 4, TEXT + 1), (2, 4, TEXT)])
def test_a_text_of_another_shape_is_refused(shape: tuple[int, ...] | None) -> None:
    with pytest.raises(LimnerError):
        made().analysis(torch.rand(1, 3, 32, 32), None if shape is None else torch.randn(shape))


@pytest.mark.parametrize(("n", "text"), [(12, 24), (16, 25), (16, 0)])
def test_widths_that_heads_do_not_divide_are_refused(n: int, text: int) -> None:
    with pytest.raises(LimnerError):
        Taco(Widths(n, 12), SMALL, text)
