"""`keneya grants`: restricted grants of a mutuelle for their donors: what came, what it was spent for, what is left."""

import argparse

from commands.command import Commands, command, database, expect_mutuelle, of_mutuelle
from mutuelle.treasury.own_money import grants_of
from mutuelle.treasury.tables import voucher
from mutuelle.treasury.vouchers import VoucherKind, vouchers_where


def add(commands: Commands) -> None:
    grants = command(
        commands,
        "grants",
        list_grants,
        "print each restricted grant: received, spent voucher by voucher, left",
    )
    of_mutuelle(grants, required=True)


async def list_grants(arguments: argparse.Namespace) -> int:
    """Print a line for each grant, and below it one for each voucher of it; exit 0."""
    await expect_mutuelle(arguments.mutuelle)
    lines: list[str] = []
    async with database() as db:
        of_grants = await vouchers_where(db, arguments.mutuelle, voucher.c.of_grant.is_not(None))
        for grant in await grants_of(db, arguments.mutuelle):
            sums = f"received {grant.received}, spent {grant.spent}, left {grant.left}"
            lines.append(f"{grant.donor}, {grant.purpose}: {sums}")
            for one in of_grants:
                if str(one.of_grant) == grant.key:
                    what = one.debit if one.kind is VoucherKind.EXPENSE else one.credit
                    back = ", taken back" if one.is_reversed else ""
                    said = f"{one.party}, {one.reason}{back}"
                    lines.append(
                        f"  {one.dated} {one.number:>5}/{one.year} {one.kind:<10} {one.amount!s:>12} {what}: {said}"
                    )
    print("\n".join(lines or ["There is no restricted grant."]))
    return 0
