"""`keneya period`: closing the books of a mutuelle through a day, and opening again what was closed last."""

import argparse
from uuid import uuid4

from commands.command import (
    CommandError,
    Commands,
    acted,
    command,
    database,
    day,
    expect_mutuelle,
    group,
    of_mutuelle,
)
from ledger.book import Origin, Posted
from ledger.periods import close_period, closed_through, period_acts, reopen_period

SOURCE = "command line"
WHY_NOT = {
    "period_not_over": "that day is not over yet",
    "period_closed": "the books are closed through that day already",
    "period_not_closed": "nothing is closed",
    "mutuelle_unknown": "it has no book yet",
    "book_in_use": "others are posting and did not end within 2 s: try again",
}


def add(commands: Commands) -> None:
    period = group(commands, "period", "closed books: nothing is dated inside them any more")
    list_ = command(period, "list", list_acts, "print every close and reopening")
    close = command(
        period, "close", close_books, "close the books through a day; what comes late is booked today"
    )
    reopen = command(period, "reopen", reopen_books, "open the period that was closed last")
    of_mutuelle(list_, close, reopen, required=True)
    close.add_argument("last", type=day, metavar="DATE", help="the last day to close (2026-10-31)")
    for parser in (close, reopen):
        acted(parser)


async def list_acts(arguments: argparse.Namespace) -> int:
    """Print each close and reopening; a star marks a close still in force."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        through = await closed_through(db, arguments.mutuelle)
        for act in await period_acts(db, arguments.mutuelle):
            days, mark = f"{act.first_on} to {act.last_on}", "*" if act.stands else " "
            at = f"{act.recorded_at:%Y-%m-%d %H:%M}"
            print(f"{act.number:>3} {act.act:<6} {days} {mark} {at} {act.actor}: {act.reason}")
    print(f"Closed through {through}." if through else "Nothing is closed.")
    return 0


async def close_books(arguments: argparse.Namespace) -> int:
    """Close through a day that is over, and store its trial balance."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        answer = await close_period(db, arguments.mutuelle, arguments.last, _origin(arguments))
    _expect(answer)
    print(f"The books of {arguments.mutuelle} are closed through {arguments.last}.")
    return 0


async def reopen_books(arguments: argparse.Namespace) -> int:
    """Open the last period again; its close and trial balance stay on record."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        answer = await reopen_period(db, arguments.mutuelle, _origin(arguments))
        through = await closed_through(db, arguments.mutuelle)
    _expect(answer)
    print(f"The books of {arguments.mutuelle} are " + (f"closed through {through}." if through else "open."))
    return 0


def _origin(arguments: argparse.Namespace) -> Origin:
    return Origin(SOURCE, f"period {uuid4()}", arguments.actor, arguments.reason)


def _expect(answer: Posted) -> None:
    if not answer.stands:
        raise CommandError(f"not done: {WHY_NOT.get(str(answer.reason), answer.reason)}")
