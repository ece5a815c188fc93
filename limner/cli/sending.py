"""How a file goes over a link, in words: of ``limner channels``, and of the verbs that take a link's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

from limner.errors import BudgetError, ChannelError

if TYPE_CHECKING:
    from limner.channels import Channel, Plan

TOML = ".toml"


@dataclass(frozen=True)
class Sending:
    """A link and the messages that a file may take there. Files travel bare: their sizes are those without magic."""

    channel: Channel
    messages: int

    @property
    def target_bytes(self) -> int:
        """The bytes that the bare file may have."""
        from limner.channels import budget_bytes

        return budget_bytes(self.channel, self.messages)

    def line(self, blob_bytes: int) -> str:
        """What sending a file of so many bytes takes, for people."""
        from limner.channels import plan

        return f"{self.channel.name}: {told(self.channel, plan(self.channel, blob_bytes))}"

    def facts(self, blob_bytes: int) -> dict[str, object]:
        """The same, for programs."""
        from limner.channels import plan

        return {"sending": asdict(plan(self.channel, blob_bytes))}

    @contextmanager
    def advising(self) -> Iterator[None]:
        """Add to the error for too small a budget how many messages would do."""
        from limner.channels import plan

        try:
            yield
        except BudgetError as error:
            try:
                advice = f"--messages {plan(self.channel, error.least_bytes).messages} would do"
            except ChannelError as none_do:
                advice = str(none_do)
            raise BudgetError(f"{error}; {self.channel.name}: {advice}", error.least_bytes) from error


def sending(name: str | None, messages: int | None) -> Sending | None:
    """Read ``--channel`` and ``--messages``; None where no link is named. Ends the command for a link that is not known."""
    if name is None:
        if messages is not None:
            raise typer.BadParameter("how many messages of which link? Name it with --channel", param_hint="--messages")
        return None
    return Sending(chosen(name), messages or 1)


def chosen(name: str, own: Mapping[str, Channel] | None = None, *, hint: str = "--channel") -> Channel:
    """Find a link by its name, or by FILE.toml, or FILE.toml:NAME if there are several in it.

    Ends the command, with a word on the parameter ``hint``, if there is none.
    """
    from pathlib import Path

    from limner.channels import find
    from limner.channels.own import read

    path, mark, inner = name.rpartition(f"{TOML}:")
    try:
        if mark:
            return find(inner, read(Path(path + TOML)))
        if not name.endswith(TOML):
            return find(name, own)
        channels = read(Path(name))
        if len(channels) != 1:
            raise ChannelError(f"{name} has {len(channels)} links; name one as {name}:{next(iter(channels), 'NAME')}")
        return next(iter(channels.values()))
    except (ChannelError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint=hint) from error


def told(channel: Channel, plan: Plan) -> str:
    """Say in one line what sending takes."""
    parts = [counted(plan.messages, "message"), f"{counted(plan.left_bytes, 'byte')} left"]
    if plan.air_s is not None:
        parts.append(f"{span(plan.air_s)} on the air")
    if plan.wait_s:
        parts.append(f"{span(plan.wait_s)} of silence between")
    if plan.rest_s:
        parts.append(f"{span(plan.rest_s)} behind the last")
    if plan.cost is not None:
        parts.append(cost(channel, plan))
    return ", ".join(parts)


def cost(channel: Channel, plan: Plan) -> str:
    """Say what it costs; empty if the link has no fare."""
    if channel.fare is None or plan.cost is None:
        return ""
    units = counted(plan.cost, channel.fare.unit)
    return units if plan.price is None else f"{units} ({plan.price:.2f} {channel.fare.currency})"


def counted(number: int, noun: str) -> str:
    """``1 credit``, ``7 credits``, ``3 SMS``."""
    return f"{number:,} {noun}" + ("" if number == 1 or noun.isupper() else "s")


def span(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for limit, size, unit in ((100, 1, "s"), (100 * 60, 60, "min"), (100 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.2g} {unit}" if seconds / size < 10 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
