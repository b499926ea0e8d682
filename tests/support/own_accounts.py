"""Balances that a mutuelle of the tests begins with: a bank, a box of a village, what it owes to a facility."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.accounts import Side, parse
from ledger.balances import balance
from ledger.book import Account, Journal, Movement, open_accounts
from mutuelle.posting import post_all
from tests.support.town import NOON


async def opens(
    pool: AsyncEngine, account: str, amount_minor: int, *, code: str = "BEN", at: datetime = NOON
) -> None:
    """Open an account with this balance on its normal side."""
    against = accounts.opening(parse(account).fund)
    pair = (account, against) if parse(account).kind.normal is Side.DEBIT else (against, account)
    journal = Journal(
        mutuelle=code,
        source="opening",
        key=account,
        kind="opening balances",
        effective_on=at.date(),
        actor="import",
        reason="balances of the paper books",
        movements=[Movement(*pair, amount_minor, "XOF")],
    )
    async with pool.begin() as db:
        await open_accounts(db, [Account(code, name, "XOF") for name in (account, against)])
        await post_all(db, [journal])


async def held(pool: AsyncEngine, account: str) -> int:
    """The account's debits less its credits, in minor units."""
    async with pool.connect() as db:
        return (await balance(db, "BEN", account)).net
