"""Paying by the operator of a phone: the code that some networks give before, and what can be moved at once."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from locales import Money
from mobilemoney import OperatorAnswer, Outcome, simulated
from mobilemoney.operator import AmountLimits
from mutuelle.contributions.collection import UNSENT_FOR, Round, collect
from mutuelle.contributions.payments import PayingPhone, PaymentWay, ask_payment
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment
from sms.tables import outbox
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.mutuelle.contributions.test_collection import Operator
from tests.support.officer_acts import calling
from tests.support.operators import connected_to
from tests.support.town import AWA, NOON, Clock, Handset, join, paid
from tests.test_privacy import tables_with
from ussd import calls

SON, CODE = "+2250707070701", "41800273"
ACCOUNT = "paydunya-CI-orange"
SOON = timedelta(seconds=5)


@pytest.fixture
async def household(ussd_deps: calls.UssdDeps, pool: AsyncEngine) -> Household:
    """Awa's household, half paid; phones of Orange in Abidjan pay with a code."""
    household = await join(pool, AWA, at=NOON, pay_minor=3_000)
    await paid(pool, household, at=NOON)
    async with pool.begin() as db:
        await open_routes(db, await get_mutuelle(db, "BEN"), [Route("CI-orange", "paydunya", ACCOUNT)])
    return household


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def round_(pool: AsyncEngine, operator: Operator, clock: Clock) -> Round:
    accounts = connected_to(operator, ("BEN", ACCOUNT))
    return Round(pool, ["paydunya"], accounts, "http://127.0.0.1", timing.Clock(clock))


async def pays_with_code(ussd_deps: calls.UssdDeps, household: Household) -> Handset:
    """The son pays 3 000 F for Awa with the code."""
    son = Handset(ussd_deps, SON)
    await son.dial("2", "4", household.number, "3000")
    assert "composez #144*82# puis 2" in await son.type("1")
    assert (await son.type(CODE)).startswith("Merci. On vérifie le code pour 3 000 F")
    return son


async def in_redis(redis_url: str, words: str) -> list[str]:
    async with Redis.from_url(redis_url) as redis:
        held = {str(key): str(await redis.get(key)) for key in await redis.keys("*")}
    assert held, "the call is there"
    return [key for key, value in held.items() if words in key + value]


async def test_the_code_is_in_its_payment_alone_until_it_is_sent(
    ussd_deps: calls.UssdDeps,
    household: Household,
    owner: AsyncEngine,
    redis_url: str,
    round_: Round,
    operator: Operator,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    son = await pays_with_code(ussd_deps, household)
    await calls.hung_up(ussd_deps, son.call, "Success")
    assert await tables_with(owner, CODE) == ["public.payment"]
    clock.now += SOON
    await collect(round_)
    assert [ask.otp for ask in operator.asked] == [CODE]
    assert await tables_with(owner, CODE) == []
    assert await in_redis(redis_url, CODE) == []
    assert CODE not in caplog.text


async def test_a_repeated_hop_with_the_code_pays_once(
    ussd_deps: calls.UssdDeps, household: Household, pool: AsyncEngine
) -> None:
    son = await pays_with_code(ussd_deps, household)
    assert (await son.send()).startswith("Merci. On vérifie le code")
    async with pool.connect() as db:
        assert len((await db.execute(select(payment).where(payment.c.payer_phone == SON))).all()) == 1


async def test_a_code_that_waited_too_long_goes_with_its_payment(
    ussd_deps: calls.UssdDeps, household: Household, owner: AsyncEngine, round_: Round, clock: Clock
) -> None:
    await pays_with_code(ussd_deps, household)
    clock.now += UNSENT_FOR + SOON
    await collect(round_)
    assert await tables_with(owner, CODE) == []
    async with owner.connect() as db:
        states = await db.scalars(text("select state from payment where payer_phone = '+2250707070701'"))
        assert list(states) == ["FAILED"]


async def test_a_wrong_code_is_told_with_the_way_to_another(
    ussd_deps: calls.UssdDeps,
    household: Household,
    pool: AsyncEngine,
    round_: Round,
    operator: Operator,
    clock: Clock,
) -> None:
    await pays_with_code(ussd_deps, household)
    operator.accepts = OperatorAnswer(Outcome.FAILED, reason="OTP_INVALID")
    clock.now += SOON
    await collect(round_)
    async with pool.connect() as db:
        [told] = await db.scalars(select(outbox.c.body).where(outbox.c.template == "payment failed"))
        reasons = list(await db.scalars(text("select reason from payment_move where to_state = 'FAILED'")))
    assert "Code faux ou trop vieux ? Composez #144*82# puis 2" in told
    assert reasons == ["operator: OTP_INVALID"]


async def test_nobody_pays_by_such_a_network_without_its_code(
    household: Household, pool: AsyncEngine
) -> None:
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="you pay with a code"):
            await ask_payment(db, calling(SON), household, Money(3_000, "XOF"), PayingPhone(SON))
        await ask_payment(
            db, calling(AWA), household, Money(3_000, "XOF"), PayingPhone(AWA, otp=Secret(CODE))
        )
        assert await db.scalar(select(payment.c.otp).where(payment.c.state == "ASKED")) is None, (
            "a push has none"
        )


async def test_the_last_screen_says_how_to_find_the_request_where_her_network_has_a_code(
    ussd_deps: calls.UssdDeps, household: Household, pool: AsyncEngine
) -> None:
    """Moov in Burkina shows no prompt: her brother dials for it."""
    async with pool.begin() as db:
        moov = [Route("BF-moov", "paydunya", "paydunya-BF-moov")]
        await open_routes(db, await get_mutuelle(db, "BEN"), moov)
    brother = Handset(ussd_deps, "+22670112233")
    await brother.dial("2", "4", household.number, "3000")
    assert (await brother.type("1")).endswith("Rien à l'écran ? Composez *555*6#.")
    awa = Handset(ussd_deps, AWA)
    await awa.dial("2", "2", "3000")
    assert "Rien à l'écran ? Composez *888#" in await awa.type("1"), "her operator has one for every network"


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator moves 2 000 to 5 000 F at once, by hundreds."""
    limits = {"XOF": AmountLimits(2_000, 5_000, 100)}
    monkeypatch.setattr(simulated, "CAPABILITIES", replace(simulated.CAPABILITIES, limits=limits))


@pytest.mark.usefixtures("limited")
async def test_what_the_operator_can_move_is_offered_where_the_amount_is_typed(
    ussd_deps: calls.UssdDeps, household: Household, pool: AsyncEngine
) -> None:
    awa = Handset(ussd_deps, AWA)
    screen = await awa.dial("2")
    assert "Reste à payer : 9 000 F" in screen
    assert "1 Payer 5 000 F (maximum)\n2 Une partie, dès 3 000 F" in screen
    await awa.type("2")
    assert awa.shown.text.startswith("Combien ? De 3 000 F à 5 000 F")
    assert "De 3 000 F à 5 000 F" in await awa.type("9000")
    assert "Payer 4 000 F" in await awa.type("4000")
    await awa.dial("2", "1")
    assert "Payer 5 000 F pour Awa Koné" in awa.shown.text
    assert (await awa.type("1")).startswith("Merci")
    await paid(pool, household, at=NOON)
    assert "1 Payer 4 000 F\n" in await awa.dial("2")


@pytest.mark.usefixtures("limited")
async def test_less_than_the_operator_moves_is_paid_in_cash(
    ussd_deps: calls.UssdDeps, household: Household, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"XOF": AmountLimits(20_000, 50_000)}
    monkeypatch.setattr(simulated, "CAPABILITIES", replace(simulated.CAPABILITIES, limits=limits))
    awa = Handset(ussd_deps, AWA)
    screen = await awa.dial("2")
    assert "Par téléphone dès 20 000 F. En espèces : 7, puis 5." in screen
    assert "Payer 9 000 F" not in screen
    newcomer = Handset(ussd_deps, "+22376000055")
    await newcomer.dial("1", "1", "Oumar Touré", "40")
    assert newcomer.shown.end
    assert newcomer.shown.text == "Ce téléphone peut payer de 20 000 F à 50 000 F à la fois."


@pytest.fixture
async def moov_moves_less(household: Household, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones of Orange and of Moov are asked; Moov moves 5 000 F at once, and no more."""
    async with pool.begin() as db:
        routes = [Route("ML-moov", "simulated", "simulated-ML-moov")]
        await open_routes(db, await get_mutuelle(db, "BEN"), routes)

    def limits(way: PaymentWay, _currency: str) -> AmountLimits:
        return AmountLimits(1, 5_000 if way.network == "ML-moov" else 1_000_000)

    monkeypatch.setattr(PaymentWay, "limits", limits)


@pytest.mark.usefixtures("moov_moves_less")
async def test_the_limits_are_those_of_the_network_that_is_named(ussd_deps: calls.UssdDeps) -> None:
    awa = Handset(ussd_deps, AWA)
    assert "Payer 9 000 F" in await awa.dial("2", "1")
    await awa.type("3")
    assert (await awa.type("1")).startswith("Combien ? De 3 000 F à 5 000 F")
    assert "Payer 4 000 F pour Awa Koné" in await awa.type("4000")
    assert (await awa.type("1")).startswith("Merci. On va demander 4 000 F")


@pytest.mark.usefixtures("moov_moves_less")
async def test_who_joins_pays_the_part_that_her_network_moves(ussd_deps: calls.UssdDeps) -> None:
    newcomer = Handset(ussd_deps, "+22376000055")
    await newcomer.dial("1", "1", "Oumar Touré", "40", "1")
    assert "12 000 F par Orange. Oumar Touré" in newcomer.shown.text
    await newcomer.type("3")
    assert "12 000 F, d'abord 3 000 F par Moov. Oumar Touré" in await newcomer.type("1")
    assert "On va vous demander 3 000 F" in await newcomer.type("1")


@pytest.mark.parametrize(
    ("limits", "least", "most", "reach"),
    [
        ((1, 9_999_999, 1), 3_000, 9_000, (3_000, 9_000)),
        ((100, 5_000, 1), 50, 9_000, (100, 5_000)),
        ((100, 5_050, 100), 3_050, 9_000, (3_100, 5_000)),
        ((100, 5_000, 1), 50, 90, None),
        ((100, 5_000, 1), 6_000, 9_000, None),
        ((1, 5_000, 100), 3_010, 3_090, None),
    ],
)
def test_what_may_be_paid_and_what_can_be_moved(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int, int],
    least: int,
    most: int,
    reach: tuple[int, int] | None,
) -> None:
    capabilities = replace(simulated.CAPABILITIES, limits={"XOF": AmountLimits(*limits)})
    monkeypatch.setattr(simulated, "CAPABILITIES", capabilities)
    found = PaymentWay("simulated", "simulated-ML", "").at_once(Money(least, "XOF"), Money(most, "XOF"))
    assert (found and tuple(money.amount_minor for money in found)) == reach
    if found:
        assert all(capabilities.limits["XOF"].allows(money.amount_minor) for money in found)
    other = PaymentWay("simulated", "simulated-ML", "").at_once(Money(least, "EUR"), Money(most, "EUR"))
    assert other is None
