"""``limner train`` for the codecs of the papers: taco, reference, sketch, what they need first, and their sets of weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from limner.cli.train import (
    Accelerator,
    Accumulate,
    Batch,
    Begin,
    Checkpoint,
    Crop,
    Devices,
    Minutes,
    Nodes,
    Out,
    Precision,
    Rate,
    Seed,
    Similarity,
    Steps,
    Threads,
    Workers,
    app,
    need_to_train,
    photographs,
    say,
    trained,
    until,
    whole_positions,
)
from limner.extras import need

__all__ = ["app"]

Photographs = Annotated[
    Path, typer.Option(help="Folder with photos-*.tar and captions.jsonl, or MS-COCO's.", exists=True, file_okay=False)
]
Readers = Annotated[str, typer.Option(help="Who reads words: clip, minilm, or the file of a word encoder.")]
Lambda = Annotated[float, typer.Option(min=0.0, help="Bits a pixel that a squared error of 1 is worth, values 0..255.")]


@app.command()
def pairs(
    data: Photographs,
    out: Out,
    texts: Readers = "minilm",
    minutes: Minutes = None,
    steps: Steps = None,
    batch: Batch = 64,
    seed: Seed = 1,
    accelerator: Accelerator = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    precision: Precision = "auto",
    threads: Threads = 0,
    workers: Workers = 0,
    accumulate: Accumulate = 1,
) -> None:
    """Train the small image-text pair that stands in for CLIP in taco's joint loss."""
    need_to_train()
    from limner.describe.texts import opened
    from limner.train import captioned
    from limner.train.machine import Machine
    from limner.train.pairs import Recipe, Task

    recipe = Recipe(batch=batch)
    recipe = replace(recipe, schedule=replace(until(recipe.schedule, minutes, steps), seed=seed))
    task = Task(recipe, captioned.load(data), opened(texts))
    trained(task, out, Machine(accelerator, devices, nodes, precision, threads, workers, accumulate))


@app.command()
def taco(
    data: Photographs,
    out: Out,
    paper: Annotated[bool, typer.Option("--paper", help="The paper's settings; else the compact codec for a CPU.")] = False,
    lambda_mse: Lambda = 0.0004,
    texts: Annotated[str | None, typer.Option(help="Who reads words: clip, minilm, or the file of a word encoder.")] = None,
    perceptual: Annotated[str | None, typer.Option(help="lpips, ms-ssim or none.")] = None,
    joint: Annotated[str | None, typer.Option(help="clip, small-pair or none.")] = None,
    lpips: Annotated[str | None, typer.Option(help="Folder or file with LPIPS's weights.")] = None,
    pair: Annotated[Path | None, typer.Option(help="A checkpoint of limner train pairs.", exists=True, dir_okay=False)] = None,
    inner: Annotated[int | None, typer.Option(min=8, help="Channels of the transforms, N.")] = None,
    slices: Annotated[str | None, typer.Option(help="Channels of the latent's slices, as 8,8,16,32; their sum is M.")] = None,
    adapter: Annotated[bool, typer.Option(help="Whether the encoder reads words; without, it is ELIC.")] = True,
    minutes: Minutes = None,
    steps: Steps = None,
    batch: Batch = 8,
    crop: Crop = 256,
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
    """Train taco: rate, squared error, likeness to the eye and to the words."""
    whole_positions(crop)
    need_to_train()
    from limner.train import captioned
    from limner.train import taco as recipes
    from limner.train.machine import Machine
    from limner.train.taco import Changes, Task, judges

    source = captioned.load(data)
    machine = Machine(accelerator, devices, nodes, precision, threads, workers, accumulate)
    together = machine.processes * accumulate
    preset = recipes.paper(lambda_mse, len(source.train), together) if paper else recipes.compact(lambda_mse)
    recipe = recipes.changed(preset, Changes(perceptual, joint, texts, inner, widths(slices), adapter))
    schedule = replace(until(recipe.schedule, minutes, steps), seed=seed)
    recipe = replace(recipe, schedule=schedule, batch=batch, crop_px=crop)
    task = Task(recipe, source, judges(recipe, lpips, pair))
    trained(task, out, machine, begin_from)


@app.command()
def reference(
    data: Annotated[str, typer.Option(help="Folder of photographs or tar shards.")],
    out: Out,
    inner: Annotated[int, typer.Option(min=8, help="Channels, N; SEDIC's has 128.")] = 64,
    begin_with: Annotated[
        Path | None, typer.Option(help="A published checkpoint to go on from.", exists=True, dir_okay=False)
    ] = None,
    lambda_mse: Lambda = 0.00018,
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
    """Train SEDIC's reference codec: cheng2020-attn at a tenth of the lowest published rate."""
    whole_positions(crop)
    need_to_train()
    from limner.train.machine import Machine
    from limner.train.reference import Task, compact

    recipe = compact(inner, lambda_mse)
    schedule = replace(until(recipe.schedule, minutes, steps), learning_rate=learning_rate, seed=seed)
    source, stream = photographs(data)
    task = Task(replace(recipe, schedule=schedule, batch=batch, crop_px=crop), source, begin_with)
    trained(task, out, Machine(accelerator, devices, nodes, precision, threads, workers, accumulate), stream=stream)


@app.command()
def sketch(
    data: Annotated[Path, typer.Option(help="Folder of photographs or tar shards.", exists=True, file_okay=False)],
    out: Out,
    pictures: Annotated[int, typer.Option(min=2, help="Photographs whose edge maps are trained on.")] = 1500,
    minutes: Minutes = None,
    steps: Steps = None,
    batch: Batch = 16,
    crop: Crop = 256,
    learning_rate: Rate = 1e-3,
    similarity: Similarity = 1000.0,
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
    """Train the codec of sketches, on edge maps that the net of the package draws once of the photographs."""
    whole_positions(crop)
    need_to_train()
    need("ssimulacra2", extra="train")
    from limner.describe.edges import EdgeNet
    from limner.train import sketch as recipes
    from limner.train.machine import Machine
    from limner.train.task import Schedule

    maps = recipes.load(data, out / recipes.MAPS, EdgeNet(), pictures, say)
    schedule = replace(until(Schedule(), minutes, steps), learning_rate=learning_rate, seed=seed)
    task = recipes.task(recipes.recipe(schedule, batch, crop, similarity), maps)
    trained(task, out, Machine(accelerator, devices, nodes, precision, threads, workers, accumulate), begin_from)


@app.command()
def export_sketch(
    run: Checkpoint,
    out: Annotated[Path, typer.Option(help="Folder for the weights and their manifest.")],
    name: Annotated[str, typer.Option(help="Name of the set of weights.")],
) -> None:
    """Write a checkpoint of limner train sketch as the weights that code sketches; its maps lie beside it still."""
    need("torch", extra="train")
    need("onnx", extra="train")
    from limner.train.sketch import export_sketch as export

    export(run, out, name)


@app.command()
def export_codec(
    run: Checkpoint,
    data: Annotated[Path, typer.Option(help="Photographs that show how large activations get.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for the weights and their manifest.")],
    name: Annotated[str, typer.Option(help="Name of the set of weights.")],
    texts: Annotated[str, typer.Option(help="Who read words in training, if it is taco.")] = "minilm",
) -> None:
    """Write a checkpoint of taco or reference as weights that encode and decode files."""
    for module in ("torch", "onnx", "onnxscript"):
        need(module, extra="train")
    from limner.train.codec_set import convert

    convert(run, data, out, name, texts, settled=False)


def widths(text: str | None) -> tuple[int, ...] | None:
    """Read 8,8,16 as numbers."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"numbers with commas, as 8,8,16,32, not {text!r}", param_hint="--slices") from error
