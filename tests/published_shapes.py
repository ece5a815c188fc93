"""Names and shapes of the states that others publish, written out: what a reader of them is held against.

N and M are small here; the programs have 128 or 192, and up to 320.
"""

from __future__ import annotations

from itertools import pairwise

N, M, SLICES, TEXT = 8, 12, (4, 8), 16
Shapes = dict[str, tuple[int, ...]]


def conv(name: str, before: int, after: int, kernel: int) -> Shapes:
    return {f"{name}.weight": (after, before, kernel, kernel), f"{name}.bias": (after,)}


def deconv(name: str, before: int, after: int, kernel: int) -> Shapes:
    return {f"{name}.weight": (before, after, kernel, kernel), f"{name}.bias": (after,)}


def gdn(name: str, channels: int) -> Shapes:
    return {f"{name}.beta": (channels,), f"{name}.gamma": (channels, channels)}


def linear(name: str, before: int, after: int) -> Shapes:
    return {f"{name}.weight": (after, before), f"{name}.bias": (after,)}


def thrice(name: str, c: int) -> Shapes:
    return conv(f"{name}.0", c, c // 2, 1) | conv(f"{name}.2", c // 2, c // 2, 3) | conv(f"{name}.4", c // 2, c, 1)


def attention(name: str, c: int) -> Shapes:
    found = conv(f"{name}.conv_b.3", c, c, 1)
    for place in range(3):
        found |= thrice(f"{name}.conv_a.{place}.conv", c) | thrice(f"{name}.conv_b.{place}.conv", c)
    return found


def prior(channels: int) -> Shapes:
    """Under the names of today's CompressAI."""
    found = {"entropy_bottleneck.quantiles": (channels, 1, 3)}
    for step, (before, after) in enumerate(pairwise((1, 3, 3, 3, 3, 1))):
        found |= {f"entropy_bottleneck.matrices.{step}": (channels, after, before)}
        found |= {f"entropy_bottleneck.biases.{step}": (channels, after, 1)}
        found |= {f"entropy_bottleneck.factors.{step}": (channels, after, 1)} if step < 4 else {}
    return found


def normalising(c: int = 3) -> Shapes:
    found: Shapes = {}
    for place, (before, after) in enumerate(pairwise((c, N, N, N, M))):
        found |= conv(f"g_a.{2 * place}", before, after, 5)
        found |= gdn(f"g_a.{2 * place + 1}", N) if place < 3 else {}
    for place, (before, after) in enumerate(pairwise((M, N, N, N, c))):
        found |= deconv(f"g_s.{2 * place}", before, after, 5)
        found |= gdn(f"g_s.{2 * place + 1}", N) if place < 3 else {}
    return found


def hyper(out: int, between: int, first: int) -> Shapes:
    h_a = conv("h_a.0", M, N, 3) | conv("h_a.2", N, N, 5) | conv("h_a.4", N, N, 5)
    return h_a | deconv("h_s.0", N, first, 5) | deconv("h_s.2", first, between, 5) | conv("h_s.4", between, out, 3)


def raster(m: int) -> Shapes:
    wide, narrow = 10 * m // 3, 8 * m // 3
    mixed = conv("entropy_parameters.0", 4 * m, wide, 1) | conv("entropy_parameters.2", wide, narrow, 1)
    return conv("context_prediction", m, 2 * m, 5) | mixed | conv("entropy_parameters.4", narrow, 2 * m, 1)


def bmshj2018() -> Shapes:
    return normalising() | hyper(M, N, N) | prior(N)


def mbt2018_mean() -> Shapes:
    return normalising(1) | hyper(2 * M, 3 * M // 2, M) | prior(N)


def mbt2018() -> Shapes:
    return normalising() | hyper(2 * M, 3 * M // 2, M) | prior(N) | raster(M)


def down(name: str, before: int) -> Shapes:
    convs = conv(f"{name}.conv1", before, N, 3) | conv(f"{name}.conv2", N, N, 3) | conv(f"{name}.skip", before, N, 1)
    return convs | gdn(f"{name}.gdn", N)


def up(name: str) -> Shapes:
    convs = conv(f"{name}.subpel_conv.0", N, 4 * N, 3) | conv(f"{name}.conv", N, N, 3)
    return convs | gdn(f"{name}.igdn", N) | conv(f"{name}.upsample.0", N, 4 * N, 3)


def block(name: str) -> Shapes:
    return conv(f"{name}.conv1", N, N, 3) | conv(f"{name}.conv2", N, N, 3)


def cheng2020_attn(c: int) -> Shapes:
    found = raster(N) | prior(N) | down("g_a.0", c) | block("g_a.1") | down("g_a.2", N) | attention("g_a.3", N)
    found |= block("g_a.4") | down("g_a.5", N) | block("g_a.6") | conv("g_a.7", N, N, 3) | attention("g_a.8", N)
    found |= attention("g_s.0", N) | block("g_s.1") | up("g_s.2") | block("g_s.3") | up("g_s.4") | attention("g_s.5", N)
    found |= block("g_s.6") | up("g_s.7") | block("g_s.8") | conv("g_s.9.0", N, 4 * c, 3)
    for place in (0, 2, 4, 6, 8):
        found |= conv(f"h_a.{place}", N, N, 3)
    wide = 3 * N // 2
    found |= conv("h_s.0", N, N, 3) | conv("h_s.2.0", N, 4 * N, 3) | conv("h_s.4", N, wide, 3)
    return found | conv("h_s.6.0", wide, 4 * wide, 3) | conv("h_s.8", wide, 2 * N, 3)


def cheng2020_anchor() -> Shapes:
    found = {name: shape for name, shape in cheng2020_attn(3).items() if name[:2] in ("h_", "co", "en")}
    found |= down("g_a.0", 3) | block("g_a.1") | down("g_a.2", N) | block("g_a.3") | down("g_a.4", N) | block("g_a.5")
    found |= conv("g_a.6", N, N, 3) | block("g_s.0") | up("g_s.1") | block("g_s.2") | up("g_s.3") | block("g_s.4")
    return found | up("g_s.5") | block("g_s.6") | conv("g_s.7.0", N, 12, 3)


def crossed(name: str, width: int) -> Shapes:
    found = linear(f"{name}.cross_attn.out_proj", width, width)
    for norm in ("image_norm", "text_norm"):
        found |= {f"{name}.{norm}.weight": (width,), f"{name}.{norm}.bias": (width,)}
    return found | {f"{name}.cross_attn.in_proj_weight": (3 * width, width), f"{name}.cross_attn.in_proj_bias": (3 * width,)}


def injector(name: str) -> Shapes:
    return crossed(name, N) | linear(f"{name}.text_feature_dim_proj", TEXT, N) | {f"{name}.gamma": (N,)}


def transforms(analysis: str, synthesis: str) -> Shapes:
    """c, C: 5x5/2 to N, M; r: residual bottleneck; a, A: attention of N, M; i, e: injector, extractor; d: transposed."""
    found, widths = {}, [3, N, N, N, N]
    for place, kind in enumerate(analysis):
        at = f"g_a.analysis_transform.{place}"
        if kind in "cC":
            found |= conv(at, widths.pop(0), N if kind == "c" else M, 5)
        elif kind == "e":
            found |= crossed(at, TEXT) | linear(f"{at}.image_feature_dim_proj", N, TEXT)
        else:
            found |= {"r": thrice(f"{at}.branch", N), "a": attention(at, N), "A": attention(at, M), "i": injector(at)}[kind]
    outer = [(M, N), (N, N), (N, N), (N, 3)]
    for place, kind in enumerate(synthesis):
        at = f"g_s.synthesis_transform.{place}"
        if kind == "d":
            found |= deconv(at, *outer.pop(0), 5)
        else:
            found |= {"r": thrice(f"{at}.branch", N), "a": attention(at, N), "A": attention(at, M)}[kind]
    return found


def chain(name: str, kernel: int, *widths: int) -> Shapes:
    found: Shapes = {}
    for place, (before, after) in enumerate(pairwise(widths)):
        found |= conv(f"{name}.{2 * place}", before, after, kernel)
    return found


def sliced() -> Shapes:
    found = conv("h_a.reduction.0", M, N, 3) | conv("h_a.reduction.2", N, N, 5) | conv("h_a.reduction.4", N, N, 5)
    wide = 3 * M // 2
    found |= deconv("h_s.increase.0", N, M, 5) | deconv("h_s.increase.2", M, wide, 5) | deconv("h_s.increase.4", wide, 2 * M, 3)
    for place, c in enumerate(SLICES):
        out = 2 * c
        found |= conv(f"local_context.{place}", c, out, 5)
        if place:
            found |= chain(f"channel_context.{place}.fushion", 5, sum(SLICES[:place]), 224, 128, out)
        for name, more in (("anchor", 0), ("nonanchor", out)):
            known = 2 * M + (out if place else 0) + more
            found |= chain(f"entropy_parameters_{name}.{place}.fusion", 1, known, out * 5 // 3, out * 4 // 3, out)
    return found | prior(N)


def elic() -> Shapes:
    return sliced() | transforms("crrrcrrracrrrCA", "Adrrrdarrrdrrrd")


def taco() -> Shapes:
    return sliced() | transforms("crrrcrrriacrrreiCA", "Adrrrdarrrdrrrd")
