"""What officers do in the tests, through the deeds of the menus."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from locales import Money, Sentence
from mutuelle.checks import CHECKS
from mutuelle.households import Household
from mutuelle.staff.cash import Recorded, deposit_cash, receive_cash
from mutuelle.staff.proposals import APPROVED, GIVE, answer_proposal, proposals_for, propose
from mutuelle.staff.purses import Purse, purses_of_collectors
from mutuelle.staff.roles import Role, offices_of_phone
from mutuelle.staff.waivers import propose_waiver
from mutuelle.standing import standing
from sms.tables import outbox
from talk.answers import Secret
from talk.words import Caller, Consent
from tests.staff import FANTA, ISSA, OUMOU, PIN, SEALS
from tests.town import NOON

AGREED = Consent("agreed in a test")
OWED = Money(4_000, "XOF")  # what a waiver is of, as a rule


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
            what=what,
            role=role,
            phone=phone,
            name=name,
            facility_id=facility_id,
            languages=languages,
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
    """Answer the oldest proposal that this treasurer is shown, or one by its id."""
    async with pool.begin() as db:
        found = proposal or (await proposals_for(db, calling(by, at), "BEN"))[0].id
        return await answer_proposal(
            db,
            calling(by, at),
            mutuelle="BEN",
            proposal=found,
            answer=answer,
            pin=Secret(pin),
            agreed=AGREED,
        )


async def receives(
    pool: AsyncEngine,
    home: Household,
    amount_minor: int,
    *,
    by: str = OUMOU,
    pin: str = PIN,
    at: datetime = NOON,
    days_ago: int = 0,
) -> Recorded | Sentence:
    """The collector records cash, received so many days ago, for what the household owes at that moment."""
    async with pool.begin() as db:
        stands = await standing(db, home, at)
        return await receive_cash(
            db,
            calling(by, at),
            mutuelle="BEN",
            number=home.number,
            amount=Money(amount_minor, "XOF"),
            payable=stands.payable,
            credit=stands.credit,
            product=stands.payable_product.code,
            version=stands.payable_product.version,
            renews=stands.renews,
            received_on=stands.mutuelle.today(at) - timedelta(days=days_ago),
            pin=Secret(pin),
            agreed=AGREED,
        )


async def deposits(
    pool: AsyncEngine, amount_minor: int, *, to: str = FANTA, pin: str = PIN, at: datetime = NOON
) -> Purse | Sentence:
    """The treasurer takes cash from the only collector who holds some."""
    async with pool.begin() as db:
        (purse,) = await purses_of_collectors(db, "BEN")
        return await deposit_cash(
            db,
            calling(to, at),
            mutuelle="BEN",
            holder=purse.holder,
            amount=replace(purse.held, amount_minor=amount_minor),
            held=purse.held,
            pin=Secret(pin),
            agreed=AGREED,
        )


async def proposes_waiver(
    pool: AsyncEngine,
    home: Household,
    *,
    by: str = FANTA,
    amount: Money = OWED,
    pin: str = PIN,
    reason: str = "moved away",
    at: datetime = NOON,
) -> Sentence | None:
    """A treasurer proposes to waive what the household owes for its first year."""
    async with pool.begin() as db:
        return await propose_waiver(
            db,
            calling(by, at),
            mutuelle="BEN",
            number=home.number,
            sequence=1,
            amount=amount,
            reason=reason,
            pin=Secret(pin),
            agreed=AGREED,
        )


async def roles_of(pool: AsyncEngine, phone: str, at: datetime = NOON) -> list[Role]:
    async with pool.connect() as db:
        return [office.role for office in await offices_of_phone(db, phone, at)]


async def broken(pool: AsyncEngine) -> set[str]:
    """The invariants that do not hold, with what breaks them."""
    async with pool.connect() as db:
        return {
            f"{found.invariant.name}: {found.offenders}"
            for found in await examine(db, CHECKS)
            if not found.holds
        }


async def templates(pool: AsyncEngine, phone: str) -> list[str]:
    """The kinds of messages written to a phone, the oldest first."""
    async with pool.connect() as db:
        mine = select(outbox.c.template).where(outbox.c.phone == phone)
        return list(await db.scalars(mine.order_by(outbox.c.recorded_at, outbox.c.template)))
