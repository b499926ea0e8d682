"""A small town for the tests: one mutuelle with villages and products, and handsets that call it.

Every name is invented. Whatever is not said here is as in the proofs' mutuelle.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy import insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts
from ledger.book import Account, open_accounts
from locales import Money
from mobilemoney import OperatorAnswer, Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import OPEN, PayingPhone, PaymentState, ask_payment, move
from mutuelle.contributions.settlement.settle import settle
from mutuelle.enrolment.enrolment import Enrolment, enrol
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.households import Household, NewHousehold, phones_of
from mutuelle.officers.appointments import note_founders
from mutuelle.officers.pins import note_pin_change
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.products import NEW_START, offers_for
from mutuelle.scheme.sealed_records import record_products
from mutuelle.support.routes import remove_route
from talk.screen import Shown
from talk.words import Caller
from tests.support.clinic import contract, open_facility
from tests.support.operators import SIMULATED
from torture.town import DAN, FAMILY
from ussd import calls
from ussd.hop import Hop

FOUNDED = datetime(2024, 1, 1, tzinfo=UTC)
FOUNDED_ON = FOUNDED.date()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AWA, MARIAM, OUMAR = "+22376000001", "+22376000002", "+22376000003"
BENEFITS = "75 % des soins au centre de santé, 60 % à l'hôpital, accouchements"
VILLAGES = ("Bandiagala", "Koutiébougou", "Niéna-Sud", "Zantiéla")
_calls = count(1)


async def found(
    db: AsyncConnection,
    *,
    code: str = "BEN",
    prefix: int = 199,
    name: str = "Mutuelle Benso",
    villages: Sequence[str] = VILLAGES,
    product_names: Sequence[str] = ("Famille",),
    lump_sum_minor: int = 12_000,
    registration_minor: int = 0,
    max_installments: int = 4,
    threshold_percent: int = 50,
    waiting_months: int = 1,
    treasurers: Sequence[str] = ("Fanta Coulibaly", "Issa Dembélé"),
    timezone: str = DAN.timezone,
    complaints_phone: str = "+22376000009",
) -> None:
    """Found a mutuelle near Sikasso with all that the menus show."""
    own = {
        "id": code,
        "prefix": prefix,
        "name": name,
        "complaints_phone": complaints_phone,
        "benefits": BENEFITS,
        "timezone": timezone,
    }
    row = {**asdict(DAN), **own, "town": "Sikasso", "created_at": FOUNDED}
    await db.execute(insert(tables.mutuelle), row)
    places = [{"mutuelle_id": code, "id": f"v{nth}", "name": place} for nth, place in enumerate(villages, 1)]
    if places:
        await db.execute(insert(tables.place), places)
    for nth, product_name in enumerate(product_names, 1):
        await sell(
            db,
            code,
            product_code=f"P{nth}",
            name=product_name,
            lump_sum_minor=lump_sum_minor + (nth - 1) * 6_000,
            registration_minor=registration_minor,
            max_installments=max_installments,
            threshold_percent=threshold_percent,
            waiting_months=waiting_months,
        )
    await staff(db, code, treasurers)


async def staff(db: AsyncConnection, code: str, treasurers: Sequence[str]) -> None:
    """Add treasurers, a route for payments, and its accounts."""
    appointment = {"mutuelle_id": code, "role": "treasurer", "since": FOUNDED.date()}
    officers = [
        {**appointment, "phone": f"+2237600000{nth}", "name": who} for nth, who in enumerate(treasurers, 7)
    ]
    if officers:
        await db.execute(insert(tables.officer), officers)
    await note_founders(db, code, FOUNDED)
    for who in officers:  # founded long ago; may draw a first PIN until three days after NOON
        await note_pin_change(db, str(who["phone"]), "new one allowed", by=By("a test", "to be tried", NOON))
    await open_routes(db, await get_mutuelle(db, code), [Route("ML", "simulated")])
    money = [accounts.contributions(), accounts.registration()]
    await open_accounts(db, [Account(code, account, "XOF") for account in money])


async def sell(
    db: AsyncConnection,
    mutuelle: str,
    *,
    product_code: str = "P1",
    version: int = 1,
    name: str = "Famille",
    lump_sum_minor: int = 12_000,
    registration_minor: int = 0,
    max_installments: int = 4,
    threshold_percent: int = 50,
    waiting_months: int = 1,
    sold_from: date = FOUNDED_ON,
    late_renewal: str = NEW_START,
    insurance_months: int = FAMILY.insurance_period_months,
) -> None:
    """Put a version of a product on sale."""
    key = {"mutuelle_id": mutuelle, "code": product_code, "version": version}
    terms = {
        "lump_sum_minor": lump_sum_minor,
        "registration_fee_minor": registration_minor,
        "insurance_period_months": insurance_months,
        "waiting_period_months": waiting_months,
        "partial_cover_threshold_percent": threshold_percent,
        "max_installments": max_installments,
        "late_renewal": late_renewal,
    }
    row = {**asdict(FAMILY), **key, **terms, "name": name, "sold_from": sold_from}
    del row["currency"]  # it is the mutuelle's
    await db.execute(insert(tables.product), row)
    await record_products(db, mutuelle)


@dataclass
class Clock:
    """The test's time, set by the test."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Handset:
    """A basic phone on a line: what is typed is sent as the gateway does, the whole call's text each time."""

    ussd_deps: calls.UssdDeps
    phone: str = AWA
    service: str = "*384*57#"
    call: str = ""
    text: str = ""
    screens: list[str] = field(default_factory=list)

    async def dial(self, *at_once: str) -> str:
        """Start a call, with `at_once` dialled after the code."""
        self.call = f"ATUid_{next(_calls):032x}"
        self.text = "*".join(at_once)
        return await self.send()

    async def type(self, words: str) -> str:
        """Type one more input."""
        self.text = f"{self.text}*{words}" if self.text else words
        return await self.send()

    async def send(self) -> str:
        """Send the current hop; called again, it is a repeated hop."""
        self.shown: Shown = await calls.hop(self.ussd_deps, self.hop())
        self.screens.append(self.shown.text)
        return self.shown.text

    def hop(self) -> Hop:
        return Hop("africastalking", self.call, self.phone, self.service, self.text)


async def found_town(pool: AsyncEngine) -> None:
    """The usual town with its health centre and doctor, committed."""
    async with pool.begin() as db:
        await found(db)
        await open_facility(db)
        await contract(db)


async def unroute(pool: AsyncEngine, code: str = "BEN") -> None:
    """Remove the mutuelle's routes: members pay in cash only."""
    async with pool.begin() as db:
        await remove_route(db, code, "ML", By("a test", "no operator", NOON), SIMULATED)


async def operators_answer(
    pool: AsyncEngine, *, answer: bool, at: datetime = NOON, account: str = ""
) -> None:
    """Every operator's account, or the one of this name, is down from now on, or up, as the worker says it."""
    facts = {"state": "UP" if answer else "DOWN", "since": at}
    its = select(
        tables.operator_account.c.mutuelle_id,
        tables.operator_account.c.name,
        *map(literal, facts.values()),
    )
    if account:
        its = its.where(tables.operator_account.c.name == account)
    async with pool.begin() as db:
        new = upsert(tables.operator_health).from_select(["mutuelle_id", "account", *facts], its)
        key = tables.operator_health.primary_key
        await db.execute(new.on_conflict_do_update(index_elements=key, set_=facts))


async def join(
    pool: AsyncEngine,
    phone: str,
    *,
    at: datetime,
    code: str = "BEN",
    name: str = "Awa Koné",
    ages: tuple[int, ...] = (45, 38, 12, 7),
    pay_minor: int | None = None,
    cash: bool = False,
    place: str = "v1",
    gateway: str = "test",
) -> Household:
    """A household that joined at `at`, by the menu's action: its first payment requested, or to be paid in `cash`.

    Its phone is in use: it was heard of on the day of NOON, or of `at` if that is later.
    """
    caller = Caller(phone, "fr", gateway, f"join {phone} {at}", at)
    async with pool.begin() as db:
        mutuelle = await get_mutuelle(db, code)
        chosen = (await offers_for(db, code, ages, mutuelle.today(at)))[0]
        household = await enrol(
            db,
            caller,
            enrolment=Enrolment(
                code,
                NewHousehold(place, name, ages),
                chosen.product.code,
                chosen.product.version,
                chosen.price,
            ),
            pay_now=None if cash else Money(pay_minor, "XOF") if pay_minor else chosen.price,
        )
        await heard(db, max(at, NOON), phone)
        return household


async def heard(db: AsyncConnection, at: datetime, phone: str | None = None) -> None:
    """The phone, or every one that is not in doubt, called or wrote on the day of `at`."""
    own = tables.household_phone.c.phone == phone if phone else tables.household_phone.c.doubt.is_(None)
    await db.execute(update(tables.household_phone).where(own).values(heard_on=at.date()))


async def paid(pool: AsyncEngine, household: Household, *, at: datetime, payer: str | None = None) -> None:
    """Settle the household's open payment (that of `payer`), as PAID by its operator."""
    async with pool.begin() as db:
        await paid_in(db, household, at=at, payer=payer)


async def paid_in(
    db: AsyncConnection, household: Household, *, at: datetime, payer: str | None = None
) -> None:
    """The same in the caller's transaction."""
    open_one = (tables.payment.c.number == household.number) & tables.payment.c.state.in_(OPEN)
    if payer:
        open_one &= tables.payment.c.payer_phone == payer
    row = (await db.execute(select(tables.payment).where(open_one))).one()
    key = (household.mutuelle_id, row.reference)
    await move(db, *key, PaymentState.SENT, by=By("test", "sent", at), otp=None)
    answer = OperatorAnswer(
        Outcome.PAID, row.amount_minor, row.currency, row.payer_phone, f"T{row.reference}", at
    )
    await settle(db, *key, answer, at)


async def pays(pool: AsyncEngine, household: Household, amount_minor: int, *, at: datetime) -> None:
    """The household pays again, in the mutuelle's currency."""
    async with pool.begin() as db:
        phone = (await phones_of(db, household))[0]
        await ask_payment(
            db,
            Caller(phone, "fr", "test", "again", at),
            household,
            Money(amount_minor, "XOF"),
            PayingPhone(phone),
        )
    await paid(pool, household, at=at)
