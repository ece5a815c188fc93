"""``limner describe``: pictures -> words and things, as JSON; masks and outlines as pictures beside it.

describer -> scene -> detector (what is not there is dropped) -> segmenter -> masks, edges, scene are written
"""

from __future__ import annotations

import errno
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import describers, options
from limner.cli.batch import Outcome, one_line
from limner.cli.describers import EDGES, PHRASES, SEGMENTERS, Asked
from limner.cli.plan import STREAM, Job, Naming, writing_jobs
from limner.cli.streams import shown, stdin, write
from limner.cli.talk import carry_out
from limner.suffixes import PICTURES

if TYPE_CHECKING:
    from limner.describe.scene import Scene, Thing
    from limner.describe.things import Mask
    from limner.image import Pixels


@dataclass(frozen=True)
class Describe:
    """Hold the settings of a batch; calling it does one job.

    limits: things, words of a name, of a detail, of the whole. find, masks, edges: names as of ``limner.cli.describers``.
    """

    asked: Asked
    limits: tuple[int, int, int, int]
    find: str | None
    masks: str | None
    edges: str | None
    overwrite: bool
    max_pixels: int

    def __call__(self, job: Job) -> Outcome:
        from limner.describe.answer import Limits
        from limner.describe.scene import to_json
        from limner.image import load

        piped = job.source == STREAM
        picture = load(stdin().read() if piped else job.source, max_pixels=self.max_pixels, name=job.source)
        target = job.target or STREAM
        found = describers.describer(self.asked).describe(picture.pixels, Limits(*self.limits))
        found, absent = self.checked(found, picture.pixels)
        if target != STREAM:
            found = self.with_files(found, picture.pixels, Path(target))
        write(target, to_json(found).encode())
        line = one_line(f"{job.source} -> {shown(target)}: {found.caption or 'no caption'}; {len(found.things)} things")
        warnings = [f"not found in the picture, taken out of the words: {', '.join(absent)}"] if absent else []
        facts = {"caption": found.caption, "things": len(found.things), "hallucinated": list(absent)}
        return Outcome(job.source, target, "done", line, facts=facts, warnings=(*picture.warnings, *warnings))

    def checked(self, scene: Scene, pixels: Pixels) -> tuple[Scene, tuple[str, ...]]:
        """A scene without what is not there, and the names of that."""
        if self.find is None:
            return scene, ()
        from limner.describe.found import checked

        found = checked(scene, pixels, describers.detector(self.find, self.asked.device))
        return found.scene, found.hallucinated

    def with_files(self, scene: Scene, pixels: Pixels, target: Path) -> Scene:
        """Write masks and edges beside the file of the scene. OSError if one exists."""
        from limner.describe.edges import picture_file
        from limner.describe.things import mask_file

        made: dict[Path, bytes] = {}
        things = []
        for number, thing in enumerate(scene.things):
            file = target.with_name(f"{target.stem}.{number}.png")
            mask = None if self.masks is None else self.mask(pixels, thing)
            if mask is not None:
                made[file] = mask_file(mask)
                thing = replace(thing, mask=file, mask_by=self.masks or "")
            elif thing.mask is not None and thing.mask.resolve().parent != target.resolve().parent:
                made[file] = as_png(thing.mask)
                thing = replace(thing, mask=file)
            things.append(thing)
        if self.edges is not None:
            drawn = describers.edge_detector(self.edges, self.asked.device).edges(pixels)
            made[target.with_name(f"{target.stem}.edges.png")] = picture_file(drawn)
        write_all(made, overwrite=self.overwrite)
        return replace(scene, things=tuple(things))

    def mask(self, pixels: Pixels, thing: Thing) -> Mask | None:
        """The mask of a thing; None where its name finds nothing, or there is no box."""
        name, device = self.masks or "", self.asked.device
        if name in PHRASES:
            return describers.phrase_segmenter(name, device).named(pixels, thing.name)
        return None if thing.box is None else describers.segmenter(name, device).mask(pixels, thing.box)


def as_png(path: Path) -> bytes:
    """A picture file as a PNG. LimnerError if it is none."""
    from PIL import Image

    from limner.errors import ImageError

    stream = io.BytesIO()
    try:
        with Image.open(path) as image:
            image.save(stream, "PNG", optimize=True)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"the mask {path} cannot be read: {error}") from error
    return stream.getvalue()


def write_all(made: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """Write files, or none of them if one exists."""
    for file in made:
        if file.exists() and not overwrite:
            raise FileExistsError(errno.EEXIST, "exists; use --overwrite", str(file))
    for file, data in made.items():
        write(str(file), data)


def describe(
    inputs: options.Inputs,
    output: options.Output = None,
    caption: Annotated[str | None, typer.Option(help="Your own words.", show_default=False)] = None,
    scene: Annotated[
        Path | None,
        typer.Option(help="A scene in JSON, to be checked and cut.", exists=True, dir_okay=False, show_default=False),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Address of an OpenAI-compatible model, e.g. http://localhost:8000/v1.", show_default=False),
    ] = None,
    local: Annotated[
        str | None,
        typer.Option(help="A model on this machine: qwen3-vl, florence-2, an id of the hub, or a folder.", show_default=False),
    ] = None,
    invert: Annotated[
        str | None,
        typer.Option(help="Words that CLIP finds most like the picture: clip-h, an id, or a folder.", show_default=False),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of the model at the endpoint.")] = "default",
    key: Annotated[str, typer.Option(help="Environment variable that holds its key.")] = "OPENAI_API_KEY",
    things: Annotated[int, typer.Option(min=0, max=64, help="Things at most.")] = 3,
    name_words: Annotated[int, typer.Option(min=1, help="Words of a thing's name at most.")] = 3,
    detail_words: Annotated[int, typer.Option(min=1, help="Words about a thing at most.")] = 30,
    overall_words: Annotated[int, typer.Option(min=1, help="Words about the whole at most.")] = 50,
    find: Annotated[
        str | None,
        typer.Option(
            help="Look for things by their names, by grounding-dino, another detector's id or folder, clipseg or sam3; "
            "what is not found is taken out of the words.",
            show_default=False,
        ),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(help="Masks of things: grabcut, sam, sam2 of their boxes; clipseg, sam3 of names.", show_default=False),
    ] = None,
    edges: Annotated[
        str | None, typer.Option(help="Outlines: net (in the package), hed or hed-bsds500.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="Where models of torch run: cpu, cuda, mps.")] = "cpu",
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip: options.Skip = False,
    jobs: options.Jobs = 1,
    json: options.Json = False,
) -> None:
    """Say what is in pictures: a caption, the whole, and things.

    photo.jpg becomes photo.json beside it, unless -o says otherwise. A model at an address gets the picture itself.
    """
    given = {"caption": caption, "scene": scene, "endpoint": endpoint, "local": local, "invert": invert}
    asked = Asked(*who(given), model, key, device)
    options.only_one({"--overwrite": overwrite or None, "--skip": skip or None})
    one_of(masks, (*SEGMENTERS, *PHRASES), "--masks")
    one_of(edges, EDGES, "--edges")
    if output == STREAM and (masks or edges):
        raise typer.BadParameter("masks and edges are files beside the scene: give -o a name", param_hint="--output")
    if not describers.usable(device):
        raise typer.BadParameter(f"torch cannot compute on {device!r} here: cpu always works", param_hint="--device")
    limits = things, name_words, detail_words, overall_words
    task = Describe(asked, limits, find, masks, edges, overwrite, max_pixels)
    plan = writing_jobs(inputs, PICTURES, Naming(output, ".json", overwrite, skip), recursive=recursive)
    carry_out(task, plan, processes=jobs, json_lines=json)


def who(given: Mapping[str, str | Path | None]) -> tuple[str, str]:
    """The one option that says who describes, and its value."""
    options.only_one({f"--{name}": value for name, value in given.items()})
    for name, value in given.items():
        if value is not None:
            return name, str(value)
    raise typer.BadParameter(f"who describes? give one of {', '.join(f'--{name}' for name in given)}")


def one_of(name: str | None, known: Collection[str], hint: str) -> None:
    if name is not None and name not in known:
        raise typer.BadParameter(f"{', '.join(known)}: not {name!r}", param_hint=hint)
