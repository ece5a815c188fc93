"""IRControlNet as LDM has it, written out: names and shapes from a configuration, random tensors, and what the net computes.

It shares nothing with the package or with diffusers. Source: the form of LDM's U-Net (Rombach et al. 2022), with the latents of
the picture joined to the noisy ones before the first convolution (DiffBIR, Lin et al. 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Form:
    """attention: levels that have it. head: channels of one."""

    channels: int = 320
    multiples: tuple[int, ...] = (1, 2, 4, 4)
    blocks: int = 2
    attention: tuple[int, ...] = (0, 1, 2)
    head: int = 64
    context: int = 1024
    groups: int = 32
    latents: int = 4


SD21 = Form()
TINY = Form(32, (1, 2), 1, (0,), 16, 32, 8)


def shapes(form: Form) -> Shapes:
    """Names of a checkpoint, and shapes."""
    wide = 4 * form.channels
    found = linear("time_embed.0", form.channels, wide) | linear("time_embed.2", wide, wide)
    found |= conv("input_blocks.0.0", 2 * form.latents, form.channels, 3) | conv(
        "zero_convs.0.0", form.channels, form.channels, 1
    )
    before, number = form.channels, 1
    for level, multiple in enumerate(form.multiples):
        width = multiple * form.channels
        for _ in range(form.blocks):
            found |= resnet(f"input_blocks.{number}.0", before, width, wide)
            if level in form.attention:
                found |= transformer(f"input_blocks.{number}.1", width, form.context)
            found |= conv(f"zero_convs.{number}.0", width, width, 1)
            before, number = width, number + 1
        if level + 1 < len(form.multiples):
            found |= conv(f"input_blocks.{number}.0.op", width, width, 3) | conv(f"zero_convs.{number}.0", width, width, 1)
            number += 1
    found |= resnet("middle_block.0", before, before, wide) | transformer("middle_block.1", before, form.context)
    return found | resnet("middle_block.2", before, before, wide) | conv("middle_block_out.0", before, before, 1)


def linear(name: str, before: int, width: int) -> Shapes:
    return {f"{name}.weight": (width, before), f"{name}.bias": (width,)}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def conv(name: str, before: int, width: int, side: int) -> Shapes:
    return {f"{name}.weight": (width, before, side, side), f"{name}.bias": (width,)}


def resnet(name: str, before: int, width: int, wide: int) -> Shapes:
    found = norm(f"{name}.in_layers.0", before) | conv(f"{name}.in_layers.2", before, width, 3)
    found |= linear(f"{name}.emb_layers.1", wide, width) | norm(f"{name}.out_layers.0", width)
    found |= conv(f"{name}.out_layers.3", width, width, 3)
    return found if before == width else found | conv(f"{name}.skip_connection", before, width, 1)


def transformer(name: str, width: int, context: int) -> Shapes:
    found = norm(f"{name}.norm", width) | linear(f"{name}.proj_in", width, width) | linear(f"{name}.proj_out", width, width)
    inner = f"{name}.transformer_blocks.0"
    for place, other in (("attn1", width), ("attn2", context)):
        found |= {f"{inner}.{place}.to_q.weight": (width, width)} | linear(f"{inner}.{place}.to_out.0", width, width)
        found |= {f"{inner}.{place}.to_{part}.weight": (width, other) for part in "kv"}
    for place in ("norm1", "norm2", "norm3"):
        found |= norm(f"{inner}.{place}", width)
    return found | linear(f"{inner}.ff.net.0.proj", width, 8 * width) | linear(f"{inner}.ff.net.2", 4 * width, width)


def random_state(form: Form, seed: int = 0) -> State:
    """Tensors that keep numbers in their range; zero convolutions are not zero."""
    torch.manual_seed(seed)
    found = {}
    for name, shape in shapes(form).items():
        if len(shape) > 1:
            found[name] = torch.randn(shape) * math.prod(shape[1:]) ** -0.5
        else:
            found[name] = torch.randn(shape) * 0.1 + ("weight" in name)
    return found


def control(state: State, form: Form, x: Tensor, picture: Tensor, time: int, context: Tensor) -> list[Tensor]:
    """Noisy latents and those of the picture (n, 4, r, c), context (n, 77, d) -> what the U-Net is given, the middle last."""
    rates = torch.exp(-math.log(10_000) * torch.arange(form.channels // 2) / (form.channels // 2))
    angles = (time * rates)[None]
    emb = torch.cat([angles.cos(), angles.sin()], 1)
    emb = applied(state, "time_embed.2", F.silu(applied(state, "time_embed.0", emb)))
    h = F.conv2d(torch.cat([x, picture], 1), *pair(state, "input_blocks.0.0"), padding=1)
    found = [zero(state, "zero_convs.0.0", h)]
    number = 1
    while f"zero_convs.{number}.0.weight" in state:
        if f"input_blocks.{number}.0.op.weight" in state:
            h = F.conv2d(h, *pair(state, f"input_blocks.{number}.0.op"), stride=2, padding=1)
        else:
            h = residual(state, form, f"input_blocks.{number}.0", h, emb)
            if f"input_blocks.{number}.1.norm.weight" in state:
                h = attended(state, form, f"input_blocks.{number}.1", h, context)
        found.append(zero(state, f"zero_convs.{number}.0", h))
        number += 1
    h = residual(state, form, "middle_block.0", h, emb)
    h = residual(state, form, "middle_block.2", attended(state, form, "middle_block.1", h, context), emb)
    return [*found, zero(state, "middle_block_out.0", h)]


def pair(state: State, name: str) -> tuple[Tensor, Tensor | None]:
    return state[f"{name}.weight"], state.get(f"{name}.bias")


def applied(state: State, name: str, x: Tensor) -> Tensor:
    return F.linear(x, *pair(state, name))


def zero(state: State, name: str, x: Tensor) -> Tensor:
    return F.conv2d(x, *pair(state, name))


def residual(state: State, form: Form, name: str, x: Tensor, emb: Tensor) -> Tensor:
    h = F.silu(F.group_norm(x, form.groups, *pair(state, f"{name}.in_layers.0"), eps=1e-5))
    h = F.conv2d(h, *pair(state, f"{name}.in_layers.2"), padding=1)
    h = h + applied(state, f"{name}.emb_layers.1", F.silu(emb))[:, :, None, None]
    h = F.silu(F.group_norm(h, form.groups, *pair(state, f"{name}.out_layers.0"), eps=1e-5))
    h = F.conv2d(h, *pair(state, f"{name}.out_layers.3"), padding=1)
    return h + (zero(state, f"{name}.skip_connection", x) if f"{name}.skip_connection.weight" in state else x)


def attended(state: State, form: Form, name: str, x: Tensor, context: Tensor) -> Tensor:
    n, width, rows, columns = x.shape
    inner = f"{name}.transformer_blocks.0"
    h = F.group_norm(x, form.groups, *pair(state, f"{name}.norm"), eps=1e-6)
    h = applied(state, f"{name}.proj_in", h.reshape(n, width, -1).transpose(1, 2))
    for place, layer in (("norm1", "attn1"), ("norm2", "attn2")):
        a = F.layer_norm(h, (width,), *pair(state, f"{inner}.{place}"))
        h = h + attention(state, f"{inner}.{layer}", form.head, a, context if layer == "attn2" else a)
    a = F.layer_norm(h, (width,), *pair(state, f"{inner}.norm3"))
    value, gate = applied(state, f"{inner}.ff.net.0.proj", a).chunk(2, -1)
    h = h + applied(state, f"{inner}.ff.net.2", value * F.gelu(gate))
    return x + applied(state, f"{name}.proj_out", h).transpose(1, 2).reshape(n, width, rows, columns)


def attention(state: State, name: str, head: int, x: Tensor, other: Tensor) -> Tensor:
    def split(part: str, of: Tensor) -> Tensor:
        made = applied(state, f"{name}.to_{part}", of)
        return made.reshape(*made.shape[:2], -1, head).transpose(1, 2)

    q, k, v = split("q", x), split("k", other), split("v", other)
    weights = (q @ k.transpose(-1, -2) * head**-0.5).softmax(-1)
    return applied(state, f"{name}.to_out.0", (weights @ v).transpose(1, 2).flatten(2))
