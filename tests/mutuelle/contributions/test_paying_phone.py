"""The phone that pays: its network is its owner's word, remembered of her own phone only."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money
from mobilemoney.networks import network_by_prefix
from mutuelle.contributions.payments import PayingPhone, PaymentWay, ask_payment, networks_said
from mutuelle.contributions.ways_to_pay import HowToPay, how_to_pay
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment
from talk.trouble import RefusedError
from tests.support.officer_acts import calling
from tests.support.town import AWA, NOON, found_town, join, operators_answer, unroute

PART = Money(3_000, "XOF")
BROTHER, TELECEL = "+22366000044", "+22350000001"  # of Moov and of Telecel by their prefixes
BY_ORANGE = PaymentWay("simulated", "simulated-ML-orange", "ML-orange")
BY_MOOV = PaymentWay("simulated", "simulated-ML-moov", "ML-moov")


async def route(pool: AsyncEngine, *networks: str) -> None:
    """The mutuelle's only routes are for these networks, each by an account of its own."""
    await unroute(pool)
    async with pool.begin() as db:
        routes = [Route(code, "simulated", f"simulated-{code}") for code in networks]
        await open_routes(db, await get_mutuelle(db, "BEN"), routes)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household, which owes all; phones of Orange and of Moov are asked."""
    await found_town(pool)
    household = await join(pool, AWA, at=NOON, cash=True)
    await route(pool, "ML-orange", "ML-moov")
    return household


async def asked(
    pool: AsyncEngine, household: Household, payer: PayingPhone, by: str = AWA
) -> tuple[str, str]:
    """The account and the network by which a payment is asked; it is then closed."""
    async with pool.begin() as db:
        reference = await ask_payment(db, calling(by), household, PART, payer)
        row = await db.execute(select(payment.c.account, payment.c.network).filter_by(reference=reference))
        await db.execute(text("update payment set state = 'FAILED'"))
        account, network = row.one()
        return account, network


async def said(pool: AsyncEngine, *phones: str) -> dict[str, str]:
    async with pool.connect() as db:
        return await networks_said(db, phones)


async def how(pool: AsyncEngine, household: Household, payer: str) -> HowToPay:
    async with pool.connect() as db:
        return await how_to_pay(db, calling(AWA), household, payer)


async def test_what_she_says_of_her_own_phone_is_remembered_and_taken_back(
    pool: AsyncEngine, household: Household
) -> None:
    assert await asked(pool, household, PayingPhone(AWA)) == ("simulated-ML-orange", "ML-orange")
    assert await said(pool, AWA) == {}
    assert await asked(pool, household, PayingPhone(AWA, "ML-moov")) == ("simulated-ML-moov", "ML-moov")
    assert await said(pool, AWA) == {AWA: "ML-moov"}
    assert await asked(pool, household, PayingPhone(AWA)) == ("simulated-ML-moov", "ML-moov")
    assert (await how(pool, household, AWA)).way == BY_MOOV
    await asked(pool, household, PayingPhone(AWA, "ML-orange"))
    assert await said(pool, AWA) == {}, "its prefix says it"


async def test_what_she_says_of_another_phone_counts_for_this_payment_only(
    pool: AsyncEngine, household: Household
) -> None:
    by_orange = await asked(pool, household, PayingPhone(BROTHER, "ML-orange"))
    assert by_orange == ("simulated-ML-orange", "ML-orange")
    assert await said(pool, BROTHER) == {}
    assert (await how(pool, household, BROTHER)).way == BY_MOOV


async def test_a_network_without_a_route_is_not_taken(pool: AsyncEngine, household: Household) -> None:
    with pytest.raises(RefusedError, match="cannot pay here"):
        await asked(pool, household, PayingPhone(AWA, "ML-telecel"))
    assert await said(pool, AWA) == {}


async def test_a_phone_can_be_asked_as_one_of_the_networks_that_have_a_route(
    pool: AsyncEngine, household: Household
) -> None:
    assert await how(pool, household, AWA) == HowToPay(AWA, BY_ORANGE, None, (BY_MOOV,))
    telecel = await how(pool, household, TELECEL)
    assert (telecel.way, telecel.others, telecel.cash is None) == (None, (BY_MOOV, BY_ORANGE), False)
    assert telecel.on("ML-moov") == HowToPay(TELECEL, BY_MOOV, None, said="ML-moov", instead=telecel.cash)
    abroad = await how(pool, household, "+2250707070701")
    assert (abroad.way, abroad.others) == (None, ())


async def test_who_takes_cash_is_known_wherever_the_phone_could_be_asked_in_vain(
    pool: AsyncEngine, household: Household
) -> None:
    await operators_answer(pool, answer=False, account="simulated-ML-moov")
    by_moov = (await how(pool, household, AWA)).on("ML-moov")
    assert by_moov.is_silent
    assert by_moov.instead
    assert by_moov.by_cash == HowToPay(AWA, None, by_moov.instead)
    await operators_answer(pool, answer=True, account="simulated-ML-moov")
    assert (await how(pool, household, AWA)).instead is None, "nobody in office is read"


async def test_where_one_route_serves_the_country_nothing_is_asked(
    pool: AsyncEngine, household: Household
) -> None:
    await route(pool, "ML")
    assert (await how(pool, household, AWA)).others == ()
    assert (await how(pool, household, TELECEL)).others == ()
    await route(pool, "ML-moov")
    assert (await how(pool, household, BROTHER)).others == ()
    only = await how(pool, household, AWA)
    assert (only.way, only.others) == (None, (BY_MOOV,)), "she may have moved there"


async def test_a_route_of_the_whole_country_is_for_every_network_without_one(
    pool: AsyncEngine, household: Household
) -> None:
    await route(pool, "ML", "ML-moov")
    anywhere = PaymentWay("simulated", "simulated-ML", "ML-orange")
    found = await how(pool, household, AWA)
    assert found.way == anywhere
    assert [way.network for way in found.others] == ["ML-moov", "ML-telecel"]
    assert network_by_prefix(TELECEL) == "ML-telecel"
    assert (await how(pool, household, TELECEL)).way == PaymentWay("simulated", "simulated-ML", "ML-telecel")
