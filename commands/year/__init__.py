"""`keneya year`: closing a year of a mutuelle's books, and reading what it left over."""

import argparse
from datetime import UTC, datetime

from commands.command import (
    LONGEST_REASON,
    CommandError,
    Commands,
    command,
    database,
    expect_mutuelle,
    group,
    of_mutuelle,
    operator,
    words,
)
from commands.period import WHY_NOT
from mutuelle.acts import By
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.year_end.closing import YearEndEntries, YearEndError, close_year, last_day_of
from mutuelle.year_end.results import fund_years

YEARS = range(2000, 2100)
WHY_NO_YEAR = WHY_NOT | {
    "year_not_over": "the year is not over yet",
    "later_year_closed": "a later year is closed already",
    "entries_too_late": "the books are closed through that day already: --spread and --provide come too late",
    "entries_booked": "other entries of this year's end were booked before",
}


def add(commands: Commands) -> None:
    years = group(commands, "year", "close a year; the assembly then decides what becomes of its result")
    close = command(
        years, "close", close_books, "close the books through 31 December, and count the members of that day"
    )
    close.add_argument("year", type=year_typed, metavar="YEAR", help="a year that is over (2025)")
    of_mutuelle(close, required=True)
    close.add_argument(
        "--actor", type=operator, default="command line", help="who does this; one of ACTORS if set"
    )
    close.add_argument(
        "--spread", action="store_true", help="contributions for days of the next year are its income (477)"
    )
    close.add_argument(
        "--provide",
        action="store_true",
        help="debts for covers that have ended are set aside as a loss (491)",
    )
    close.add_argument("--reason", type=words(LONGEST_REASON), default="the year is over", help="why")


def year_typed(value: str) -> int:
    """The type of an argument: a financial year, which is a calendar year."""
    if not value.isdecimal() or int(value) not in YEARS:
        raise argparse.ArgumentTypeError(f"{value!r} is not a year such as 2025")
    return int(value)


async def close_books(arguments: argparse.Namespace) -> int:
    """Close it, and print each fund's result; a year that was closed before is printed again."""
    await expect_mutuelle(arguments.mutuelle)
    by = By(arguments.actor, arguments.reason, datetime.now(UTC))
    try:
        async with database() as db:
            mutuelle = await get_mutuelle(db, arguments.mutuelle)
            entries = YearEndEntries(arguments.spread, arguments.provide)
            closed = await close_year(db, mutuelle, arguments.year, by, entries)
            funds = await fund_years(db, mutuelle.id, last_day_of(arguments.year))
    except YearEndError as fault:
        raise CommandError(f"not done: {WHY_NO_YEAR.get(fault.reason, fault.reason)}") from None
    when = "is" if closed.closed_at == by.at else f"was before, on {closed.closed_at:%Y-%m-%d},"
    print(
        f"The year {arguments.year} of {mutuelle.id} {when} closed: {closed.members.households} households."
    )
    for fund in funds:
        print(
            f"  {fund.fund}: income {fund.income_minor}, expenses {fund.expenses_minor},"
            f" result {fund.result_minor} {fund.currency}; carried before it {fund.carried_minor},"
            f" reserve {fund.reserve_minor}"
        )
    print(
        "From 1 January the result is carried forward. The assembly decides on it: two treasurers, by USSD 7, 6, 4."
    )
    return 0
