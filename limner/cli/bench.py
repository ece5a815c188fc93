"""``limner bench``: what systems are worth, measured on files that a sealed process decoded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import bench_data, options
from limner.cli.bench_report import report
from limner.cli.bench_speed import speed
from limner.cli.talk import voice
from limner.cli.typed import typed
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.bench.harness.record import Record
    from limner.bench.harness.run import Plan, Watch

BUDGETS = "250,500,1000,1500,3000,6000"

app = typer.Typer(no_args_is_help=True, help="Measure systems on pictures, and report.")
app.command()(report)
app.command()(speed)
app.add_typer(bench_data.app, name="data")


@app.command()
def run(
    context: typer.Context,
    data: Annotated[str, typer.Option(help="A data set by name, or a folder of pictures.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for rows.jsonl.", file_okay=False, show_default=False)],
    systems: Annotated[
        str, typer.Option(help="Which, with commas between; baselines: all classical codecs that are installed.")
    ] = "miniature,baselines",
    budgets: Annotated[str, typer.Option(help="Bytes a file may have, with commas between; none: no budget.")] = BUDGETS,
    codec: Annotated[
        list[Path] | None,
        typer.Option(help="TOML of a codec that is two commands; may be repeated.", exists=True, dir_okay=False),
    ] = None,
    preparation: Annotated[str, typer.Option(help="What is done to pictures first: none, short512, short768crop ...")] = "none",
    root: Annotated[
        Path | None, typer.Option(help="Where a data set with a name lies.", exists=True, file_okay=False, show_default=False)
    ] = None,
    scenes: Annotated[
        Path | None,
        typer.Option(help="What pictures show, as JSON; else scenes.json beside them.", exists=True, dir_okay=False),
    ] = None,
    words: Annotated[str, typer.Option(help="For systems that take words: true, empty, shuffled, na.")] = "true",
    metrics: Annotated[str, typer.Option(help="Names with commas between; light: without weights; all.")] = "all",
    set_metrics: Annotated[
        str, typer.Option(help="Of all pictures together, from those that are kept: fid, fid_patched, kid, kid_patched.")
    ] = "",
    metrics_device: Annotated[str, typer.Option(help="Where metrics with nets run: cpu, cuda or mps.")] = "cpu",
    ways: Annotated[str, typer.Option(help="Of classical codecs: plain, downscaled.")] = "plain,downscaled",
    effort: Annotated[str, typer.Option(help="Of their search: thorough, plain, quick.")] = "thorough",
    cache: Annotated[Path, typer.Option(help="Folder that keeps their files.", file_okay=False)] = Path("runs/cache"),
    painters: Annotated[str, typer.Option(help="faithful; vivid, of miniature; reference, of sedic.")] = "faithful",
    weights: Annotated[
        list[Path] | None, typer.Option(help="A set of weights of ours; may be repeated.", exists=True, file_okay=False)
    ] = None,
    settings: Annotated[str, typer.Option(help="Of a diffusion, by name.")] = "light",
    device: options.Device = "auto",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of a diffusion, and of shuffled words.")] = 0,
    limit: Annotated[float, typer.Option(min=1, help="Seconds for an encoder or a decoder.")] = 3600.0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what was painted, for the report's page.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Do failures again, and metrics that were absent.")] = False,
    jobs: options.Jobs = 1,
) -> None:
    """Encode, decode in a sealed process, measure: one line of JSON for each picture, system and setting.

    A run that was stopped goes on where it was. Nothing is fetched.
    """
    if os.name != "posix":
        raise LimnerError("codecs are run under a seal on Linux and macOS only")
    from limner.bench.datasets import opened
    from limner.bench.harness import sets
    from limner.bench.harness.choosing import Wish, chosen
    from limner.bench.harness.run import Plan, failed_unexpectedly
    from limner.bench.harness.run import run as carry_out
    from limner.bench.harness.seal import Seal, best_grade

    sets.check(several(set_metrics))
    if set_metrics and not keep:
        raise typer.BadParameter("they are taken from what is kept: give --keep too", param_hint="--set-metrics")
    wish = Wish(
        several(systems),
        tuple(budget(one) for one in several(budgets)),
        tuple(codec or ()),
        several(ways),
        effort,
        cache,
        several(painters),
        tuple(weights or ()),
        settings,
        device,
    )
    found, absent = chosen(wish)
    plan = Plan(
        opened(data, preparation, root, scenes),
        found,
        names_of(metrics),
        Seal(best_grade(), (cache.resolve(),), limit_s=limit),
        several(words),
        seed,
        keep,
        retry,
        metrics_device,
        typed(context),
        {"absent": "; ".join(f"{name} ({why})" for name, why in absent.items())} if absent else {},
    )
    for name, why in absent.items():
        typer.echo(f"absent: {name} ({why})", err=True)
    with watching(plan) as watch:
        records = carry_out(plan, out, jobs, watch)
    if set_metrics:
        sets.write(records, out, several(set_metrics), metrics_device)
    unexpected = failed_unexpectedly(records, found)
    failures = sum(record.failure is not None for record in records)
    typer.echo(f"{out}: {len(records)} rows, {failures} failures, {len(unexpected)} of ours that no budget explains", err=True)
    raise typer.Exit(int(bool(unexpected)))


def several(text: str) -> tuple[str, ...]:
    """Words with commas or spaces between, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def budget(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(f"bytes over 0, or none, not {text!r}", param_hint="--budgets")
    return int(text)


def names_of(text: str) -> tuple[str, ...]:
    """The metrics that are meant."""
    from limner.bench.measures import LIGHT, MEASURES

    groups = {"light": LIGHT, "all": tuple(MEASURES)}
    return tuple(dict.fromkeys(name for one in several(text) for name in groups.get(one, (one,))))


@contextmanager
def watching(plan: Plan) -> Iterator[Watch]:
    """Tells of records as they come: on a terminal all, with the time that is left; in a pipe what failed of ours."""
    ours = {system.name for system in plan.systems if system.ours}
    total = len(plan.data.pictures) * sum(len(use.system.settings()) for use in plan.uses)
    with voice(total) as say:

        def watch(record: Record | None, done: int, total: int) -> None:
            if record is None:
                for _ in range(done):
                    say("", over=True)
                return
            failed = record.failure
            if failed is not None and record.system in ours and failed.error != "BudgetError":
                say(f"error: {line(record)}")
            elif sys.stderr.isatty():
                say(line(record))
            say("", over=True)

        yield watch


def line(record: Record) -> str:
    name = f"{record.picture}, {record.system} {record.setting}, {record.words} words"
    if record.failure is not None:
        return f"{name}: {record.failure.stage} failed: {record.failure.error}: {record.failure.message}"
    return f"{name}: {record.bytes} bytes, " + ", ".join(f"{key} {value:g}" for key, value in record.figures.items())
