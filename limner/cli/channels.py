"""``limner channels``: links by name, what they carry, and what a file costs there."""

from __future__ import annotations

import json as standard_json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli.sending import chosen, cost, span, told

if TYPE_CHECKING:
    from limner.channels import Channel, Plan

WIDTH = 100


def channels(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Which; sms* is all that begin so. One alone is told in full."),
    ] = None,
    blob_bytes: Annotated[
        int | None, typer.Option("--bytes", min=1, max=1 << 28, help="Plan for a file of so many.", show_default=False)
    ] = None,
    parity: Annotated[int, typer.Option(min=0, max=64, help="Messages that repair as many lost ones.")] = 0,
    duty: Annotated[
        float | None, typer.Option(help="Percent of the time on the air, in place of the link's.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="TOML with links of your own.", exists=True, dir_okay=False, show_default=False)
    ] = None,
    toml: Annotated[bool, typer.Option("--toml", help="Print the links as TOML, to start your own from.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout for every link.")] = False,
) -> None:
    """List links: the bytes of a message, its time on the air, what is paid.

    With --bytes: how many messages a file takes, what is left in the last, how long that takes and what it costs.
    """
    from limner.channels import plan, to_toml

    links = [_with_duty(link, duty) for link in _links(names or [], file)]
    if toml:
        typer.echo(to_toml(links), nl=False)
    elif len(links) == 1 and names and not json:
        typer.echo(page(links[0], None if blob_bytes is None else plan(links[0], blob_bytes, parity=parity)))
    else:
        plans = [_plan(link, blob_bytes, parity) for link in links]
        for line in _listed(links, plans, json=json, planned=blob_bytes is not None):
            typer.echo(line)


def _listed(links: Sequence[Channel], plans: Sequence[Plan | None], *, json: bool, planned: bool) -> Iterator[str]:
    if json:
        return (standard_json.dumps(_record(link, plan)) for link, plan in zip(links, plans, strict=True))
    return _aligned(list(_planned(links, plans) if planned else _overview(links)))


def _links(names: Sequence[str], file: Path | None) -> list[Channel]:
    from fnmatch import fnmatchcase

    from limner.channels import CHANNELS
    from limner.channels.own import read

    own = read(file) if file is not None else {}
    if not names:
        return list(own.values()) if own else list(CHANNELS.values())
    known = {**CHANNELS, **own}
    found: dict[str, Channel] = {}
    for name in names:
        matching = [link for key, link in known.items() if "*" in name and fnmatchcase(key, name)]
        for link in matching or [chosen(name, own, hint="NAME")]:
            found[link.name] = link
    return list(found.values())


def _with_duty(link: Channel, duty: float | None) -> Channel:
    if duty is None:
        return link
    if not 0 < duty <= 100:
        raise typer.BadParameter("a share of the time is over 0 and at most 100 percent", param_hint="--duty")
    return replace(link, limits=replace(link.limits, duty=duty / 100))


def _plan(link: Channel, blob_bytes: int | None, parity: int) -> Plan | None:
    """The plan; None where no file is asked for, or none goes."""
    from limner.channels import plan
    from limner.errors import ChannelError

    if blob_bytes is None:
        return None
    try:
        return plan(link, blob_bytes, parity=parity)
    except ChannelError:
        return None


def _record(link: Channel, plan: Plan | None) -> dict[str, object]:
    from limner.channels import several_bytes

    alone = link.payload_bytes
    sizes = {"payload_bytes": alone, "several_bytes": several_bytes(link), "air_s": link.air_s(alone)}
    return {**asdict(link), **sizes, "plan": None if plan is None else asdict(plan)}


def page(link: Channel, plan: Plan | None) -> str:
    """Tell of one link in full."""
    from limner.channels import several_bytes

    air_s = link.air_s(link.payload_bytes)
    rows = [
        ("a message", f"{link.payload_bytes} bytes" + (f", as {link.size} characters of {link.armour}" if link.armour else "")),
        ("of several", f"{several_bytes(link)} bytes each, " + ("joined by the link" if link.joined else "in packets")),
        ("on the air", "" if air_s is None else f"{span(air_s)} for a full message"),
        ("limits", ", ".join(_limits(link))),
        ("paid", _fare(link)),
        ("source", link.source),
    ]
    if plan is not None:
        rows.append((f"{plan.blob_bytes} bytes", told(link, plan)))
    lines = [f"{link.name}: {link.what}"]
    for head, text in rows:
        if text:
            first, *rest = wrap(text, WIDTH - 14)
            lines += [f"  {head:10}  {first}", *(f"{'':14}{more}" for more in rest)]
    return "\n".join(lines)


def _limits(link: Channel) -> Iterator[str]:
    limits = link.limits
    if limits.duty is not None:
        yield f"{100 * limits.duty:g} % of the time"
    if limits.interval_s:
        yield f"one in {span(limits.interval_s)}"
    if limits.messages_a_day is not None:
        yield f"{limits.messages_a_day} messages a day"
    if limits.air_s_a_day is not None:
        yield f"{span(limits.air_s_a_day)} on the air a day"


def _fare(link: Channel) -> str:
    fare = link.fare
    if fare is None:
        return ""
    each = f"{fare.unit} for each {fare.bytes_each} bytes" if fare.bytes_each else f"{fare.unit} for each message"
    return each + ("" if fare.price is None else f", {fare.price:g} {fare.currency} each")


def _overview(links: Sequence[Channel]) -> Iterator[tuple[str, ...]]:
    from limner.channels import several_bytes

    yield "link", "bytes", "of several", "air", "limits", "paid"
    for link in links:
        air_s = link.air_s(link.payload_bytes)
        several = str(several_bytes(link) or "none")
        air = "" if air_s is None else span(air_s)
        yield link.name, str(link.payload_bytes), several, air, ", ".join(_limits(link)), _fare(link)


def _planned(links: Sequence[Channel], plans: Sequence[Plan | None]) -> Iterator[tuple[str, ...]]:
    yield "link", "messages", "left", "air", "waits", "done in", "a day", "cost"
    for link, plan in zip(links, plans, strict=True):
        if plan is None:
            yield link.name, "too many"
            continue
        air = "" if plan.air_s is None else span(plan.air_s)
        waits = span(plan.wait_s) if plan.wait_s else ""
        whole = span((plan.air_s or 0.0) + plan.wait_s) if plan.air_s is not None or plan.wait_s else ""
        a_day = "" if plan.files_a_day is None else f"{plan.files_a_day:,}"
        yield link.name, f"{plan.messages:,}", f"{plan.left_bytes:,}", air, waits, whole, a_day, cost(link, plan)


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lay rows out in columns, as wide as they need."""
    columns = max(len(row) for row in rows)
    full = [(*row, *[""] * (columns - len(row))) for row in rows]
    widths = [max(len(row[column]) for row in full) for column in range(columns)]
    for row in full:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
