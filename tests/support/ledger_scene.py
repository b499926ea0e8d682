"""The mutuelle of the ledger's tests: two households, one operator, two funds."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts
from ledger.book import Account, Journal, Movement, Phase, Posted, Reservation, open_accounts, post

SIK = "SIK"
TODAY = date(2026, 11, 22)
YESTERDAY = date(2026, 11, 21)

AWA = accounts.member("101482937")
MOUSSA = accounts.member("101482945")
FLOAT = accounts.collections("simulated-ML")
SUSPENSE = accounts.suspense("simulated-ML")
CONTRIBUTIONS = accounts.contributions()
TRANSPORT_CASH = accounts.cash("office", accounts.TRANSPORT)
TRANSPORT_BANK = accounts.bank("bms", accounts.TRANSPORT)
TRANSPORT_INCOME = accounts.contributions(accounts.TRANSPORT)
DOUALA_CASH = accounts.cash("douala")  # these two are in XAF, all others in XOF
DOUALA_BANK = accounts.bank("douala")

CHART = (
    *(Account(SIK, code, "XOF") for code in (AWA, MOUSSA, FLOAT, SUSPENSE, CONTRIBUTIONS)),
    *(Account(SIK, code, "XOF") for code in (TRANSPORT_CASH, TRANSPORT_BANK, TRANSPORT_INCOME)),
    *(Account(SIK, code, "XAF") for code in (DOUALA_CASH, DOUALA_BANK)),
)


def move(debit: str, credit: str, amount_minor: int, currency: str = "XOF") -> Movement:
    return Movement(debit, credit, amount_minor, currency)


def hold(debit: str, credit: str, amount_minor: int) -> Movement:
    return Movement(debit, credit, amount_minor, "XOF", Phase.PENDING)


def resolve(phase: Phase, held: Movement, journal_id: UUID, amount_minor: int | None = None) -> Movement:
    """A movement that posts or voids the reservation `held`, the first movement of `journal_id`."""
    amount = held.amount_minor if amount_minor is None else amount_minor
    return Movement(held.debit, held.credit, amount, "XOF", phase, Reservation(journal_id, 1))


def journal(
    key: str, *movements: Movement, effective_on: date = TODAY, reverses: UUID | None = None
) -> Journal:
    return Journal(
        mutuelle=SIK,
        source="payment",
        key=key,
        kind="receipt",
        effective_on=effective_on,
        actor="worker",
        reason="paid by mobile money",
        movements=movements,
        reverses=reverses,
        memo={"payment": "6f1c"},
    )


def called(key: str, member: str = AWA, amount_minor: int = 6000) -> Journal:
    return journal(key, move(member, CONTRIBUTIONS, amount_minor))


def paid(key: str, member: str = AWA, amount_minor: int = 2000, effective_on: date = TODAY) -> Journal:
    return journal(key, move(FLOAT, member, amount_minor), effective_on=effective_on)


def mirror(key: str, original: Journal) -> Journal:
    swapped = (move(m.credit, m.debit, m.amount_minor, m.currency) for m in original.movements)
    return journal(key, *swapped, reverses=original.id)


async def open_chart(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await open_accounts(db, CHART)


async def posted(pool: AsyncEngine, *journals: Journal) -> list[Posted]:
    """Post in its own transaction, and commit."""
    async with pool.begin() as db:
        return await post(db, journals)


async def count(db: AsyncConnection, table: str) -> int:
    number = await db.scalar(text(f"select count(*) from ledger.{table}"))
    assert isinstance(number, int)
    return number


def verdicts(answers: Sequence[Posted]) -> list[str]:
    """Each answer as `created` or `refused: reason`."""
    return [a.verdict if a.reason is None else f"{a.verdict}: {a.reason}" for a in answers]
