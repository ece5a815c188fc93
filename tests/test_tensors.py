"""Names and shapes: how lists are read, what files say of themselves; the lists, held against what others say of the models."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from full_size_files import State, data_bytes, file_bytes, floats, numbers, state, write
from hypothesis import given
from hypothesis import strategies as st

from limner.catalog import CATALOG
from limner.errors import MissingError
from limner.tensors import LISTS, Found, Listed, expanded, faults, header, kind_of, listed, parsed, tensors

SMALL: State = {"a.weight": Found((3, 2), "F32"), "a.bias": Found((3,), "F32"), "ids": Found((1, 4), "I64")}
TEXT = """
# a comment
[a]
weight|kernel 3x2
bias 3
[]
? ids 1x4 I64
"""

# How lists are read.


@given(st.lists(st.lists(st.text("abc.", max_size=3), min_size=1, max_size=3), max_size=3))
def test_lists_in_braces_stand_for_each_of_their_parts(choices: list[list[str]]) -> None:
    found = expanded("x".join(["{" + ",".join(chosen) + "}" for chosen in choices]))
    assert len(found) == math.prod(map(len, choices))
    assert all(name.count("x") == max(0, len(choices) - 1) for name in found)


def test_a_pattern_by_hand() -> None:
    assert expanded("a{b,c.0}{9..11}") == ["ab9", "ab10", "ab11", "ac.09", "ac.010", "ac.011"]
    assert expanded("plain") == ["plain"]


def test_a_list_by_hand() -> None:
    assert parsed(TEXT) == (
        Listed(("a.weight", "a.kernel"), (3, 2)),
        Listed(("a.bias",), (3,)),
        Listed(("ids",), (1, 4), "I64", True),
    )
    both = parsed("[x.{0,1} y]\n{q,k}|to_{q,k} 2\n")
    assert [one.names for one in both][:3] == [("x.0.q", "x.0.to_q"), ("x.0.k", "x.0.to_k"), ("x.1.q", "x.1.to_q")]
    assert len(both) == 6


@pytest.mark.parametrize("line", ["name", "name axb", "{a,b}|c 3", "two names 3"])
def test_a_line_of_another_form_is_an_error(line: str) -> None:
    with pytest.raises(ValueError):
        parsed(line)


@pytest.mark.parametrize("path", sorted(LISTS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_list_is_used_and_names_a_tensor_once(path: Path) -> None:
    names = [name for tensor in listed(path.stem) for name in tensor.names]
    assert names and len(set(names)) == len(names)
    assert any(path.stem in lists for kept in CATALOG.values() for _, lists in kept.lists)
    assert path.read_text("utf-8").startswith("# ")


def test_lists_that_go_together_name_no_tensor_twice() -> None:
    for kept in CATALOG.values():
        for _, lists in kept.lists:
            names = [name for one in lists for tensor in listed(one) for name in tensor.names]
            assert len(set(names)) == len(names)


# What a file says of itself.


def test_a_header_is_read(tmp_path: Path) -> None:
    assert tensors(write(tmp_path / "a.safetensors", SMALL)) == SMALL
    assert faults(SMALL, parsed(TEXT)) == []


def test_it_is_what_safetensors_writes(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    save = pytest.importorskip("safetensors.numpy").save_file
    kinds = {"F32": np.float32, "I64": np.int64}
    save({name: np.zeros(one.shape, kinds[one.kind]) for name, one in SMALL.items()}, tmp_path / "a", {"format": "pt"})
    write(tmp_path / "b", SMALL)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert header(tmp_path / "a") == SMALL


@pytest.mark.parametrize("cut", [0, 5, 8, 20, -1, 1])
def test_a_file_that_is_not_whole_is_refused(cut: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", SMALL)
    data = path.read_bytes()
    path.write_bytes(data + b"." if cut == 1 else data[:cut])
    with pytest.raises(MissingError, match=r"a\.safetensors"):
        tensors(path)


@given(st.binary(max_size=200))
def test_bytes_of_whatever_kind_are_refused(data: bytes) -> None:
    path = Path("/dev/null")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: io.BytesIO(data))
        with pytest.raises(MissingError, match="null"):
            header(path)


@pytest.mark.parametrize("kept", [[], {"a": 1}, {"a": {}}, {"a": {"shape": "x", "dtype": "F32", "data_offsets": [0, 4]}}])
def test_a_header_of_another_form_is_refused(kept: object, tmp_path: Path) -> None:
    text = json.dumps(kept).encode()
    (tmp_path / "a.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(MissingError, match="no file of safetensors"):
        tensors(tmp_path / "a.safetensors")


def test_of_a_pickle_tensors_alone_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    kept = {"a": torch.zeros(2, 3, dtype=torch.bfloat16), "b": torch.zeros(1, dtype=torch.int64)}
    for state_dict in (kept, {"state_dict": kept}):
        torch.save(state_dict, tmp_path / "a.pth")
        assert tensors(tmp_path / "a.pth") == {"a": Found((2, 3), "BF16"), "b": Found((1,), "I64")}
    for wrong in ({"a": Path()}, [1], {"a": 1}):
        torch.save(wrong, tmp_path / "a.pth")
        with pytest.raises(MissingError, match=r"a\.pth is no file of tensors alone"):
            tensors(tmp_path / "a.pth")
    (tmp_path / "a.bin").write_bytes(b"no pickle")
    with pytest.raises(MissingError, match="tensors alone"):
        tensors(tmp_path / "a.bin")


def test_kinds_have_the_names_of_safetensors() -> None:
    pairs = {"float32": "F32", "bfloat16": "BF16", "float16": "F16", "float64": "F64", "int64": "I64"}
    assert {kind: kind_of(f"torch.{kind}") for kind in pairs} == pairs


# What differs.


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a.kernel": Found((3, 2), "BF16"), "a.bias": Found((3,), "F16")}, []),
        ({"a.weight": Found((3, 2), "F32")}, ["lacks a.bias"]),
        ({}, ["lacks a.weight and 1 more"]),
        (SMALL | {"b": Found((1,), "F32"), "c": Found((1,), "F32")}, ["has besides b and 1 more"]),
        (SMALL | {"a.weight": Found((2, 3), "F32")}, ["a.weight is (2, 3), not (3, 2)"]),
        (SMALL | {"a.weight": Found((3, 2), "I8")}, ["a.weight is of kind I8"]),
        (SMALL | {"ids": Found((1, 4), "F32")}, ["ids is of kind F32"]),
    ],
)
def test_what_differs_is_said(found: State, said: list[str]) -> None:
    assert faults(found, parsed(TEXT)) == said


# The published models.

UNET2 = ("sd-down", "sd-up", "sd2-attention-down", "sd2-attention-up")
UNET1 = ("sd-down", "sd-up", "sd1-attention-down", "sd1-attention-up")
CONTROL2, CONTROL1 = ("sd-down", "sd2-attention-down", "controlnet"), ("sd-down", "sd1-attention-down", "controlnet")
DINO = state(["grounding-dino-tiny"], besides="relative_position_index")


@pytest.mark.parametrize(
    ("lists", "count"),
    [
        (UNET2, 865_910_724),
        (("sd-vae",), 83_653_863),
        (("sd2-text",), 340_387_840),
        (CONTROL2, 364_228_240),
        (("ircontrol",), 363_153_280),
        (UNET1, 859_520_964),
        (("sd1-text",), 123_060_480),
        (CONTROL1, 361_279_120),
        (("grounding-dino-tiny",), 172_249_090),
        (("sam-vit-base",), 93_735_472 + 2 * 128),  # the embedding of places is no parameter
        (("qwen3-vl-2b",), 2_127_532_032),
    ],
)
def test_they_have_as_many_parameters_as_is_said_of_them(lists: tuple[str, ...], count: int) -> None:
    assert numbers(state(lists)) == count


@pytest.mark.parametrize(
    ("tensors", "aligned", "size_bytes"),
    [
        # stable-diffusion-2-1-base: the U-Net; the VAE and the text encoder of 2022.
        (state(UNET2), True, 3_463_726_504),
        (state(["sd-vae"]), True, 334_643_276),
        (state(["sd2-text"], besides="position_ids"), False, 1_361_597_018),
        (state(CONTROL1), True, 1_445_157_120),
        (DINO, True, 689_359_096),
        (state(["qwen3-vl-2b"], "BF16"), True, 4_255_140_312),
    ],
)
def test_their_files_are_as_long_as_the_published_ones(tensors: State, aligned: bool, size_bytes: int) -> None:
    """Every letter of every name and every digit of every shape counts in the header, which is filled up to 8 bytes."""
    assert file_bytes(tensors, aligned=aligned) == size_bytes


@pytest.mark.parametrize(
    ("tensors", "size_bytes"), [(state(UNET1), 3_438_167_540), (state(["sd1-text"], besides="position_ids"), 492_265_874)]
)
def test_those_of_the_first_version_but_for_the_order_of_tensors(tensors: State, size_bytes: int) -> None:
    assert file_bytes(tensors, aligned=False) == pytest.approx(size_bytes, abs=8)


def test_the_check_of_lengths_can_fail() -> None:
    today = {tensor.names[-1]: Found(tensor.shape, "F32") for tensor in listed("sd-vae")}
    assert file_bytes(today) != file_bytes(state(["sd-vae"])) and data_bytes(today) == data_bytes(state(["sd-vae"]))


def test_the_catalogue_has_their_sizes() -> None:
    for name, kept in CATALOG.items():
        kind = "BF16" if name == "qwen3-vl" else "F32"
        size_mb = sum(data_bytes(state(lists, kind)) for _, lists in kept.lists) / 1e6
        assert not size_mb or kept.size_mb == pytest.approx(size_mb, rel=0.02), name


@pytest.mark.parametrize(
    ("lists", "name", "shape"),
    [
        # As a reader of a file of Stable Diffusion 2 has printed them (hkproj/pytorch-stable-diffusion, thread 21).
        (UNET2, "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight", (1280, 1024)),
        (UNET2, "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj.weight", (10240, 1280)),
        (UNET2, "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.2.weight", (1280, 5120)),
        # What diffusers says of a control net for the first version (huggingface/diffusers, thread 4225).
        (CONTROL1, "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v.weight", (320, 768)),
        (CONTROL1, "down_blocks.0.attentions.0.proj_out.weight", (320, 320, 1, 1)),
        # What an older diffusers missed in a newer VAE (runwayml/stable-diffusion-v1-5, thread 160).
        (("sd-vae",), "decoder.mid_block.attentions.0.proj_attn.weight", (512, 512)),
        (("sd-vae",), "encoder.mid_block.attentions.0.key.weight", (512, 512)),
        (("sd2-text",), "text_model.encoder.layers.22.mlp.fc1.weight", (4096, 1024)),
        # What sd-webui-controlnet reads of LDM's control nets (its thread 1410), and DiffBIR's first convolution.
        (("ircontrol",), "input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight", (1280, 1024)),
        (("ircontrol",), "input_blocks.9.0.op.weight", (1280, 1280, 3, 3)),
        (("ircontrol",), "input_blocks.0.0.weight", (320, 8, 3, 3)),
        # The script of transformers that made the file (convert_grounding_dino_to_hf.py).
        (("grounding-dino-tiny",), "model.backbone.conv_encoder.model.embeddings.norm.weight", (96,)),
        (("grounding-dino-tiny",), "model.backbone.conv_encoder.model.hidden_states_norms.stage4.weight", (768,)),
        (("grounding-dino-tiny",), "model.encoder.layers.5.fusion_layer.attn.values_text_proj.weight", (1024, 256)),
        (("grounding-dino-tiny",), "model.query_position_embeddings.weight", (900, 256)),
        # The script of MLX that reads the file, all of it and nothing else (mlx-examples, segment_anything).
        (("sam-vit-base",), "vision_encoder.patch_embed.projection.weight", (768, 3, 16, 16)),
        (("sam-vit-base",), "prompt_encoder.mask_embed.conv3.weight", (256, 16, 1, 1)),
        (("sam-vit-base",), "shared_image_embedding.positional_embedding", (2, 128)),
        (("qwen3-vl-2b",), "model.language_model.embed_tokens.weight", (151936, 2048)),
        (("qwen3-vl-2b",), "model.visual.blocks.0.attn.qkv.weight", (3072, 1024)),
    ],
)
def test_some_names_as_others_give_them(lists: tuple[str, ...], name: str, shape: tuple[int, ...]) -> None:
    assert state(lists)[name].shape == shape


def test_indices_are_whole_numbers() -> None:
    assert len(DINO) - len(floats(DINO)) == 12
    assert {tensor.shape for name, tensor in DINO.items() if name not in floats(DINO)} == {(49, 49)}
