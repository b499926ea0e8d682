"""A household that lives through all that the service does, with a name and phones that nothing else has."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.acts import By
from mutuelle.contributions.money_notices import NoticeVerdict, ring
from mutuelle.households.households import Household, household_by_number, households_of
from mutuelle.households.search import household_sought, households_sought
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.support import changes, who
from mutuelle.treasury.cash import Recorded
from mutuelle.treasury.cash_disputes import close_dispute, dispute_cash
from mutuelle.treasury.unmatched.group_acts import group_payment
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from talk.words import Caller
from tests.support.doctor_desk import check, make
from tests.support.groups import comes, homes, listed
from tests.support.officer_acts import answers, receives
from tests.support.officers import FANTA, ISSA, OUMOU, appoint, give_pin
from tests.support.operators import SIMULATED, a_notice
from tests.support.own_accounts import opens
from tests.support.sms_phone import Writer, sms_deps
from tests.support.statements import line, open_merchant, taken
from tests.support.town import NOON, Clock, Handset, found_town, paid
from tests.support.treasury import BANK, proposes_it, xof
from tests.support.unmatched import both
from ussd import calls

NAME, CHILD, HEIR = "Kadidia Zoumanigui", "Fodé Zoumanigui", "Siré Zoumanigui"
OWN, NEW, SON = "+22370112233", "+22370445566", "+22370778899"
COVERED = NOON + timedelta(days=40)


def calling(phone: str, at: datetime = NOON) -> Caller:
    return Caller(phone, "fr", "test", f"call {phone} {at}", at)


async def lived(pool: AsyncEngine, deps: calls.UssdDeps, clock: Clock) -> Household:
    """It joined, paid in four ways, was treated, lost a phone, has another head, and got its credit back."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await opens(pool, BANK, 150_000)
    await open_merchant(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    household = await _joined(pool, deps)
    await _paid_in_cash(pool, household)
    note = f"{household.number} {NAME}"
    assert (await taken(pool, [line(1, 5_000, note, payer=OWN)])).counts["posted"] == 1
    assert (await taken(pool, [line(2, 700, "merci", payer=OWN)])).counts["posted"] == 0
    await _written(pool, clock)
    await _treated(pool, household)
    await _looked_up(pool, household)
    await _helped(pool, household)
    others = {home.number: 6_000 for home in await homes(pool, 2)}
    await comes(pool, 12_000, 3, payer=OWN)
    await both(pool, group_payment(await listed(pool, others, payer=NAME)))
    return await _given_back(pool, household)


async def _joined(pool: AsyncEngine, deps: calls.UssdDeps) -> Household:
    own = Handset(deps, phone=OWN)
    await own.dial("1", "1", NAME, "45 38 12", "2")
    assert "Bienvenue" in await own.type("1")
    async with pool.connect() as db:
        [household] = await households_of(db, calling(OWN))
        token = await db.scalar(text("select notice_token from payment"))
    async with pool.begin() as db:
        body = f'{{"payer": "{OWN}", "name": "{NAME}"}}'.encode()
        heard = await ring(db, "simulated", str(token), a_notice(body), SIMULATED, NOON)
        assert heard is NoticeVerdict.STORED
    await paid(pool, household, at=NOON)
    await own.dial("4", "2", CHILD, "0")
    assert "Bienvenue" in await own.type("1")
    son = Handset(deps, phone=SON)
    await son.dial("2", "4", household.number, "5000")
    await son.type("1")
    await paid(pool, household, at=NOON, payer=SON)
    await own.dial("8")
    await own.type("1")
    return household


async def _paid_in_cash(pool: AsyncEngine, household: Household) -> None:
    receipt = await receives(pool, household, 3_000)
    async with pool.begin() as db:
        code = str(await db.scalar(text("select receipt_code from cash_receipt")))
        assert isinstance(receipt, Recorded)
        await dispute_cash(db, calling(OWN), code=code)
        await close_dispute(db, "BEN", code, by=By("Kadia", f"{NAME} was mistaken", NOON))


async def _written(pool: AsyncEngine, clock: Clock) -> None:
    clock.now = NOON
    writer = Writer(sms_deps(pool, clock), OWN)
    for words in ("rappel", f"bonjour c'est {NAME} au {OWN}"):
        await writer.send(words)
    await Writer(sms_deps(pool, clock), NEW).send("STOP")


async def _treated(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household, at=COVERED, phone=OWN)
    assert "COUVERT" in await check(pool, household.number, code, at=COVERED)
    rows = (
        "insert into referent values ('BEN', :number, 1, '+22376000041', :at, :phone)",
        "insert into register_line values ('BEN', 'A-1', :number,"
        " jsonb_build_object('head_name', cast(:name as text), 'phones',"
        " jsonb_build_array(cast(:phone as text))), :at)",
        "insert into sms_report (provider, provider_message_id, status, rank, phone, raw, content_hash, received_at)"
        " values ('x', cast(:number as text), 'Success', 2, :phone, '{}', sha256('x'), :at)",
        "insert into payer_refusal values (:phone, :at)",
        "insert into phone_network values (:phone, 'ML-moov', :at)",
    )
    async with pool.begin() as db:
        for row in rows:
            facts = {"number": household.number, "at": NOON, "phone": OWN, "name": NAME}
            wanted = {name: fact for name, fact in facts.items() if f":{name}" in row}
            await db.execute(text(row), wanted)


async def _looked_up(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        own = await appointment_of(db, calling(OUMOU), "BEN", Role.COLLECTOR)
        for typed in (NAME, OWN, household.number):
            sought = household_sought("ML").parse(typed)
            [found] = await households_sought(db, calling(OUMOU), own, sought)
            assert found.household.number == household.number


async def _helped(pool: AsyncEngine, household: Household) -> None:
    by = By("Kadia", f"{NAME} came to the office", COVERED)
    async with pool.begin() as db:
        await who.about_phone(db, OWN, by)
        await changes.change_phone(db, household.number, by, new=NEW, old=OWN)
        await changes.change_head(db, household.number, by, name=HEIR, rank=2, left=False)


async def _given_back(pool: AsyncEngine, household: Household) -> Household:
    refund = NewVoucher(VoucherKind.REFUND, household.account, BANK, xof(4_000), "Payé deux fois", HEIR, NEW)
    assert await proposes_it(pool, refund, at=COVERED) is None
    await answers(pool, at=COVERED)
    async with pool.connect() as db:
        return await household_by_number(db, household.number)
