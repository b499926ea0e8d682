"""A book of two mutuelles with everything that an export, a witness or a report may meet."""

from dataclasses import replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.book import Account, Origin, Phase, Voucher, open_accounts
from ledger.folding import catch_up
from ledger.periods import close_period
from ledger.transfers import Transfer, transfer
from tests.support.ledger_scene import (
    AWA,
    CHART,
    FLOAT,
    MOUSSA,
    SIK,
    TODAY,
    TRANSPORT_BANK,
    TRANSPORT_CASH,
    TRANSPORT_INCOME,
    YESTERDAY,
    called,
    hold,
    journal,
    mirror,
    move,
    paid,
    posted,
    resolve,
)

ATA = "ATA"
AWKWARD = 'wrong "phone" \\ ; a comment | a payee, (code) = 5 @ 3 é œ \u00a0 {x} #tag ^link'
LATE_FOR, CLOSED_THROUGH = date(2026, 10, 15), date(2026, 10, 31)
EURO_CODES = ("health:float:simulated-eur", "health:suspense:simulated-eur")


async def live(pool: AsyncEngine) -> None:
    """Contribution calls, part payments, a reversal, reservations, transfers, euros, a closed period, a late journal.

    The last journals are not folded.
    """
    async with pool.begin() as db:
        await open_accounts(db, [Account(ATA, account.code, "XOF") for account in CHART])
        await open_accounts(db, [Account(SIK, code, "EUR") for code in EURO_CODES])
    wrong, reserved = paid("2", MOUSSA, 500), hold(AWA, FLOAT, 70)
    held = journal("5", reserved)
    elsewhere = replace(paid("1", amount_minor=41), mutuelle=ATA)
    await posted(pool, paid("before", MOUSSA, 3000, effective_on=LATE_FOR))
    async with pool.begin() as db:
        why = {"source": "period", "key": "october", "actor": "treasurer", "reason": "October is counted"}
        closed = await close_period(db, SIK, CLOSED_THROUGH, Origin(**why))
    assert closed.stands
    await posted(
        pool, called("1"), wrong, mirror("3", wrong), paid("4", effective_on=YESTERDAY), held, elsewhere
    )
    await posted(
        pool, journal("6", resolve(Phase.POST, reserved, held.id, 30)), journal("9", hold(AWA, FLOAT, 5))
    )
    await posted(pool, journal("7", move(TRANSPORT_CASH, TRANSPORT_INCOME, 300), move(AWA, FLOAT, 8)))
    assert await catch_up(pool, SIK)
    await posted(pool, replace(paid("8"), reason=AWKWARD, actor="+223…0001", kind="cash receipt"))
    await posted(pool, paid("late", MOUSSA, 700, effective_on=LATE_FOR))
    await posted(pool, journal("eur", move(*EURO_CODES, 1050, "EUR")))
    lent = Voucher(SIK, "lent", "1", "transfer", TODAY, "treasurer", "lent for a journey")
    async with pool.begin() as db:
        done = await transfer(db, lent, Transfer(TRANSPORT_CASH, FLOAT, 120, "XOF"))
    assert done.stands
    await posted(pool, journal("bank", move(TRANSPORT_BANK, TRANSPORT_CASH, 60)))
