"""``limner train``: recipes that make weights. They need ``limner[train]``."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.extras import need

if TYPE_CHECKING:
    from limner.train.machine import Machine
    from limner.train.photos import Source
    from limner.train.stream import Stream
    from limner.train.task import Schedule, Task

app = typer.Typer(no_args_is_help=True, help="Make weights: miniature, codecs of papers, edges, words.")

Data = Annotated[str, typer.Option(help="Folder of photographs or tar shards; or WebDataset shards, as a/{000..099}.tar.")]
Out = Annotated[Path, typer.Option(help="Folder for checkpoints; a run that was stopped goes on from there.")]
Minutes = Annotated[
    float | None, typer.Option(min=0.01, help="End of the schedule in minutes of training; the recipe's own without --steps.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="End of the schedule in steps; with --minutes, what comes first.")]
Batch = Annotated[int, typer.Option(min=1, help="Crops that a process takes at once.")]
Crop = Annotated[int, typer.Option(min=64, help="Side of a crop in pixels, a multiple of 64.")]
Rate = Annotated[float, typer.Option(min=1e-7, help="Highest rate of learning.")]
Similarity = Annotated[float, typer.Option(min=0.0, help="The squared error that 1 - MS-SSIM counts as.")]
Seed = Annotated[int, typer.Option(min=0, help="Of fresh weights and of the crops.")]
Accelerator = Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")]
Devices = Annotated[int, typer.Option(min=1, help="Processes on this machine, one a GPU.")]
Nodes = Annotated[int, typer.Option(min=1, help="Machines.")]
Precision = Annotated[str, typer.Option(help="32-true, bf16-mixed, 16-mixed, or auto: what the hardware is fast at.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves the choice to torch.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that cut crops beside the training.")]
Accumulate = Annotated[
    int, typer.Option(min=1, help="Batches that a process takes for a step; not where a loss compares the crops of a batch.")
]
Checkpoint = Annotated[Path, typer.Option(help="A checkpoint, e.g. runs/mine/last.pt.", exists=True, dir_okay=False)]
Begin = Annotated[
    Path | None, typer.Option(help="Begin with the averaged weights of this checkpoint.", exists=True, dir_okay=False)
]

STOPPED = 143  # as of a process that SIGTERM ended; but all is saved


@app.command()
def miniature(
    data: Data,
    out: Out,
    minutes: Minutes = None,
    steps: Steps = None,
    batch: Batch = 16,
    crop: Crop = 256,
    learning_rate: Rate = 1e-3,
    similarity: Similarity = 0.0,
    seed: Seed = 1,
    begin_from: Begin = None,
    accelerator: Accelerator = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    precision: Precision = "auto",
    threads: Threads = 0,
    workers: Workers = 0,
    accumulate: Accumulate = 1,
) -> None:
    """Train the embedded codec: all rates at once."""
    whole_positions(crop)
    need_to_train()
    need("ssimulacra2", extra="train")
    from limner.train.machine import Machine
    from limner.train.miniature import Recipe, Task

    schedule = replace(until(Recipe().schedule, minutes, steps), learning_rate=learning_rate, seed=seed)
    source, stream = photographs(data)
    task = Task(Recipe(schedule, batch=batch, crop_px=crop, similarity=similarity), source)
    machine = Machine(accelerator, devices, nodes, precision, threads, workers, accumulate)
    trained(task, out, machine, begin_from, stream)


@app.command()
def vivid(
    run: Checkpoint,
    data: Data,
    out: Out,
    minutes: Minutes = None,
    steps: Steps = None,
    batch: Batch = 8,
    crop: Crop = 256,
    learning_rate: Rate = 1.5e-4,
    seed: Seed = 1,
    accelerator: Accelerator = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    precision: Precision = "auto",
    threads: Threads = 0,
    workers: Workers = 0,
    accumulate: Accumulate = 1,
) -> None:
    """Train the vivid painter of a codec that is trained already (--run)."""
    whole_positions(crop)
    need_to_train()
    need("ssimulacra2", extra="train")
    from limner.train.machine import Machine
    from limner.train.vivid import Recipe, Task

    schedule = replace(until(Recipe().schedule, minutes, steps), learning_rate=learning_rate, seed=seed)
    source, stream = photographs(data)
    task = Task(Recipe(schedule, batch=batch, crop_px=crop), source, run)
    trained(task, out, Machine(accelerator, devices, nodes, precision, threads, workers, accumulate), stream=stream)


@app.command()
def edges(
    data: Annotated[Path, typer.Option(help="Folder with boundaries.tar and photos-*.tar.", exists=True, file_okay=False)],
    out: Out,
    minutes: Minutes = None,
    steps: Steps = None,
    batch: Batch = 8,
    crop: Crop = 256,
    learning_rate: Rate = 1e-3,
    seed: Seed = 1,
    accelerator: Accelerator = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    precision: Precision = "auto",
    threads: Threads = 0,
    workers: Workers = 0,
    accumulate: Accumulate = 1,
) -> None:
    """Train the net that draws edges, on BSDS500's train and val."""
    whole_positions(crop)
    need_to_train()
    from limner.train.boundaries import load
    from limner.train.edges import Recipe, Task
    from limner.train.machine import Machine

    schedule = replace(until(Recipe().schedule, minutes, steps), learning_rate=learning_rate, seed=seed)
    task = Task(Recipe(schedule, batch=batch, crop_px=crop), [*load(data, "train"), *load(data, "val")])
    trained(task, out, Machine(accelerator, devices, nodes, precision, threads, workers, accumulate))


def say(line: str) -> None:
    typer.echo(line, err=True)


def need_to_train() -> None:
    for name in ("torch", "lightning_fabric", "tensorboard"):
        need(name, extra="train")


def whole_positions(crop: int) -> None:
    if crop % 64:
        raise typer.BadParameter("a crop's side is a multiple of 64", param_hint="--crop")


def until(schedule: Schedule, minutes: float | None, steps: int | None) -> Schedule:
    """A schedule with the end that is asked for, or its own. With steps alone, minutes do not count."""
    if steps is None:
        return schedule if minutes is None else replace(schedule, minutes=minutes)
    return replace(schedule, steps=steps, minutes=math.inf if minutes is None else minutes)


def trained(
    task: Task[Any], out: Path, machine: Machine, begin_from: Path | None = None, stream: Stream | None = None
) -> None:
    """Train to the end; with another exit code if the run was asked to stop before."""
    from limner.train.loop import train

    if not train(task, out, machine, say, begin_from, stream):
        raise typer.Exit(STOPPED)


def photographs(data: str) -> tuple[Source, Stream | None]:
    """A folder's pictures in memory, or those of WebDataset shards as they pass: then both are the stream."""
    from limner.train import photos

    if Path(data).is_dir():
        return photos.load(Path(data)), None
    if not data.endswith(".tar"):
        raise typer.BadParameter(f"{data} is neither a folder nor the name of tar shards", param_hint="--data")
    need("webdataset", extra="train")
    from limner.train.stream import Stream

    stream = Stream(data)
    return stream, stream


@app.command()
def text(
    files: Annotated[
        list[Path],
        typer.Argument(help="Text, a description a line; or JSON lines with a caption.", exists=True, dir_okay=False),
    ],
    out: Annotated[Path, typer.Option(help="Where the model is written.", dir_okay=False)],
) -> None:
    """Make the model of words that captions are coded under. The format names one; another is for trials."""
    need("torch", extra="train")
    from limner.atomic import write_atomic
    from limner.train.text import train

    data, bits = train(files)
    write_atomic(out, data)
    say(f"{out}: {len(data):,} bytes; held-out lines took {bits:.3f} bits a byte by tables without them")


@app.command()
def export(
    run: Checkpoint,
    data: Annotated[Path, typer.Option(help="Photographs that show how large activations get.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for the weights and their manifest.")],
    name: Annotated[str, typer.Option(help="Name of the set of weights.")],
) -> None:
    """Write a checkpoint as weights for the codec: integers for the entropy path, ONNX for the transforms."""
    need("torch", extra="train")
    need("onnx", extra="train")
    from limner.train.export import from_checkpoint

    from_checkpoint(run, data, out, name)


@app.command()
def export_edges(
    run: Checkpoint,
    out: Annotated[Path, typer.Option(help="Folder for the weights and their manifest.")],
    name: Annotated[str, typer.Option(help="Name of the set of weights.")],
) -> None:
    """Write a checkpoint of limner train edges as the net that draws edges."""
    need("torch", extra="train")
    need("onnx", extra="train")
    from limner.train.edges import export

    export(run, out, name)


@app.command()
def add_painter(
    run: Annotated[Path, typer.Option(help="A checkpoint of limner train vivid.", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option(help="Folder of the weights that it was trained for.", exists=True, file_okay=False)],
) -> None:
    """Write the vivid painter beside the weights of its codec, whose files stay as they are."""
    need("torch", extra="train")
    need("onnx", extra="train")
    from limner.train.export import add_vivid

    add_vivid(run, to)
