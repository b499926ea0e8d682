"""`keneya unmatched`: money whose owner is not known, by age, of one mutuelle or of all."""

import argparse
import json
import sys
from datetime import UTC, datetime

from commands.command import Commands, command, database, expect_mutuelle, of_mutuelle
from mutuelle.households.holders import masked
from mutuelle.scheme.mutuelles import get_mutuelles
from mutuelle.treasury.unmatched.money import MOST_LISTED, Unmatched, unmatched_money


def add(commands: Commands) -> None:
    unmatched = command(
        commands,
        "unmatched",
        list_unmatched,
        "print money whose owner is not known, the oldest first; exit 0",
    )
    of_mutuelle(unmatched)
    unmatched.add_argument("--json", action="store_true", help="one object a sum, for a program")


async def list_unmatched(arguments: argparse.Namespace) -> int:
    """Print a line for each sum, and their number; two treasurers decide about it by phone (My work, 8, 8)."""
    await expect_mutuelle(arguments.mutuelle)
    now = datetime.now(UTC)
    async with database() as db:
        found = await unmatched_money(db, arguments.mutuelle)
        mutuelles = await get_mutuelles(db, sorted({one.mutuelle_id for one in found}))
    rows = [_row(one, one.days(mutuelles[one.mutuelle_id].today(now))) for one in found]
    for row in rows:
        print(json.dumps(row, ensure_ascii=False) if arguments.json else _line(row))
    if len(rows) == MOST_LISTED:
        print(f"only the {MOST_LISTED} oldest are shown", file=sys.stderr)
    if not arguments.json:
        print(_waiting(len(rows)))
    return 0


def _waiting(count: int) -> str:
    if not count:
        return "No money waits for its owner."
    return f"{count} sums wait for their owner." if count > 1 else "1 sum waits for its owner."


def _row(one: Unmatched, days: int) -> dict[str, object]:
    """The payer's phone is masked: what is printed may lie on a desk."""
    return {
        "mutuelle": one.mutuelle_id,
        "day": one.on.isoformat(),
        "days": days,
        "amount": one.amount.amount_minor,
        "currency": one.amount.currency,
        "account": one.account.rpartition(":")[2],
        "payer": masked(one.payer) if one.payer else "",
        "reference": one.reference,
        "key": one.key_of_journal,
        "note": one.note,
    }


def _line(row: dict[str, object]) -> str:
    of = f"{row['mutuelle']} {row['day']} {row['days']:>4} days {row['amount']:>9} {row['currency']}"
    return f"{of} {row['account']} {row['payer']} {row['reference']} {row['note']}".rstrip()
