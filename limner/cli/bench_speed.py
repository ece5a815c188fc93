"""``limner bench speed``: seconds by stage, CPU, memory and energy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.streams import write
from limner.cli.talk import voice
from limner.cli.typed import typed

if TYPE_CHECKING:
    from limner.bench.harness.system import System
    from limner.bench.speed.plan import Plan
    from limner.bench.speed.rows import Head, Sample, State

ROWS, PAGE = "speed.jsonl", "speed.md"
SIZES = "64x64,256x256,768x512,1920x1080,4000x3000"
"""From an icon to a photograph of 12 megapixels."""
ALL = "all"


def speed(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", "-o", help=f"Folder for {ROWS} and {PAGE}.", file_okay=False, show_default=False)
    ],
    systems: Annotated[
        str, typer.Option(help="miniature, taco: with stages; any of limner bench run: whole processes.")
    ] = "miniature",
    sizes: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels, with commas between.")] = SIZES,
    threads: Annotated[str, typer.Option(help="How many, with commas between; all: one for each core.")] = "1,2,all",
    states: Annotated[str, typer.Option(help="cold: fresh processes; warm: turns in one.")] = "cold,warm",
    drop_caches: Annotated[
        bool, typer.Option("--drop-caches", help="Fresh processes after dropping the system's caches too; as root.")
    ] = False,
    quality: Annotated[int, typer.Option(min=0, max=63, help="Of miniature.")] = 32,
    target_bytes: Annotated[int, typer.Option(min=1, help="Of files that are made for a size.")] = 1500,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each case.")] = 5,
    patience: Annotated[
        float, typer.Option(min=0.01, help="No new turn of a case begins when they have taken so many seconds.")
    ] = 20.0,
    picture: Annotated[
        Path | None,
        typer.Option(help="A photograph; else one that is made.", exists=True, dir_okay=False, show_default=False),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with weights of taco.", exists=True, file_okay=False, show_default=False)
    ] = None,
    caption: Annotated[str, typer.Option(help="For systems that take words.")] = "",
    codec: Annotated[
        list[Path] | None,
        typer.Option(help="TOML of a codec that is two commands; may be repeated.", exists=True, dir_okay=False),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="Make the page of these rows, and measure nothing.", exists=True, dir_okay=False, show_default=False),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="End with 1 if a limit of miniature is not held.")] = False,
) -> None:
    """Measure start, stages, threads and sizes, in fresh processes and in warm ones.

    The rows are written anew with each case, so that a run that was stopped leaves what it has; the page is made from them.
    """
    from limner.bench.speed import rows as kept
    from limner.bench.speed.plan import Plan
    from limner.bench.speed.processor import usable
    from limner.bench.speed.sizes import given, made
    from limner.bench.speed.sizes import sizes as read_sizes
    from limner.bench.speed.tasks import STAGED
    from limner.image import load

    if rows is not None:
        head, samples = kept.read(rows)
    else:
        asked = several(systems)
        plan = Plan(
            made() if picture is None else given(load(picture).pixels),
            read_sizes(sizes),
            counts(threads, len(usable())),
            tuple(name for name in asked if name in STAGED),
            chosen(tuple(name for name in asked if name not in STAGED), target_bytes, tuple(codec or ())),
            asked_states(states, drop_caches),
            quality,
            target_bytes,
            repeats,
            patience,
            weights,
            caption,
            typed(context),
        )
        head, samples = measured(plan, out)
    finish(head, samples, out)
    raise typer.Exit(int(failed(samples) or (check and over_limits(samples))))


def failed(samples: list[Sample]) -> bool:
    """Whether one of the package's own systems failed, but for a size that cannot be had."""
    from limner.bench.speed.tasks import STAGED

    own = [sample.failure for sample in samples if sample.case.system in STAGED]
    return any(why and not why.startswith("BudgetError") for why in own)


def over_limits(samples: list[Sample]) -> bool:
    """Whether a limit is not held; says which."""
    from limner.bench.speed.limits import judged

    broken = [one for one in judged(samples) if not one.holds]
    for one in broken:
        typer.echo(f"over its limit: {one.limit.what}: {one.seconds:.3f} s, {one.peak_bytes / 1e6:.0f} MB", err=True)
    return bool(broken)


def measured(plan: Plan, out: Path) -> tuple[Head, list[Sample]]:
    """Measure and write the rows; tells of cases on a terminal, and of failures always."""
    import sys

    from limner.bench.speed.rows import to_text
    from limner.bench.speed.runs import count
    from limner.bench.speed.runs import measured as cases
    from limner.bench.speed.summary import spread

    head = plan.head()
    samples: list[Sample] = []
    with voice(count(plan)) as say:
        for some in cases(plan):
            samples += some
            write(str(out / ROWS), to_text(head, samples).encode())
            for sample in some:
                if sample.failure:
                    say(f"failed: {sample.case.words}: {sample.failure}")
            if sys.stderr.isatty() and not some[-1].failure:
                say(f"{some[-1].case.words}: {spread([one for one in some if one.case == some[-1].case])} s")
            say("", over=True)
    return head, samples


def finish(head: Head, samples: list[Sample], out: Path) -> None:
    """Write the page, and say how it went."""
    from limner.bench.speed.page import page
    from limner.bench.speed.summary import busy_words

    write(str(out / PAGE), page(head, samples).encode())
    if busy := busy_words(samples):
        typer.echo(f"warning: {busy.strip('*')}", err=True)
    failures = sum(sample.failure != "" for sample in samples)
    cases = len({sample.case for sample in samples})
    typer.echo(f"{out / PAGE}: {cases} cases, {len(samples)} rows, {failures} failures", err=True)


def several(text: str) -> tuple[str, ...]:
    """Words with commas or spaces between, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def counts(text: str, cores: int) -> tuple[int, ...]:
    """Numbers of threads; those that this machine has no cores for are left out, and that is said."""
    found = []
    for one in several(text):
        if one != ALL and not (one.isascii() and one.isdigit() and int(one) > 0):
            raise typer.BadParameter(f"numbers over 0, or {ALL}, not {one!r}", param_hint="--threads")
        number = cores if one == ALL else int(one)
        if number > cores:
            typer.echo(f"left out: {number} threads, there are {cores} cores here", err=True)
        else:
            found.append(number)
    return tuple(dict.fromkeys(found))


def asked_states(text: str, drop_caches: bool) -> tuple[State, ...]:
    from limner.bench.speed.rows import COLD, DROPPED, WARM

    wanted = several(text)
    if not wanted or set(wanted) - {COLD, WARM}:
        raise typer.BadParameter(f"{COLD}, {WARM} or both, not {text!r}", param_hint="--states")
    of = {COLD: COLD in wanted, DROPPED: drop_caches, WARM: WARM in wanted}
    return tuple(state for state, is_wanted in of.items() if is_wanted)


def chosen(names: tuple[str, ...], target_bytes: int, codecs: tuple[Path, ...]) -> tuple[System, ...]:
    """The systems that show no stages."""
    if not names and not codecs:
        return ()
    from limner.bench.harness.choosing import PLAIN, Wish
    from limner.bench.harness.choosing import chosen as found

    there, absent = found(Wish(names, (target_bytes,), codecs, ways=(PLAIN,)))
    for name, why in absent.items():
        typer.echo(f"absent: {name} ({why})", err=True)
    return there
