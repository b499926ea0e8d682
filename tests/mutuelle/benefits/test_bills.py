"""Bills and changes of rules on the real tables: quote and bill agree, ceilings hold, two people decide with notice."""

import asyncio
import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from locales import Money, Sentence, _, languages, render
from locales.letters import fold, septets
from mutuelle.benefits.benefit_changes import benefit_change
from mutuelle.benefits.bills import CareOfBill, SeenBill
from mutuelle.benefits.invariants import INVARIANTS
from mutuelle.benefits.rules import MOST_MINOR, Benefit, FacilityAgreement, Quote, QuoteState
from mutuelle.benefits.tables import benefit, care_bill, given_quote
from mutuelle.households.households import Household
from mutuelle.officers.joint_acts import (
    APPROVED,
    OPEN_DAYS,
    acts_to_sign,
    answer_act,
    propose,
    words_to_approve,
)
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.tables import beneficiary
from mutuelle.treasury.care_bills import bill_voucher, bill_words, patients_of
from mutuelle.treasury.voucher_acts import VoucherReceipt, words_to_record
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.benefits import LONGEST_NAMED, opens_benefits, rule
from tests.support.clinic import DR_SOULEYMANE, contract, open_facility
from tests.support.doctor_desk import check, covered_household, give_card, make
from tests.support.officer_acts import AGREED, calling
from tests.support.officers import FANTA, ISSA, PIN, set_limit
from tests.support.town import NOON
from tests.support.treasury import facility, proposes_it, records, takes_back, town_with_a_bank, written
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS

DAY = timedelta(days=1)
TODAY = NOON.date()


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's, covered, in a mutuelle that has said what it pays; small bills take one signature."""
    await town_with_a_bank(pool)
    async with pool.begin() as db:
        await opens_benefits(db)
    return await covered_household(pool, founded=True)


async def new_bill(
    pool: AsyncEngine,
    household: Household,
    *,
    service: str = "LAB",
    price: int = 3_000,
    rank: int = 1,
    on: date = TODAY,
) -> NewVoucher:
    async with pool.begin() as db:
        caller = calling(FANTA, NOON)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        care = CareOfBill(household.number, rank, "cscom", service, on.isoformat(), price)
        return await bill_voucher(db, caller, own, care, "CSCom Hèrè")


async def bills(pool: AsyncEngine) -> list[tuple[str, int, int]]:
    async with pool.connect() as db:
        row = care_bill.c
        found = await db.execute(
            select(row.service, row.price_minor, row.paid_minor).order_by(row.recorded_at)
        )
        return [tuple(one) for one in found]


async def broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds]


async def test_the_doctor_is_told_the_franc_that_the_bill_comes_to(
    pool: AsyncEngine, household: Household
) -> None:
    for service in ("CON", "ACC", "LAB"):
        code = await make(pool, household)
        await check(pool, household.number, code, service=service)
        async with pool.connect() as db:
            quoted = (await db.execute(select(given_quote).where(given_quote.c.service == service))).one()
        new = await new_bill(pool, household, service=service, price=quoted.price_minor)
        assert quoted.price_minor - quoted.patient_minor == new.amount.amount_minor, service
        assert isinstance(await records(pool, new), VoucherReceipt)
    assert await bills(pool) == [("CON", 1_000, 750), ("ACC", 5_000, 4_000), ("LAB", 3_000, 2_500)]
    assert await broken(pool) == []


BORN = {1: 1981, 2: 1988, 3: 2014}  # Awa's household, by rank


def any_rule(chance: random.Random, service: str) -> Benefit:
    """A rule of any terms; every second ceiling is soon reached."""
    if chance.random() < 0.1:
        return rule(service, is_paid=False)
    sums = [None, chance.randint(1, 9_000), chance.randint(1, 40_000)]
    share: dict[str, Any] = chance.choice(
        [{"copay_percent": chance.randint(0, 99)}, {"copay_minor": chance.randint(1, 9_000)}]
    )
    return rule(
        service,
        **share,
        act_ceiling_minor=chance.choice(sums),
        person_ceiling_minor=chance.choice(sums),
        household_ceiling_minor=chance.choice(sums),
        person_count=chance.choice([None, 1, 2]),
        household_count=chance.choice([None, 2, 3]),
        waiting_months=chance.choice([0, 0, 0, 6]),
    )


@pytest.mark.parametrize("seed", range(4))
async def test_by_any_rules_a_quote_is_the_bill_that_follows_it(pool: AsyncEngine, seed: int) -> None:
    """Ten acts one after the other: each ceiling is used up on the way, and told so before it is billed so."""
    chance = random.Random(seed)
    await town_with_a_bank(pool)
    services = ("CON", "ACC", "LAB")
    async with pool.begin() as db:
        rules = [any_rule(chance, service) for service in services]
        await opens_benefits(db, *rules, prices={service: chance.randint(1, 9_000) for service in services})
    household = await covered_household(pool, founded=True)
    owed = []
    for code in await give_card(pool, household):
        service, rank = chance.choice(services), chance.choice(list(BORN))
        answer = await check(pool, household.number, f"{code}{BORN[rank]}", service=service)
        async with pool.connect() as db:
            is_its = given_quote.c.reference == answer.removesuffix(".").split()[-1]
            quoted = (await db.execute(select(given_quote).where(is_its))).one()
        paid = quoted.price_minor - quoted.patient_minor
        if paid:
            new = await new_bill(pool, household, service=service, rank=rank, price=quoted.price_minor)
            assert new.amount.amount_minor == paid
            await records(pool, new)
        else:
            with pytest.raises(RefusedError, match="owes nothing"):
                await new_bill(pool, household, service=service, rank=rank, price=quoted.price_minor)
        owed.append(paid)
    assert any(owed)
    assert await broken(pool) == []


async def test_two_doctors_who_ask_at_once_read_one_ceiling_and_it_is_paid_once(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await open_facility(db, facility="csref", name="CSRef")
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Koné", facility="csref")
        await opens_benefits(db, facility="csref")
    first, second, *_more = await give_card(pool, household)
    answers = await asyncio.gather(
        check(pool, household.number, f"{first}1981", service="LAB"),
        check(pool, household.number, f"{second}1981", service="LAB", phone=DR_SOULEYMANE),
    )
    assert all("Laboratoire : le patient paie 500 F." in answer for answer in answers)
    for _doctor in answers:
        await records(pool, await new_bill(pool, household))
    assert [paid for _service, _price, paid in await bills(pool)] == [2_500, 1_500]
    assert await broken(pool) == []


async def test_of_a_price_above_the_tariff_only_the_tariff_counts(
    pool: AsyncEngine, household: Household
) -> None:
    await records(pool, await new_bill(pool, household, service="ACC", price=9_000))
    await records(pool, await new_bill(pool, household, service="ACC", price=2_000, rank=2))
    assert await bills(pool) == [("ACC", 5_000, 4_000), ("ACC", 2_000, 1_600)]


async def test_two_bills_at_once_do_not_pass_a_ceiling(pool: AsyncEngine, household: Household) -> None:
    """Both were read when 4 000 F were left: the second one to be written down is looked at again, and refused."""
    both = [await new_bill(pool, household), await new_bill(pool, household)]
    done = await asyncio.gather(*(records(pool, new) for new in both), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["RefusedError", "VoucherReceipt"]
    await records(pool, await new_bill(pool, household))
    assert [paid for _service, _price, paid in await bills(pool)] == [2_500, 1_500]
    with pytest.raises(RefusedError, match="owes nothing"):
        await new_bill(pool, household)
    assert (await new_bill(pool, household, rank=2)).amount.amount_minor == 2_500  # each person's own
    assert await broken(pool) == []


async def test_a_bill_that_is_taken_back_is_not_counted(pool: AsyncEngine, household: Household) -> None:
    await records(pool, await new_bill(pool, household))
    [bill] = await written(pool)
    await takes_back(pool, bill)
    await signs(pool)
    assert (await new_bill(pool, household)).amount.amount_minor == 2_500
    assert await broken(pool) == []


async def test_a_bill_that_was_paid_is_not_taken_back(pool: AsyncEngine, household: Household) -> None:
    await records(pool, await new_bill(pool, household))
    await records(pool, facility(2_500))
    bill = next(one for one in await written(pool) if one.kind == "care bill")
    with pytest.raises(RefusedError):
        await takes_back(pool, bill)


@pytest.mark.parametrize(
    ("care", "reason"),
    [
        ({"service": "VAC"}, "owes nothing of this care"),
        ({"service": "HOS"}, "owes nothing of this care"),  # no rule at a health centre
        ({"on": TODAY - 45 * DAY}, "Not covered on"),  # the month of waiting
        ({"rank": 9}, "Not covered on"),
    ],
)
async def test_what_the_mutuelle_does_not_owe_is_no_bill(
    pool: AsyncEngine, household: Household, care: dict[str, object], reason: str
) -> None:
    with pytest.raises(RefusedError, match=reason):
        await new_bill(pool, household, **care)  # type: ignore[arg-type]


async def test_who_has_left_since_can_still_be_billed(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        second = (beneficiary.c.number == household.number) & (beneficiary.c.rank == 2)
        await db.execute(update(beneficiary).where(second).values(removed_on=TODAY - DAY))
    async with pool.begin() as db:
        caller = calling(FANTA, NOON)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        assert "2" in {one.key for one in await patients_of(db, caller, own, household.number)}
    assert (await new_bill(pool, household, rank=2, on=TODAY - DAY)).amount.amount_minor == 2_500
    with pytest.raises(RefusedError, match="Not covered"):
        await new_bill(pool, household, rank=2)


async def test_a_facility_that_left_keeps_its_past(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        until = FacilityAgreement(date(2024, 1, 1), "centre", TODAY - DAY)
        await opens_benefits(db, agreements=(until,))
    assert (await new_bill(pool, household, on=TODAY - DAY)).amount.amount_minor == 2_500
    with pytest.raises(RefusedError, match="No agreement"):
        await new_bill(pool, household)
    code = await make(pool, household)
    with pytest.raises(RefusedError, match="no agreement"):
        await check(pool, household.number, code)


async def words(pool: AsyncEngine, new: NewVoucher, *, by: str = FANTA) -> str:
    """What a treasurer reads before she signs this bill."""
    async with pool.connect() as db:
        own = await appointment_of(db, calling(by), "BEN", Role.TREASURER)
        return render(await words_to_record(db, calling(by), own, new), "en")


async def test_the_same_paper_typed_twice_is_pointed_out_to_who_types_and_who_signs(
    pool: AsyncEngine, household: Household
) -> None:
    """Another patient, care, day or price is another bill; so is one whose voucher was taken back."""
    facts: dict[str, Any] = {"service": "CON", "price": 1_000}
    assert not (await words(pool, await new_bill(pool, household, **facts))).startswith(
        "Written down already!"
    )
    await records(pool, await new_bill(pool, household, **facts))
    again = await new_bill(pool, household, **facts)
    assert (await words(pool, again)).startswith("Written down already! CSCom Hèrè: Consultation,")
    for other in ({"rank": 2}, {"service": "ACC"}, {"on": TODAY - DAY}, {"price": 900}):
        new = await new_bill(pool, household, **facts | other)
        assert not (await words(pool, new)).startswith("Written down already!"), other
    await set_limit(pool, "two_signatures_from_minor", 0, since=TODAY)
    await proposes_it(pool, again)
    async with pool.connect() as db:
        own = await appointment_of(db, calling(ISSA), "BEN", Role.TREASURER)
        [act] = await acts_to_sign(db, calling(ISSA), "BEN")
        said = render(await words_to_approve(db, calling(ISSA), own, act), "fr")
    assert said.startswith("Déjà notée ! CSCom Hèrè : Consultation,")
    assert await signs(pool) is None
    assert len(await bills(pool)) == 2
    first = next(one for one in await written(pool) if one.kind == "care bill")
    await takes_back(pool, first)
    await signs(pool)
    assert (await words(pool, again)).startswith("Written down already!"), "the other one is there still"


@pytest.mark.parametrize("language", languages())
def test_the_longest_words_of_a_bill_that_is_there_fit_one_screen(language: str) -> None:
    most = Money(MOST_MINOR, "XOF")
    care = CareOfBill("199000010", 12, "hopital", "WWW", TODAY.isoformat(), MOST_MINOR)
    new = NewVoucher(VoucherKind.BILL, "", "", most, "", party="Hôpital Kouroubarrage-Zangasso", care=care)
    seen = SeenBill(Quote(QuoteState.PAID, "WWW", "centre"), LONGEST_NAMED["WWW"], True)
    shorter = bill_words(new, seen).shorter
    assert shorter
    screen = "\n1 ".join(fold(render(one, language)) for one in (shorter, _("Propose"), _("No")))
    assert septets(screen) <= BUDGET_SEPTETS - STATE_SEPTETS, screen


async def test_who_signs_reads_the_name_of_a_service_that_the_mutuelle_named(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await opens_benefits(db, rule("LUN", copay_percent=50), named={"LUN": "Lunettes"})
    assert ": Lunettes, " in await words(pool, await new_bill(pool, household, service="LUN"))
    await changes(pool, rule("LUN", copay_percent=40))
    async with pool.connect() as db:
        [act] = await acts_to_sign(db, calling(ISSA), "BEN")
    assert render(act.label, "en").startswith("Change of care: Lunettes, ")
    assert await signs(pool) is None
    assert await broken(pool) == []


async def signs(pool: AsyncEngine, *, by: str = ISSA, at: datetime = NOON) -> Sentence | None:
    """The other treasurer approves what waits."""
    async with pool.begin() as db:
        caller = calling(by, at)
        [act] = await acts_to_sign(db, caller, "BEN")
        return await answer_act(db, caller, mutuelle="BEN", proposal=act.id, answer=APPROVED, pin=Secret(PIN))


async def changes(pool: AsyncEngine, new: Benefit, *, at: datetime = NOON) -> None:
    async with pool.begin() as db:
        caller = calling(FANTA, at)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        act = await benefit_change(db, caller, own, "Famille", new)
        await propose(db, caller, mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED)


@pytest.mark.parametrize("days", [0, OPEN_DAYS - 1])
async def test_a_change_begins_after_its_notice_and_not_before(
    pool: AsyncEngine, household: Household, days: int
) -> None:
    await changes(pool, rule("ACC", copay_percent=50))
    signed = NOON + days * DAY
    assert await signs(pool, at=signed) is None
    async with pool.connect() as db:
        row = (await db.execute(select(benefit).where(benefit.c.act.is_not(None)))).one()
        told = list(await db.scalars(text("select body from sms_outbox where template = 'benefit change'")))
    assert row.since == TODAY + (OPEN_DAYS + 30) * DAY
    assert row.since >= signed.date() + 30 * DAY
    assert len(told) == 1
    assert "Accouchement" in told[0]
    before, after = row.since - DAY, row.since
    for on, paid in ((before, 4_000), (after, 2_500)):
        at = datetime(on.year, on.month, on.day, 12, tzinfo=NOON.tzinfo)
        async with pool.begin() as db:
            own = await appointment_of(db, calling(FANTA, at), "BEN", Role.TREASURER)
            care = CareOfBill(household.number, 1, "cscom", "ACC", on.isoformat(), 5_000)
            new = await bill_voucher(db, calling(FANTA, at), own, care, "CSCom Hèrè")
        assert new.amount.amount_minor == paid
    assert await broken(pool) == []


async def test_a_second_change_waits_until_the_first_has_begun(
    pool: AsyncEngine, household: Household
) -> None:
    await changes(pool, rule("ACC", copay_percent=50))
    await signs(pool)
    with pytest.raises(RefusedError, match="decided already"):
        await changes(pool, rule("ACC", copay_percent=60))
    with pytest.raises(RefusedError, match="the rule already"):
        await changes(pool, rule("CON", copay_percent=25))


BROKEN_BY = {
    "bill_keeps_its_rule": "update care_bill set price_minor = 99, paid_minor = 99;"
    "update voucher set amount_minor = 99 where kind = 'care bill'",
    "bill_has_its_voucher": "update care_bill set paid_minor = paid_minor - 1",
    "benefit_was_decided": "update benefit set copay_percent = 5 where act is not null",
    "quote_was_told_of_cover": "update given_quote set asked_at = asked_at - interval '1 day'",
}


@pytest.mark.parametrize("name", BROKEN_BY)
async def test_each_invariant_is_broken_by_its_mutant_alone(
    pool: AsyncEngine, owner: AsyncEngine, household: Household, name: str
) -> None:
    assert set(BROKEN_BY) == {invariant.name for invariant in INVARIANTS}
    await check(pool, household.number, await make(pool, household), service="LAB")
    await records(pool, await new_bill(pool, household))
    await changes(pool, rule("ACC", copay_percent=50))
    await signs(pool)
    assert await broken(pool) == []
    async with owner.begin() as db:
        for statement in BROKEN_BY[name].split(";"):
            await db.execute(text(statement))
    assert await broken(pool) == [name]
