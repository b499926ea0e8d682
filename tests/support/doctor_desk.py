"""Makes and checks care codes for the tests with the menus' actions, at the test's time."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Sentence, render
from mutuelle.acts import By
from mutuelle.care.cards import PrintedCard, print_card
from mutuelle.care.codes import NewCode, make_code
from mutuelle.care.eligibility import check_cover
from mutuelle.care.tables import care_card
from mutuelle.households.households import Household
from talk.answers import Secret
from talk.keyring import Keyring
from talk.words import Caller
from tests.support.clinic import DR_ROKIA
from tests.support.town import AWA, NOON, found_town, join, paid
from tests.support.town_fixtures import KEYS

SEALS = Keyring(KEYS)


def calling(phone: str, at: datetime = NOON, *, gateway: str = "test", keyring: Keyring = SEALS) -> Caller:
    return Caller(phone, "fr", gateway, f"call of {phone} {at}", at, keyring)


async def covered_household(pool: AsyncEngine, *, founded: bool = False) -> Household:
    """Awa's household, covered for a month, in the usual town with its doctor (`founded`: the town exists)."""
    if not founded:
        await found_town(pool)
    joined = NOON - timedelta(days=60)
    household = await join(pool, AWA, at=joined)
    await paid(pool, household, at=joined)
    return household


async def make(
    pool: AsyncEngine, household: Household, *, at: datetime = NOON, rank: int = 1, phone: str = AWA
) -> str:
    """The care code on the member's screen."""
    async with pool.begin() as db:
        made = await make_code(db, calling(phone, at), number=household.number, rank=rank)
    assert isinstance(made, NewCode)
    return str(made.words)


async def ask(
    db: AsyncConnection,
    number: str,
    code: str,
    *,
    at: datetime = NOON,
    phone: str = DR_ROKIA,
    keyring: Keyring = SEALS,
    gateway: str = "test",
) -> Sentence:
    """The answer to the doctor, in its own transaction."""
    caller = calling(phone, at, gateway=gateway, keyring=keyring)
    return await check_cover(db, caller, number=number, proof=Secret(code))


async def check(
    pool: AsyncEngine,
    number: str,
    code: str,
    *,
    at: datetime = NOON,
    phone: str = DR_ROKIA,
    gateway: str = "test",
    service: str = "",
    facility_id: str = "",
) -> str:
    """The text that the doctor reads, in French."""
    said = {"service": service, "facility_id": facility_id}
    async with pool.begin() as db:
        caller = calling(phone, at, gateway=gateway)
        return render(await check_cover(db, caller, number=number, proof=Secret(code), **said), "fr")


async def new_card(pool: AsyncEngine, household: Household, *, at: datetime = NOON) -> PrintedCard:
    """A card that was printed and not yet handed over."""
    async with pool.begin() as db:
        return await print_card(db, SEALS, household.number, By("a test", "printed", at))


async def give_card(pool: AsyncEngine, household: Household, *, at: datetime = NOON) -> tuple[str, ...]:
    """The codes of a card in the household's hands."""
    printed = await new_card(pool, household, at=at)
    async with pool.begin() as db:
        is_card = (care_card.c.number == household.number) & (care_card.c.card == printed.card)
        handed = {"handed_at": at, "handed_by": "+22376000007"}
        await db.execute(update(care_card).where(is_card).values(**handed))
    return tuple(str(code) for code in printed.codes)


def other_than(code: str) -> str:
    """A wrong code."""
    return f"{(int(code) + 1) % 1_000_000:06}"
