"""`keneya payers`: who pays for others, under which regimes, and for how many households."""

import argparse
from datetime import UTC, datetime

from sqlalchemy import select

from commands.command import Commands, command, database, expect_mutuelle, of_mutuelle
from locales import Money
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.regimes import household_regimes, payers_of, regime_on, regimes_of
from mutuelle.tables import household
from mutuelle.treasury.own_money import owed_to_us


def add(commands: Commands) -> None:
    of_mutuelle(
        command(commands, "payers", print_payers, "print who pays for others, and for how many households"),
        required=True,
    )


async def print_payers(arguments: argparse.Namespace) -> int:
    """Print each payer with what it owes, and each row of its regimes with the households of today."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        mutuelle = await get_mutuelle(db, arguments.mutuelle)
        today = mutuelle.today(datetime.now(UTC))
        payers, rows = await payers_of(db, mutuelle.id), await regimes_of(db, mutuelle.id)
        owed = {one.name: one.amount for one in await owed_to_us(db, mutuelle.id)}
        open_ones = select(household.c.number).where(
            household.c.mutuelle_id == mutuelle.id, household.c.closed_at.is_(None)
        )
        numbers = set(await db.scalars(open_ones))
        changes = await household_regimes(db, mutuelle.id, None)
    in_force = [regime_on(of, today) for number, of in changes.items() if number in numbers]
    if not payers:
        print("nobody pays for others: payeurs.csv says who does (keneya import)")
    for payer in payers:
        owes = owed.get(payer.name, Money(0, mutuelle.currency))
        print(f"{payer.name} ({payer.code}, {payer.kind}): owes {owes}")
        for row in rows:
            if row.payer == payer.code:
                count = in_force.count(row)
                print(f"  {row.name:<16} {row.percent:>3} % since {row.since}, households today: {count}")
    return 0
