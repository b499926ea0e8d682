"""Transfers between funds: the only way in which money of one fund reaches another.

Each fund books its own side against its inter-fund account with the other, and balances alone. What one fund is owed
equals what the other owes: the posting function demands it of every journal.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import interfund, parse
from ledger.book import Account, Movement, Posted, Voucher, open_accounts, post


@dataclass(frozen=True)
class Transfer:
    """`amount_minor` out of account `source` of one fund into account `target` of another, in one currency.

    ValueError: a code is misspelt, or both accounts belong to one fund (a plain movement does that).
    """

    source: str
    target: str
    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if parse(self.source).fund == parse(self.target).fund:
            raise ValueError(f"{self.source} and {self.target} belong to one fund")

    def movements(self) -> tuple[Movement, Movement]:
        """One movement in each fund: the giving fund is owed the amount, the receiving fund owes it."""
        giver, taker = parse(self.source).fund, parse(self.target).fund
        return (
            Movement(interfund(taker, giver), self.source, self.amount_minor, self.currency),
            Movement(self.target, interfund(giver, taker), self.amount_minor, self.currency),
        )


async def transfer(db: AsyncConnection, voucher: Voucher, order: Transfer) -> Posted:
    """Open the missing inter-fund accounts and post the transfer as one journal.

    Refused as any journal; `balance_too_low` if the giving account has a limit and too little.
    """
    gives, takes = order.movements()
    pair = [Account(voucher.mutuelle, code, order.currency) for code in (gives.debit, takes.credit)]
    await open_accounts(db, pair)
    [posted] = await post(db, [voucher.journal([gives, takes])])
    return posted
