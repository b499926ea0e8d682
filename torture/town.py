"""The invented mutuelle of the proofs, founded like any other."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.engine import transaction
from ledger.positions import mark_now
from mutuelle.dates import add_months
from mutuelle.founding.founding import (
    appoint_officers,
    found_mutuelle,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.founding.rules import Route, Sale
from mutuelle.schedules.digest.digest import DIGEST
from mutuelle.schedules.schedules import NewSchedule, add_schedule
from mutuelle.scheme.mutuelles import Mutuelle, Officer, Place
from mutuelle.scheme.products import Product
from timing import Clock

DAN = Mutuelle(
    id="DAN",
    prefix=187,
    name="Mutuelle Danaya",
    town="Koulikoro",
    country="ML",
    currency="XOF",
    timezone="Africa/Bamako",
    complaints_phone="+22379870009",
    benefits="75 % des soins au centre de santé",
)
PLACES = [Place(DAN.id, "kola", "Kola"), Place(DAN.id, "tienfala", "Tienfala")]
TREASURERS = [
    Officer("treasurer", "+22379870008", "Sira Traoré"),
    Officer("treasurer", "+22379870007", "Bakary Sangaré"),
    Officer("treasurer", "+22379870006", "Kadiatou Cissé"),
]
FAMILY = Product(
    mutuelle_id=DAN.id,
    code="FAM",
    version=1,
    name="Famille",
    currency=DAN.currency,
    lump_sum_minor=12_000,
    threshold=6,
    max_members=12,
    premium_adult_minor=3_000,
    premium_child_minor=1_500,
    age_of_majority=18,
    registration_fee_minor=0,
    insurance_period_months=12,
    waiting_period_months=1,
    grace_period_payment_months=3,
    grace_period_renewal_months=1,
    partial_cover_threshold_percent=50,
    max_installments=4,
    amount_step_minor=100,
)
# Every two minutes of the treasurers' calendar: twelve seconds of the clock where waits are divided by ten.
DIGESTS, DIGEST_STEP_S = "*/2 * * * *", 120


def phone_of(nth: int) -> str:
    """The phone of the `nth` caller, from 0."""
    return f"+2237987{1000 + nth:04}"


async def found(owner_url: str, time_scale: float) -> None:
    """Found the mutuelle; its payments are asked for by the simulated operator, its digests begin at once."""
    now = datetime.now(UTC)
    opened_on = add_months(DAN.today(now), -6)
    async with transaction(owner_url) as db:
        await found_mutuelle(db, DAN, at=now)
        await serve_places(db, DAN, PLACES)
        await sell_products(db, DAN, [Sale(FAMILY, opened_on)])
        await appoint_officers(db, DAN, TREASURERS, since=opened_on, at=now)
        await open_routes(db, DAN, [Route("ML", "simulated")])
        await _begin_digests(db, Clock.at(now, time_scale))


async def _begin_digests(db: AsyncConnection, clock: Clock) -> None:
    """Give every treasurer a line of the calendar that is due within the proof, again and again."""
    for treasurer in TREASURERS:
        new = NewSchedule(DAN.id, DIGEST, treasurer.phone, DIGESTS, DAN.timezone)
        await add_schedule(db, new, clock, mark=await mark_now(db))
    # As if each treasurer had chosen it; the hour of the mutuelle would take the place of any other.
    await db.execute(text("update schedule set is_chosen = true"))
