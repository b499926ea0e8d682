"""The invented mutuelle of the proofs, founded like any other."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mutuelle.charter import Route, Sale
from mutuelle.dates import add_months
from mutuelle.founding import appoint_officers, found_mutuelle, open_routes, sell_products, serve_places
from mutuelle.mutuelles import Mutuelle, Officer, Place
from mutuelle.products import Product

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
TREASURER = Officer("treasurer", "+22379870008", "Sira Traoré")
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


def phone_of(nth: int) -> str:
    """The phone of the `nth` caller, from 0."""
    return f"+2237987{1000 + nth:04}"


async def found(owner_url: str) -> None:
    """Found the mutuelle; its payments are asked for by the simulated operator."""
    now = datetime.now(UTC)
    opened_on = add_months(DAN.today(now), -6)
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as db:
            await found_mutuelle(db, DAN, at=now)
            await serve_places(db, DAN, PLACES)
            await sell_products(db, DAN, [Sale(FAMILY, opened_on)])
            await appoint_officers(db, DAN, [TREASURER], since=opened_on)
            await open_routes(db, DAN, [Route("ML", "simulated")])
    finally:
        await engine.dispose()
