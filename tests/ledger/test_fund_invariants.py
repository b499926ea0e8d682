"""Funds are kept apart: a transfer leaves each of them balanced, and the two sides of it are one figure."""

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger import accounts
from ledger.balances import balance
from ledger.book import Account, Voucher, open_accounts
from ledger.invariants.book import INVARIANTS
from ledger.invariants.funds import FUNDS
from ledger.transfers import Transfer, transfer
from tests.support.ledger_scene import SIK, TODAY

BANK = accounts.bank("bms")
OTHERS = (accounts.TRANSPORT, accounts.TONTINE, accounts.LOANS, accounts.GRANTS)


def voucher(key: str) -> Voucher:
    return Voucher(SIK, "desk", key, "transfer", TODAY, "treasurer", "agreed by two")


async def broken(db: AsyncConnection) -> list[str]:
    checks = [check for check in INVARIANTS if check.name == "ledger_fund_balances"]
    return [offender for found in await examine(db, [*FUNDS, *checks]) for offender in found.offenders]


async def test_every_fund_gives_to_every_other_and_balances_alone(pool: AsyncEngine) -> None:
    funds = (accounts.HEALTH, *OTHERS)
    async with pool.begin() as db:
        await open_accounts(db, [Account(SIK, accounts.bank("bms", fund), "XOF") for fund in funds])
        for giver in funds:
            for taker in funds:
                if giver != taker:
                    banks = (accounts.bank("bms", giver), accounts.bank("bms", taker))
                    order = Transfer(*banks, 10 + len(giver), "XOF")
                    posted = await transfer(db, voucher(f"{giver} {taker}"), order)
                    assert posted.stands, posted.reason
        assert await broken(db) == []
        owed = await balance(db, SIK, accounts.interfund(accounts.TRANSPORT, accounts.HEALTH))
        owing = await balance(db, SIK, accounts.interfund(accounts.HEALTH, accounts.TRANSPORT))
    assert (owed.debits, owed.credits) == (owing.credits, owing.debits) == (16, 19)
