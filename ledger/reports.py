"""Reports: the trial balance, read from the movements themselves and nothing that could be stale."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.tables import entry


@dataclass(frozen=True)
class Line:
    """One account of a trial balance: the sums of its posted movements, in minor units."""

    mutuelle: str
    fund: str
    account: str
    currency: str
    debit: int
    credit: int


def account_sums(mutuelle: str | None, as_of: date | None) -> Select[str, str, str, int, int]:
    """The query behind every total: mutuelle, account, currency, debits, credits of what moved."""
    c = entry.c
    sums = (
        select(c.mutuelle_id, c.account, c.currency, func.sum(c.debit), func.sum(c.credit))
        .group_by(c.mutuelle_id, c.account, c.currency)
        .order_by(c.mutuelle_id, c.account, c.currency)
    )
    if mutuelle is not None:
        sums = sums.where(c.mutuelle_id == mutuelle)
    return sums if as_of is None else sums.where(c.effective_on <= as_of)


async def trial_balance(
    db: AsyncConnection, mutuelle: str | None = None, as_of: date | None = None
) -> list[Line]:
    """Every account that moved up to and including `as_of`, by mutuelle, fund and code.

    Within one mutuelle, fund and currency the debits are the credits.
    """
    rows = await db.execute(account_sums(mutuelle, as_of))
    return [
        Line(owner, account.partition(":")[0], account, currency, int(debits), int(credits))
        for owner, account, currency, debits, credits in rows
    ]
