"""``limner describe``: pictures -> words and things, as JSON."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.encode import PICTURES
from limner.cli.plan import STREAM, Job, Naming, writing_jobs
from limner.cli.streams import shown, stdin, write
from limner.cli.talk import carry_out

if TYPE_CHECKING:
    from limner.describe.caption import Describer
    from limner.describe.scene import Scene
    from limner.describe.things import Segmenter
    from limner.image import Pixels

SEGMENTERS = ("grabcut", "sam")


@dataclass(frozen=True)
class Describe:
    """Hold the settings of a batch; calling it does one job. One of ``caption``, ``scene`` and ``endpoint`` is given.

    limits: things, words of a name, of a detail, of the whole.
    """

    caption: str | None
    scene: Path | None
    endpoint: str | None
    model: str
    key: str
    limits: tuple[int, int, int, int]
    masks: str | None
    overwrite: bool
    max_pixels: int

    def __call__(self, job: Job) -> Outcome:
        from limner.describe.answer import Limits
        from limner.describe.scene import to_json
        from limner.image import load

        piped = job.source == STREAM
        source = stdin().read() if piped else job.source
        picture = load(source, max_pixels=self.max_pixels, name="stdin" if piped else job.source)
        found = self.describer().describe(picture.pixels, Limits(*self.limits))
        target = job.target or STREAM
        if self.masks is not None:
            found = with_masks(found, picture.pixels, self.masks, Path(target), overwrite=self.overwrite)
        write(target, to_json(found).encode())
        line = f"{job.source} -> {shown(target)}: {found.caption or 'no caption'}; {len(found.things)} things"
        facts = {"caption": found.caption, "things": len(found.things)}
        return Outcome(job.source, target, "done", line, facts=facts, warnings=picture.warnings)

    def describer(self) -> Describer:
        from limner.describe.caption import Sidecar, Words
        from limner.describe.endpoint import Endpoint

        if self.caption is not None:
            return Words(self.caption)
        if self.scene is not None:
            return Sidecar(self.scene)
        return Endpoint(self.endpoint or "", self.model, self.key)


def with_masks(scene: Scene, pixels: Pixels, name: str, target: Path, *, overwrite: bool) -> Scene:
    """Write a mask for each thing that has a box, as pictures beside the file of the scene. OSError if one exists."""
    from limner.describe.things import mask_file

    files = [target.with_name(f"{target.stem}.{number}.png") for number in range(len(scene.things))]
    for file, thing in zip(files, scene.things, strict=True):
        if thing.box is not None and file.exists() and not overwrite:
            raise FileExistsError(errno.EEXIST, "exists; use --overwrite", str(file))
    things = []
    for file, thing in zip(files, scene.things, strict=True):
        if thing.box is not None:
            write(str(file), mask_file(segmenter(name).mask(pixels, thing.box)))
            thing = replace(thing, mask=file, mask_by=name)
        things.append(thing)
    return replace(scene, things=tuple(things))


@cache
def segmenter(name: str) -> Segmenter:
    """A segmenter by its name; its weights are read once in a process."""
    from limner.describe.sam import Sam
    from limner.describe.things import GrabCut

    return GrabCut() if name == "grabcut" else Sam()


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
    model: Annotated[str, typer.Option(help="Name of the model there.")] = "default",
    key: Annotated[str, typer.Option(help="Environment variable that holds its key.")] = "OPENAI_API_KEY",
    things: Annotated[int, typer.Option(min=0, max=64, help="Things at most.")] = 3,
    name_words: Annotated[int, typer.Option(min=1, help="Words of a thing's name at most.")] = 3,
    detail_words: Annotated[int, typer.Option(min=1, help="Words about a thing at most.")] = 30,
    overall_words: Annotated[int, typer.Option(min=1, help="Words about the whole at most.")] = 50,
    masks: Annotated[
        str | None, typer.Option(help="Masks of things that have boxes, by grabcut or sam.", show_default=False)
    ] = None,
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
    given = {"--caption": caption, "--scene": scene, "--endpoint": endpoint}
    options.only_one(given)
    options.only_one({"--overwrite": overwrite or None, "--skip": skip or None})
    if all(value is None for value in given.values()):
        raise typer.BadParameter(f"who describes? give one of {', '.join(given)}")
    if masks is not None and masks not in SEGMENTERS:
        raise typer.BadParameter(f"{' or '.join(SEGMENTERS)}, not {masks!r}", param_hint="--masks")
    if masks is not None and output == STREAM:
        raise typer.BadParameter("masks are files beside the scene: give -o a name", param_hint="--masks")
    limits = things, name_words, detail_words, overall_words
    task = Describe(caption, scene, endpoint, model, key, limits, masks, overwrite, max_pixels)
    plan = writing_jobs(inputs, PICTURES, Naming(output, ".json", overwrite, skip), recursive=recursive)
    carry_out(task, plan, processes=jobs, json_lines=json)
