"""The walker: every question with every class of answer and every option, for every kind of caller, in every language.

It proves that each call fits its screens, ends, never raises and never acts without a confirmation, with the longest
facts that the tables allow.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money, Sentence, languages
from locales.letters import fold, septets
from menus.home import home
from mobilemoney import simulated
from mobilemoney.networks import networks
from mobilemoney.operator import AmountLimits
from mutuelle.acts import By
from mutuelle.care.code_input import care_proof
from mutuelle.contributions.standing import standing
from mutuelle.cover.rules import CoverState
from mutuelle.enrolment.enrolment import Enrolment
from mutuelle.enrolment.paid_for import IMPORT, NewRegime, change_regime
from mutuelle.enrolment.registration import register
from mutuelle.founding.founding import list_payers, open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.households import NewHousehold, households_of
from mutuelle.officers.roles import Role
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.regimes import Payer, PayerKind, Regime
from mutuelle.tables import beneficiary, household_phone, mutuelle
from talk import engine
from talk.answers import Secret, ages, payment_code, person_name, pin
from talk.engine import Finish, State, Turn
from talk.phones import shown_phone
from talk.questions import MORE, YES, has_back
from talk.screen import Screen, Shown
from talk.words import Ask, Caller, Choose, Confirm, Do, Look, Question
from tests.support.benefits import LONGEST_NAMED, LONGEST_RULES, opens_benefits
from tests.support.clinic import contract, open_facility
from tests.support.joined_households import unpaid
from tests.support.officers import FANTA, SEALS, appoint, give_pin
from tests.support.town import FOUNDED_ON, NOON, found, join, operators_answer, paid, pays, unroute
from ussd.gateways import described_names
from ussd.gateways.described import describe
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS, fit_for, in_parts

FIT = fit_for()
LEAST_ROOM = min(describe(name).room for name in described_names())
TIGHT_FIT = fit_for(LEAST_ROOM)
MOST_PARTS = 2
DEEPEST = 14  # inputs: no conversation is longer
LONG_NAME = "N'Golo-Marie Ouattara Sylla"[:26]
ROOM = BUDGET_SEPTETS - STATE_SEPTETS
REFERENT = "+22376000199"  # the doctor of the mutuelle with the prefix 199

STRANGER, WAITING, ARREARS, COVERED, EXPIRING, GRACE, SUSPENDED, EXPIRED, ASKED, TWO = (
    f"+223760001{nth:02}" for nth in range(10)
)
REGISTERER, UNCONFIRMED = "+22376000120", "+22376000121"
CREDITED, PREPAID, INDEBTED = "+22376000123", "+22376000124", "+22376000125"
PAID_FOR, HELPED = "+22376000126", "+22376000127"  # a payer owes all of it; half
LONG_PHONE = "+2290197123456"  # as a screen shows it
MERCHANT_CODE = "*144*391*123456#"
TELECEL = "+22350000001"  # of a network without a route
FOREIGN, FOREIGN_STRANGER = "+2250707070701", "+2250707070702"  # of a country without a route
CASH = (STRANGER, ARREARS, EXPIRING, EXPIRED, CREDITED, INDEBTED, ASKED, FOREIGN, FOREIGN_STRANGER)
SILENT = (STRANGER, ARREARS, EXPIRING, CREDITED, INDEBTED)  # whose operator does not answer
JOINED: dict[
    str, tuple[int, int | None, CoverState]
] = {  # days ago, how much was paid (None: all), what came of it
    WAITING: (5, None, CoverState.WAITING),
    ARREARS: (60, 486_000, CoverState.IN_ARREARS),
    COVERED: (100, None, CoverState.COVERED),
    EXPIRING: (350, None, CoverState.COVERED),
    GRACE: (380, None, CoverState.GRACE),
    SUSPENDED: (150, 486_000, CoverState.SUSPENDED),
    EXPIRED: (450, None, CoverState.EXPIRED),
    CREDITED: (351, None, CoverState.COVERED),
    PREPAID: (352, None, CoverState.COVERED),
    INDEBTED: (451, 486_000, CoverState.EXPIRED),
}
CREDITS = {CREDITED: 300_000, PREPAID: 900_000}  # paid beyond what was due: part of a renewal, and all of it


@dataclass
class WalkingStage:
    """The real tables; an action is done and rolled back, so that every branch starts from the same world."""

    pool: AsyncEngine
    caller: Caller
    known: dict[Any, Any]  # what was read before: the world stands still
    acted: list[str] = field(default_factory=list)

    async def read(self, asked: Look[Any]) -> Any:
        wanted = (asked.read, repr(asked.args))
        if wanted not in self.known:
            async with self.pool.connect() as db:
                self.known[wanted] = await asked.read(db, *asked.args)
        return self.known[wanted]

    def forget(self) -> bool:
        return False

    def admit_action(self) -> None:
        return None

    async def act(self, action: Do[Any], consent: str, finish: Finish) -> Shown:
        async with self.pool.connect() as db:
            shown = finish(await action.act(db, self.caller, **dict(action.facts)))
            await db.rollback()
        self.acted.append(consent)
        return shown


@dataclass
class Walk:
    """One caller's walk in one language: `seen` are all screens, `asked` the questions met on the way."""

    pool: AsyncEngine
    caller: Caller
    pending: Question | None = None
    known: dict[Any, Any] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    agreed: int = 0
    acted: int = 0

    def waiting(self) -> Question | None:
        """The question that the last hop ended on."""
        return self.pending

    def fit(self, screen: Screen, language: str) -> Shown:
        """Fit as ever, but let nothing be cut or left over; go on as where a network has the least room."""
        shown = FIT(screen, language)
        assert shown.whole, (
            f"too long in {language} by {septets(fold(shown.text)) - ROOM}: {screen.text}\n{shown.text}"
        )
        assert septets(shown.text) <= ROOM
        self.seen.add(shown.text)
        tight = TIGHT_FIT(screen, language)
        assert tight.whole
        first, rest = in_parts(tight, language, LEAST_ROOM, agreed_to=screen.confirms)
        assert max(map(septets, (first.text, *rest))) <= LEAST_ROOM
        assert len(rest) < MOST_PARTS, f"{1 + len(rest)} parts in {language}: {screen.text}"
        once = isinstance(screen.text, Sentence) and screen.text.is_shown_once
        assert not (rest and once), (
            f"what is shown once has one part, for it stands in no session: {tight.text}"
        )
        return tight

    async def type(self, before: State, *words: str) -> Turn:
        """Type `words` one by one where `before` stands; none of them: the dial."""
        channel = WalkingStage(self.pool, self.caller, self.known)
        turn = await engine.play(self._watched, self.caller, before, words[:1], channel, self.fit)
        for word in words[1:]:
            assert not turn.shown.end, "typed into a call that has ended"
            turn = await engine.play(self._watched, self.caller, turn.state, (word,), channel, self.fit)
        self.acted += len(channel.acted)
        assert "" not in channel.acted
        self.seen.add(turn.shown.text)
        return turn

    def _watched(self, caller: Caller) -> Any:
        """The home menu, with its pending question noted."""
        return Watch(home(caller), self)

    async def everywhere(self, words: tuple[str, ...] = ()) -> None:
        """Dial, type `words`, and go on from there in every direction."""
        await self._on_from(await self.dial(*words), len(words))

    async def dial(self, *words: str) -> Turn:
        """A new call, in which `words` are typed one by one."""
        turn = await self.type(State())
        return await self.type(turn.state, *words) if words else turn

    async def _on_from(self, turn: Turn, depth: int) -> None:
        question: Question | None = self.waiting()
        if turn.shown.end:
            return
        assert question is not None
        assert depth < DEEPEST, "a call without an end"
        self.asked.add(question.question.msgid)
        for wrong in wrong_answers(question):
            again = await self.type(turn.state, wrong)
            assert not again.shown.end
            assert again.state.answers == turn.state.answers, f"{wrong!r} was taken as an answer"
        if depth and has_back(question):
            back = await self.type(turn.state, "0")
            assert len(back.state.answers) <= len(turn.state.answers)
        for right in right_answers(question, turn.shown):
            self.agreed += isinstance(question, Confirm) and turn.shown.keys[right] == YES
            await self._on_from(await self.type(turn.state, right), depth + (right != MORE))


class Watch:
    """A coroutine that passes everything on, and writes down the question that is waiting."""

    def __init__(self, menu: Any, walk: Walk) -> None:
        self.menu, self.walk = menu, walk

    def send(self, value: Any) -> Any:
        self.walk.pending = None
        request = self.menu.send(value)
        if isinstance(request, Ask | Choose | Confirm):
            self.walk.pending = request
        return request

    def close(self) -> None:
        self.menu.close()


def wrong_answers(question: Question) -> Iterator[str]:
    if isinstance(question, Ask):
        yield from question.kind.bad
        return
    yield from ("", "77", "*", "xq~z")
    if isinstance(question, Choose) and "1" in {getattr(c, "digit", "1") for c in question.choices}:
        yield "-1"


def right_answers(question: Question, shown: Shown) -> Iterator[str]:
    """Every option of a short list; of a long one its letters and its pages, and a few of its options."""
    if isinstance(question, Ask):
        yield from question.kind.good
        return
    is_long = len(question_choices(question)) > 9
    if "\n98 " in shown.text and not is_long:  # a page more, where there is little room
        yield MORE
    yield from (digit for digit in shown.keys if not is_long or digit in ("1", "3", "99"))
    if is_long and "1" not in shown.keys:
        yield from ("98", "K")


def question_choices(question: Question) -> tuple[Any, ...]:
    return question.choices if isinstance(question, Choose) else ()


@pytest.fixture
async def world(pool: AsyncEngine) -> AsyncEngine:
    """Callers of every kind, in a mutuelle whose every name is as long as it may be."""
    async with pool.begin() as db:
        await found_longest(db, "BEN", 199)
    for phone in JOINED:
        await joined(pool, phone)
    await join(pool, ASKED, at=NOON, name=LONG_NAME)
    async with pool.begin() as db:
        await found_longest(db, "ZAN", 198)
    for code in ("BEN", "ZAN"):
        one_of_two = await join(
            pool, f"{TWO[:-2]}{len(code)}{code[0] == 'B':d}", at=NOON, code=code, name=LONG_NAME
        )
        async with pool.begin() as db:
            key = {"mutuelle_id": code, "number": one_of_two.number}
            await db.execute(insert(household_phone), {**key, "phone": TWO, "since": NOON})
    await registering(pool)
    await paying(pool)
    return pool


async def paying(pool: AsyncEngine) -> None:
    """Two households that a payer of the longest name pays for, whole and half."""
    payer = Payer("commune", "Commune de Kouroubarrage-9"[:24], PayerKind.COMMUNE)
    whole = Regime("indigents", FOUNDED_ON, "Veuves, orphelins"[:16], payer.code, payer.name, 100)
    rows = (whole, replace(whole, code="half", name="Moitié de moitié", percent=50))
    async with pool.begin() as db:
        await list_payers(db, await get_mutuelle(db, "BEN"), [payer], rows)
    for phone, row in zip((PAID_FOR, HELPED), rows, strict=True):
        home = await unpaid(pool, phone, name=LONG_NAME)
        async with pool.begin() as db:
            by = By(IMPORT, "a list", NOON)
            await change_regime(db, home, NewRegime(row.code, NOON.date()), by=by)


async def joined(pool: AsyncEngine, phone: str) -> None:
    """A member of JOINED, who paid by phone."""
    days, paid_minor, state = JOINED[phone]
    at = NOON - timedelta(days=days)
    household = await join(pool, phone, at=at, name=LONG_NAME, ages=(45,) + (20,) * 9, pay_minor=paid_minor)
    await paid(pool, household, at=at)
    if phone in CREDITS:
        await pays(pool, household, CREDITS[phone], at=at)
    async with pool.connect() as db:
        assert (await standing(db, household, NOON)).cover.state is state


@pytest.fixture
async def cash_world(pool: AsyncEngine) -> AsyncEngine:
    """Members who paid by phone while there was a route, a newcomer who could not, and the longest collector.

    From another country one is a member of a mutuelle that has a route still.
    """
    async with pool.begin() as db:
        await found_longest(db, "BEN", 199)
        await found_longest(db, "ZAN", 198)
    for phone in (ARREARS, EXPIRING, EXPIRED, CREDITED, INDEBTED):
        await joined(pool, phone)
    await unroute(pool)
    await join(pool, ASKED, at=NOON, name=LONG_NAME, ages=(45,) + (20,) * 9, cash=True)
    await join(pool, FOREIGN, at=NOON, code="ZAN", name=LONG_NAME, cash=True)
    for code in ("BEN", "ZAN"):
        await appoint(pool, LONG_PHONE, Role.COLLECTOR, name=LONG_NAME, code=code, pin=None)
    async with pool.begin() as db:
        pays = {"merchant_code": MERCHANT_CODE, "least_cash_minor": 500}
        await db.execute(update(mutuelle).where(mutuelle.c.id == "ZAN").values(pays))
        await db.execute(update(mutuelle).values(least_cash_minor=500))
    return pool


@pytest.fixture
async def silent_world(pool: AsyncEngine) -> AsyncEngine:
    """Members whose operator does not answer, who could pay the longest collector, or by the longest merchant code."""
    async with pool.begin() as db:
        await found_longest(db, "BEN", 199)
    for phone in SILENT:
        if phone in JOINED:
            await joined(pool, phone)
    await appoint(pool, LONG_PHONE, Role.COLLECTOR, name=LONG_NAME, pin=None)
    async with pool.begin() as db:
        await db.execute(update(mutuelle).values(merchant_code=MERCHANT_CODE))
    await operators_answer(pool, answer=False)
    return pool


async def registering(pool: AsyncEngine) -> None:
    """An enrolment officer, whose newcomers may be there already, and the phone of one that she registered."""
    await appoint(pool, REGISTERER, Role.ENROLMENT, name=LONG_NAME, pin=pin.good[0])
    await join(pool, "+22376000122", at=NOON, name=person_name.good[1])
    async with pool.begin() as db:
        await register(
            db,
            Caller(REGISTERER, "fr", "test", "registers", NOON, SEALS),
            enrolment=Enrolment(
                "BEN", NewHousehold("v9", LONG_NAME, (45, 38)), "P1", 1, Money(960_000, "XOF")
            ),
            phone=UNCONFIRMED,
            others=(),
            pin=Secret(pin.good[0]),
        )


async def found_longest(db: AsyncConnection, code: str, prefix: int) -> None:
    await found(
        db,
        code=code,
        prefix=prefix,
        name="Mutuelle Yèrèdèmè-Wa",
        villages=[f"Kouroubarrage-Zangasso {nth}"[:24] for nth in range(1, 12)],
        product_names=("Fam. élargie", "Grand foyer9"),
        lump_sum_minor=900_000,
        registration_minor=60_000,
        treasurers=("Mariam-Fatoumata Sangaré A", "Souleymane-Issa Dembélé BB", "Kadiatou-Bintou Touré CCCC"),
    )
    await open_longest(db, code)
    await contract(db, f"+22376000{prefix}", "Dr Souleymane-Issa Dembélé-Bah", code=code)


async def open_longest(db: AsyncConnection, code: str) -> None:
    """A facility with the longest facts."""
    await open_facility(
        db,
        code=code,
        name="Hôpital Kouroubarrage-Zangasso",
        phone="+2290197123456",
        hours="lun-ven 8h-15h30, sam-dim 9h12",
    )
    prices = {"WWW": 9_999_999, "PCH": 9_999_999}
    await opens_benefits(db, *LONGEST_RULES, code=code, prices=prices, named=LONGEST_NAMED)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [STRANGER, *JOINED, ASKED, TWO, REGISTERER, PAID_FOR, HELPED])
async def test_every_call_fits_ends_and_acts_only_when_agreed(
    world: AsyncEngine, phone: str, language: str
) -> None:
    walk = Walk(world, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere()
    assert walk.acted == walk.agreed
    assert len(walk.seen) > 8
    assert "Keneya, your health cover" in walk.asked


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", CASH)
async def test_who_cannot_be_asked_by_phone_joins_and_is_told_whom_to_pay(
    cash_world: AsyncEngine, phone: str, language: str
) -> None:
    walk = Walk(cash_world, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("1",))
    await walk.everywhere(("2",))
    assert walk.acted == walk.agreed
    told = MERCHANT_CODE if phone == FOREIGN else shown_phone(LONG_PHONE)  # she may choose another phone too
    assert any(told in screen for screen in walk.seen)
    assert (walk.acted > 0) == (phone in (STRANGER, FOREIGN_STRANGER, FOREIGN))
    assert not any("with {phone}" in asked for asked in walk.asked if phone != FOREIGN), "nobody can ask it"
    assert ("The phone that pays?" in walk.asked) == (phone == FOREIGN)


@pytest.fixture
async def networks_world(world: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncEngine:
    """The same, with a route for each of two networks of the longest name; no route asks Telecel."""
    for code in ("ML-orange", "ML-moov"):
        monkeypatch.setitem(networks(), code, replace(networks()[code], name=f"Yas-{code[3]}-Free"[:10]))
    await unroute(world)
    async with world.begin() as db:
        routes = [Route(code, "simulated", f"simulated-{code}") for code in ("ML-orange", "ML-moov")]
        await open_routes(db, await get_mutuelle(db, "BEN"), routes)
        telecel = {"mutuelle_id": "BEN", "phone": TELECEL, "since": NOON}
        expiring = select(household_phone.c.number).where(household_phone.c.phone == EXPIRING)
        await db.execute(insert(household_phone), {**telecel, "number": await db.scalar(expiring)})
    return world


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [ARREARS, EXPIRING, EXPIRED, CREDITED, INDEBTED, ASKED, STRANGER, TELECEL])
async def test_who_pays_reads_the_network_and_may_name_another(
    networks_world: AsyncEngine, phone: str, language: str
) -> None:
    walk = Walk(networks_world, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("2",))
    assert walk.acted == walk.agreed
    assert ("The network of {phone}?" in walk.asked) == (phone != ASKED)
    assert phone == ASKED or any("Yas-" in screen for screen in walk.seen)


@pytest.mark.parametrize("language", languages())
async def test_who_joins_reads_the_network_and_may_name_another(
    networks_world: AsyncEngine, language: str
) -> None:
    walk = Walk(networks_world, Caller(STRANGER, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("1", "98", "1", person_name.good[1], ages.good[0]))
    assert walk.acted == walk.agreed > 0
    assert "The network of {phone}?" in walk.asked
    assert any("Yas-" in screen for screen in walk.seen)


@pytest.fixture
async def codes_world(cash_world: AsyncEngine) -> AsyncEngine:
    """The same, where phones of Orange in Abidjan pay with a code."""
    async with cash_world.begin() as db:
        route = [Route("CI-orange", "paydunya", "paydunya-CI-orange")]
        await open_routes(db, await get_mutuelle(db, "ZAN"), route)
    return cash_world


@pytest.mark.parametrize("language", languages())
async def test_who_pays_with_a_code_is_asked_for_it_last(codes_world: AsyncEngine, language: str) -> None:
    walk = Walk(codes_world, Caller(FOREIGN, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("2",))
    asks = "Type the code of {network} to pay {amount}. No code yet? Hang up, dial {dial}, then call again."
    assert asks in walk.asked
    assert walk.agreed < walk.acted <= walk.agreed * len(payment_code.good), "each code is typed"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [ARREARS, EXPIRING, EXPIRED, CREDITED, INDEBTED, SUSPENDED])
@pytest.mark.parametrize("limits", [(1, 100_000, 100), (990_000, 999_999, 1)])
async def test_what_the_operator_can_move_is_said_before(
    world: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
    phone: str,
    language: str,
    limits: tuple[int, int, int],
) -> None:
    """A part at most, or nothing: no call leads to a refusal of the amount."""
    capabilities = replace(simulated.CAPABILITIES, limits={"XOF": AmountLimits(*limits)})
    monkeypatch.setattr(simulated, "CAPABILITIES", capabilities)
    walk = Walk(world, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("2",))
    assert walk.acted == walk.agreed
    assert not any("100 000 F" in screen for screen in walk.seen) or limits[1] == 100_000


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", SILENT)
async def test_whose_operator_does_not_answer_reads_it_before_trying_and_may_try(
    silent_world: AsyncEngine, phone: str, language: str
) -> None:
    walk = Walk(silent_world, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("1",))
    await walk.everywhere(("2",))
    assert walk.acted == walk.agreed > 0
    assert "{silence} Pay later, or in cash to {who}." in walk.asked
    assert any(MERCHANT_CODE in screen and "Orange" in screen for screen in walk.seen)


@pytest.mark.parametrize("language", languages())
async def test_an_enrolment_officer_registers(world: AsyncEngine, language: str) -> None:
    """From the phone on: place, name and ages are walked by whoever joins."""
    walk = Walk(world, Caller(REGISTERER, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("9", "1", "98", "1", person_name.good[1], ages.good[0]))
    await walk.everywhere(("9", "2"))
    assert walk.acted == walk.agreed
    assert "Already there? {number}, {name}, {place}, {date}" in walk.asked


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_says_who_pays(world: AsyncEngine, language: str) -> None:
    """Of a household that a payer pays half for: another payer, or itself."""
    caller = Caller(FANTA, language, "test", "walk", NOON, SEALS)
    async with world.connect() as db:
        [helped] = await households_of(db, replace(caller, phone=HELPED))
    await give_pin(world, FANTA, pin=pin.good[0])
    walk = Walk(world, caller)
    await walk.everywhere(("7", "1", "8", helped.number))
    assert walk.acted == walk.agreed
    another = "{payer} pays {percent} % for {name}, {number} from today on? {reason}"
    itself = "{name}, {number} pays itself from its next period on? {reason}"
    assert {another, itself} <= walk.asked
    assert any("Kouroubarrage" in screen for screen in walk.seen)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [COVERED, SUSPENDED])
async def test_a_person_goes_to_another_household(world: AsyncEngine, language: str, phone: str) -> None:
    async with world.begin() as db:
        own = select(household_phone.c.number).where(household_phone.c.phone == phone).scalar_subquery()
        second = (beneficiary.c.number == own) & (beneficiary.c.rank == 2)
        await db.execute(update(beneficiary).where(second).values(name=LONG_NAME[::-1]))
        number = await db.scalar(
            select(household_phone.c.number).where(household_phone.c.phone == TWO).limit(1)
        )
    walk = Walk(world, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("4", "3", "1", "3", str(number)))
    assert (walk.acted, walk.agreed) == (1, 1)


@pytest.mark.parametrize("language", languages())
async def test_a_doctor_checks_from_my_work(world: AsyncEngine, language: str) -> None:
    walk = Walk(world, Caller(REFERENT, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(("9",))
    proofs = len(care_proof.good)  # each typed, and after each of them once more every one
    assert walk.acted == proofs + proofs**2, "a wrong code is asked for once more, and each one is counted"
    assert "The patient's code (6 digits), else the year of birth? With the care: 246813 DEL" in walk.asked


@pytest.mark.parametrize("language", languages())
async def test_a_phone_that_an_officer_wrote_down_is_asked_first(world: AsyncEngine, language: str) -> None:
    walk = Walk(world, Caller(UNCONFIRMED, language, "test", "walk", NOON, SEALS))
    await walk.everywhere()
    assert (walk.acted, walk.agreed) == (2, 2)
    assert len(walk.asked) == 2


def test_the_long_names_are_as_long_as_the_tables_allow() -> None:
    assert len(LONG_NAME) == 26
    assert isinstance(NOON, datetime)
