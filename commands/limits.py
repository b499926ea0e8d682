"""`keneya limits`: what a mutuelle allows today, since when, and who decided it. Two treasurers change it by phone."""

import argparse
from datetime import UTC, datetime

from commands.command import Commands, command, database, expect_mutuelle, of_mutuelle, spoken
from locales import Sentence, render
from mutuelle.officers.limit_changes import DecidedLimit, decided_limits
from mutuelle.scheme.limits import LABELS, NewLimit, limits_of, shown
from mutuelle.scheme.mutuelles import get_mutuelle


def add(commands: Commands) -> None:
    of_mutuelle(
        command(commands, "limits", print_limits, "print a mutuelle's limits, since when, and who decided"),
        required=True,
    )


async def print_limits(arguments: argparse.Namespace) -> int:
    """Print every limit as it is today, then every change, the newest first."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        mutuelle = await get_mutuelle(db, arguments.mutuelle)
        today = mutuelle.today(datetime.now(UTC))
        limits = await limits_of(db, mutuelle.id, today)
        decided = await decided_limits(db, mutuelle.id)
    in_force: dict[str, DecidedLimit] = {}
    for one in decided:
        if one.change.since <= today:
            in_force.setdefault(one.change.name, one)
    for name in LABELS:
        now = NewLimit(name, getattr(limits, name), today)
        since = in_force.get(name)
        print(_line(now, mutuelle.currency) + (f"  {_decided(since)}" if since else "  usual"))
    if decided:
        print("\nchanges, the newest first:")
    for one in decided:
        print(f"{_line(one.change, mutuelle.currency)}  {_decided(one)}")
    return 0


def _line(limit: NewLimit, currency: str) -> str:
    value = shown(limit.name, limit.value, currency)
    said = render(value, "en") if isinstance(value, Sentence) else str(value)
    label = LABELS.get(limit.name)
    return f"{spoken(label) if label else limit.name:<26} {said:>12}"


def _decided(one: DecidedLimit) -> str:
    return f"since {one.change.since}, by {one.who}"
