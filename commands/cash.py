"""`keneya cash`: cash in hand of a mutuelle's collectors, and cash disputes of households."""

import argparse
from datetime import UTC, datetime

from commands.command import (
    CommandError,
    Commands,
    acted,
    command,
    database,
    expect_mutuelle,
    group,
    of_mutuelle,
    spoken,
)
from locales import counts
from mutuelle.acts import By
from mutuelle.households.member_numbers import shown_number
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.cash_disputes import cancel_cash, close_dispute, last_cash, open_disputes
from mutuelle.treasury.cash_in_hand import collectors_cash_in_hand
from mutuelle.treasury.receipt_days import LATE_AFTER_DAYS
from mutuelle.treasury.voucher_disputes import disputed_vouchers


def add(commands: Commands) -> None:
    cash = group(commands, "cash", "cash held by collectors, and receipts that households contest")
    list_ = command(
        cash,
        "list",
        list_cash,
        "print who holds cash since when, the open contests, and what was recorded days late",
    )
    close = command(cash, "close", close_case, "close a contest: the receipt was right")
    cancel = command(
        cash, "cancel", cancel_receipt, "take a receipt back in the book; its collector must hold it"
    )
    of_mutuelle(list_, close, cancel, required=True)
    for parser in (close, cancel):
        parser.add_argument(
            "receipt", type=str.upper, metavar="RECEIPT", help="the code of the receipt, or of the voucher"
        )
        acted(parser)


async def list_cash(arguments: argparse.Namespace) -> int:
    """Print a line for each collector who holds cash, each open contest, each receipt that was recorded late."""
    await expect_mutuelle(arguments.mutuelle)
    lines: list[str] = []
    async with database() as db:
        now = datetime.now(UTC)
        today = (await get_mutuelle(db, arguments.mutuelle)).today(now)
        for collector in await collectors_cash_in_hand(db, arguments.mutuelle):
            held_for = spoken(counts.days(collector.days(today)))
            lines.append(f"{collector.phone:<16} {collector.name:<26} {collector.held!s:>12} for {held_for}")
        for case in await open_disputes(db, arguments.mutuelle):
            number, on = shown_number(case.number), case.on.isoformat()
            by = f"{case.taken_by.role} {case.taken_by.name}"
            lines.append(f"contested {case.code} {case.amount} of {on}, household {number}, {by}")
        for paid in await disputed_vouchers(db, arguments.mutuelle):
            of = f"{paid.amount} of {paid.dated}, voucher {paid.shown_number}"
            lines.append(f"not received {paid.code} {of}, {paid.party}, recorded by {paid.proposer_name}")
        for one in await last_cash(db, arguments.mutuelle, now):
            if (one.recorded_on - one.on).days > LATE_AFTER_DAYS:
                late = f"recorded late {one.code} {one.amount} of {one.on}, only on {one.recorded_on}"
                by = f"{one.taken_by.role} {one.taken_by.name}"
                lines.append(f"{late}, household {shown_number(one.number)}, {by}")
    print("\n".join(lines or ["No collector holds cash, no receipt is contested, none was recorded late."]))
    return 0


async def close_case(arguments: argparse.Namespace) -> int:
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        closed = await close_dispute(
            db,
            arguments.mutuelle,
            arguments.receipt,
            by=By(arguments.actor, arguments.reason, datetime.now(UTC)),
        )
    if not closed:
        raise CommandError(f"nobody contests a receipt {arguments.receipt}")
    print("The contest is closed; the receipt stands.")
    return 0


async def cancel_receipt(arguments: argparse.Namespace) -> int:
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        found = await cancel_cash(
            db,
            arguments.mutuelle,
            arguments.receipt,
            by=By(arguments.actor, arguments.reason, datetime.now(UTC)),
        )
    print(f"The receipt of {found.amount} is taken back; the household is told by SMS.")
    return 0
