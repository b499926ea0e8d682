"""Acts of officers in the tests, with the menus' actions."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from locales import Money, Sentence
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from mutuelle.invariants import INVARIANTS
from mutuelle.officers.joint_acts import APPROVED, NewJointAct, acts_to_sign, answer_act, propose
from mutuelle.officers.role_changes import GIVE, role_change
from mutuelle.officers.roles import NewOfficer, Role, appointments_of_phone
from mutuelle.treasury.cash import CashDeposit, CashGiven, Recorded, deposit_cash, receive_cash
from mutuelle.treasury.cash_in_hand import CashInHand, collectors_cash_in_hand
from mutuelle.treasury.waivers import WAIVER
from sms.tables import outbox
from talk.answers import Secret
from talk.words import Caller, Consent
from tests.support.officers import FANTA, ISSA, OUMOU, PIN, SEALS
from tests.support.town import NOON

AGREED = Consent("agreed in a test")
OWED = Money(4_000, "XOF")  # the usual amount of a waiver


def calling(phone: str, at: datetime = NOON) -> Caller:
    return Caller(phone, "fr", "test", "a call", at, SEALS)


async def proposes(
    pool: AsyncEngine,
    *,
    by: str = FANTA,
    what: str = GIVE,
    role: Role = Role.COLLECTOR,
    phone: str = OUMOU,
    name: str = "Oumou Traoré",
    facility_id: str | None = None,
    languages: tuple[str, ...] = (),
    pin: str = PIN,
    at: datetime = NOON,
) -> Sentence | None:
    async with pool.begin() as db:
        return await propose(
            db,
            calling(by, at),
            mutuelle="BEN",
            proposal=role_change(what, NewOfficer(role, phone, name, facility_id, languages)),
            pin=Secret(pin),
            agreed=AGREED,
        )


async def answers(
    pool: AsyncEngine,
    *,
    by: str = ISSA,
    answer: str = APPROVED,
    proposal: str | None = None,
    pin: str = PIN,
    at: datetime = NOON,
) -> Sentence | None:
    """Answer the oldest proposal that this treasurer sees, or the one with this id."""
    async with pool.begin() as db:
        found = proposal or (await acts_to_sign(db, calling(by, at), "BEN"))[0].id
        return await answer_act(
            db, calling(by, at), mutuelle="BEN", proposal=found, answer=answer, pin=Secret(pin)
        )


async def receives(
    pool: AsyncEngine,
    household: Household,
    amount_minor: int,
    *,
    by: str = OUMOU,
    pin: str = PIN,
    at: datetime = NOON,
    days_ago: int = 0,
) -> Recorded | Sentence:
    """The collector records cash for the household's dues, received so many days ago."""
    async with pool.begin() as db:
        stands = await standing(db, household, at)
        return await receive_cash(
            db,
            calling(by, at),
            mutuelle="BEN",
            cash=CashGiven(
                household.number,
                Money(amount_minor, "XOF"),
                stands.mutuelle.today(at) - timedelta(days=days_ago),
            ),
            terms=stands.payment_terms,
            pin=Secret(pin),
        )


async def deposits(
    pool: AsyncEngine, amount_minor: int, *, to: str = FANTA, pin: str = PIN, at: datetime = NOON
) -> CashInHand | Sentence:
    """The treasurer receives cash from the only collector with cash in hand."""
    async with pool.begin() as db:
        (cash_in_hand,) = await collectors_cash_in_hand(db, "BEN")
        return await deposit_cash(
            db,
            calling(to, at),
            mutuelle="BEN",
            deposit=CashDeposit(
                cash_in_hand.holder, replace(cash_in_hand.held, amount_minor=amount_minor), cash_in_hand.held
            ),
            pin=Secret(pin),
        )


async def proposes_waiver(
    pool: AsyncEngine,
    household: Household,
    *,
    by: str = FANTA,
    amount: Money = OWED,
    pin: str = PIN,
    reason: str = "moved away",
    at: datetime = NOON,
) -> Sentence | None:
    """A treasurer proposes to waive the household's debt for its first year."""
    async with pool.begin() as db:
        facts = {
            "number": household.number,
            "sequence": 1,
            "amount_minor": amount.amount_minor,
            "currency": amount.currency,
        }
        return await propose(
            db,
            calling(by, at),
            mutuelle="BEN",
            proposal=NewJointAct(WAIVER.name, facts, reason),
            pin=Secret(pin),
            agreed=AGREED,
        )


async def roles_of(pool: AsyncEngine, phone: str, at: datetime = NOON) -> list[Role]:
    async with pool.connect() as db:
        return [appointment.role for appointment in await appointments_of_phone(db, phone, at)]


async def broken(pool: AsyncEngine) -> set[str]:
    """The broken invariants, with their offenders."""
    async with pool.connect() as db:
        return {
            f"{found.invariant.name}: {found.offenders}"
            for found in await examine(db, INVARIANTS)
            if not found.holds
        }


async def templates(pool: AsyncEngine, phone: str) -> list[str]:
    """The templates of the messages to a phone, oldest first."""
    async with pool.connect() as db:
        mine = select(outbox.c.template).where(outbox.c.phone == phone)
        return list(await db.scalars(mine.order_by(outbox.c.recorded_at, outbox.c.template)))
