"""What the doctor reads of the patient's share: by which rule, of whom, and what is never said."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from mutuelle.benefits.rules import Benefit, BilledCare, FacilityAgreement, UsedSoFar, quote
from mutuelle.benefits.tables import given_quote
from mutuelle.benefits.words import patient_pays
from mutuelle.care.code_input import check_parts
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import beneficiary
from tests.support.benefits import opens_benefits, rule
from tests.support.clinic import DR_SOULEYMANE, contract, open_facility, works_also_at
from tests.support.doctor_desk import check, covered_household, give_card, make, other_than
from tests.support.town import MARIAM, NOON, found_town, join, paid

DAY = timedelta(days=1)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    await found_town(pool)
    return await covered_household(pool, founded=True)


async def told(pool: AsyncEngine, household: Household, service: str, *rules: Benefit) -> str:
    """What is said of the share, by these rules."""
    async with pool.begin() as db:
        await opens_benefits(db, *rules, prices={"ACC": 5_000})
    answer = await check(pool, household.number, await make(pool, household), service=service)
    return answer.partition("22/09/2027. ")[2].partition(" Mutuelle Benso")[0]


@pytest.mark.parametrize(
    ("service", "rules", "said"),
    [
        ("ACC", (rule("ACC"),), "Accouchement : le patient paie 1 000 F."),
        ("ACC", (rule("ACC", copay_percent=0),), "Accouchement : le patient ne paie rien."),
        ("ACC", (rule("ACC", copay_minor=700),), "Accouchement : le patient paie 700 F."),
        (
            "ACC",
            (rule("ACC", act_ceiling_minor=3_000),),
            "Accouchement : le patient paie 2 000 F, maximum de la mutuelle atteint.",
        ),
        ("LAB", (rule("LAB"),), "Laboratoire : le patient paie 20 %."),  # the price is not known
        ("LAB", (rule("LAB", copay_minor=500),), "Laboratoire : le patient paie 500 F."),
        (
            "LAB",
            (rule("LAB", act_ceiling_minor=900),),
            "Laboratoire : le patient paie 20 %, la mutuelle paie au plus 900 F.",
        ),
        (
            "ACC",
            (rule("ACC", copay_percent=0, act_ceiling_minor=9_000),),
            "Accouchement : le patient ne paie rien.",
        ),
        (
            "ACC",
            (rule("ACC", since=NOON.date() + DAY),),
            "Accouchement, part du patient : demandez au 76 00 00 09.",
        ),
        (
            "ACC",
            (rule("ACC", needs_referral=True),),
            "Accouchement, avec référence : le patient paie 1 000 F.",
        ),
        (
            "ACC",
            (rule("ACC", needs_agreement=True),),
            "Accouchement, avec notre accord : le patient paie 1 000 F.",
        ),
        (
            "ACC",
            (rule("ACC", waiting_months=12),),
            "Accouchement : la mutuelle ne paie pas encore, le patient paie tout.",
        ),
        *(
            ("ACC", (other,), "Accouchement : la mutuelle ne paie pas ce soin ici.")
            for other in (rule("ACC", is_paid=False), rule("LAB"), rule("ACC", "hospital"))
        ),
        (
            "ACC",
            (rule("ACC", product_code="P2"),),
            "Accouchement, part du patient : demandez au 76 00 00 09.",
        ),
        ("ACV", (rule("ACC"),), "Accouchement : le patient paie 1 000 F."),  # said as it was read
    ],
)
async def test_the_share_is_told_by_the_rule(
    pool: AsyncEngine, household: Household, service: str, rules: tuple[Benefit, ...], said: str
) -> None:
    assert await told(pool, household, service, *rules) == said


async def test_a_care_that_nobody_knows_uses_up_no_code_and_tells_nothing_of_it(
    pool: AsyncEngine, household: Household
) -> None:
    """Right or wrong, with a code or a year: the same answer, nothing counted, nobody told."""
    async with pool.begin() as db:
        await opens_benefits(db, named={"OPH": "Lunettes"})
    code = await make(pool, household)
    said = {
        await check(pool, number, proof, service="XYZ")
        for number in (household.number, "199000029")
        for proof in (code, other_than(code), "1981", "1950")
    }
    assert said == {
        "Quel soin ? CON PCH ACC CPN PPN LAB VAC MED HOS TRA OPH. Rien n'est vérifié, le code n'est pas "
        "utilisé : recommencez avec un de ces mots."
    }
    async with pool.connect() as db:
        for table in ("eligibility_check", "failed_check", "sms_outbox where template like '%check%'"):
            assert await db.scalar(text(f"select count(*) from {table}")) == 0, table
    assert "1 000 F" in await check(pool, household.number, code, service="ACC")
    again = await check(pool, household.number, code, service="XYZ")
    assert again in said


async def test_a_word_of_the_mutuelles_own_is_no_mistake_in_another(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await opens_benefits(db, rule("LAV", copay_minor=300), named={"LAV": "Lavage"}, prices={})
    written = check_parts.parse(f"{household.number} 000000 LAV").service
    answer = await check(pool, household.number, await make(pool, household), service=written)
    assert "Lavage : le patient paie 300 F." in answer


async def test_a_rule_of_the_past_or_of_tomorrow_is_not_told(pool: AsyncEngine, household: Household) -> None:
    today = NOON.date()
    rules = (
        rule("ACC", copay_percent=50),
        rule("ACC", since=today, copay_percent=40),
        rule("ACC", since=today, version=2, copay_percent=30),
        rule("ACC", since=today + DAY, copay_percent=10),
    )
    assert await told(pool, household, "ACC", *rules) == "Accouchement : le patient paie 1 500 F."


async def test_the_level_of_the_agreement_decides(pool: AsyncEngine, household: Household) -> None:
    as_hospital = FacilityAgreement(date(2026, 1, 1), "hospital")
    async with pool.begin() as db:
        await opens_benefits(
            db, rule("ACC", "hospital", copay_percent=40), rule("ACC"), agreements=(as_hospital,)
        )
    assert "Accouchement : le patient paie 2 000 F." in await check(
        pool, household.number, await make(pool, household), service="ACC"
    )


async def test_who_is_not_covered_has_no_share(pool: AsyncEngine, household: Household) -> None:
    waiting = await join(pool, MARIAM, at=NOON, name="Mariam Sangaré")
    await paid(pool, waiting, at=NOON)
    async with pool.begin() as db:
        await opens_benefits(db)
    answer = await check(pool, waiting.number, await make(pool, waiting, phone=MARIAM), service="ACC")
    assert "NON COUVERT" in answer
    assert "paie" not in answer
    async with pool.connect() as db:
        assert (await db.execute(select(given_quote))).all() == []


async def test_of_a_card_the_year_says_whose_share_it_is(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await opens_benefits(db)
    first, second, *_more = await give_card(pool, household)
    assert "ajoutez l'année de naissance" in await check(pool, household.number, first, service="ACC")
    assert "Accouchement : le patient paie 1 000 F." in await check(
        pool, household.number, f"{second}1981", service="ACC"
    )


async def test_a_used_code_of_a_card_tells_a_share_for_a_day_only(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await opens_benefits(db)
    proof = f"{(await give_card(pool, household))[0]}1981"
    assert "paie" in await check(pool, household.number, proof, service="ACC")
    again = await check(pool, household.number, proof, at=NOON + 2 * DAY, service="CON")
    assert "paie" not in again
    assert await alarms(pool) == 1


async def test_of_care_that_costs_nothing_a_ceiling_that_is_begun_is_said(
    pool: AsyncEngine, household: Household
) -> None:
    free = rule("LAB", copay_percent=0, person_ceiling_minor=10_000)
    used = BilledCare(1, "LAB", NOON.date(), 9_500, 9_500)
    quoted = quote(free, None, used_by(used), None, NOON.date())
    async with pool.connect() as db:
        mutuelle = await get_mutuelle(db, household.mutuelle_id)
    said = render(patient_pays(quoted, mutuelle, "LAB", "LAB"), "fr")
    assert said == "LAB : le patient ne paie rien, jusqu'au maximum de la mutuelle."


def used_by(care: BilledCare) -> UsedSoFar:
    return UsedSoFar(care.paid_minor, 1, care.paid_minor, 1)


async def alarms(pool: AsyncEngine) -> int:
    """How many SMS told the household that a code was tried again."""
    async with pool.connect() as db:
        tried = text("select count(*) from sms_outbox where template = 'code used again'")
        return int((await db.execute(tried)).scalar_one())


async def test_another_care_with_the_same_code_is_for_the_same_doctor_only(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await opens_benefits(db)
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Koné")
    code = await make(pool, household)
    assert "1 000 F" in await check(pool, household.number, code, service="ACC")
    again = await check(pool, household.number, code, service="CON")
    assert "Consultation : le patient paie 250 F." in again
    assert "Code déjà utilisé" in again
    assert await alarms(pool) == 0, "the same doctor, for another care, is no reason to worry"
    other = await check(pool, household.number, code, service="CON", phone=DR_SOULEYMANE)
    assert "paie" not in other
    assert await alarms(pool) == 1
    async with pool.connect() as db:
        quoted = list(await db.scalars(select(given_quote.c.service).order_by(given_quote.c.service)))
    assert quoted == ["ACC", "CON"]


async def test_a_doctor_of_two_facilities_is_where_he_says(pool: AsyncEngine, household: Household) -> None:
    """In a call he says it; an SMS of the same half-day is from there, the next day from his own facility."""
    async with pool.begin() as db:
        await open_facility(db, facility="csref", name="CSRef")
        await works_also_at(db, "csref")
        await opens_benefits(
            db, rule("ACC"), rule("ACC", "hospital", copay_percent=40), prices={"ACC": 5_000}
        )
        as_hospital = FacilityAgreement(date(2026, 1, 1), "hospital")
        await opens_benefits(
            db, rule("CON"), facility="csref", prices={"ACC": 20_000}, agreements=(as_hospital,)
        )
    hours = timedelta(hours=1)
    for at, said, where in (
        (NOON, "1 000 F", ""),
        (NOON + hours, "8 000 F", "csref"),
        (NOON + 2 * hours, "8 000 F", ""),
        (NOON + 3 * hours, "1 000 F", "cscom"),
        (NOON + 4 * hours, "8 000 F", "csref"),
        (NOON + DAY, "1 000 F", ""),
    ):
        code = await make(pool, household, at=at)
        answer = await check(pool, household.number, code, at=at, service="ACC", facility_id=where)
        assert f"Accouchement : le patient paie {said}." in answer, (at, where)


AGREED = {
    "own level": (),
    "post": (FacilityAgreement(date(2026, 1, 1), "post"),),
    "hospital": (FacilityAgreement(date(2026, 1, 1), "hospital", NOON.date()),),
    "again": (
        FacilityAgreement(date(2025, 1, 1), "post", date(2026, 1, 31)),
        FacilityAgreement(date(2026, 6, 1), "centre"),
    ),
}


@pytest.mark.parametrize("service", ["", "ACC", "HOS"])
async def test_who_is_covered_is_so_at_every_facility_under_agreement(
    pool: AsyncEngine, household: Household, service: str
) -> None:
    """Whatever its level, its prices and what is paid there: cover is the household's, and so is its last day."""
    codes = iter(await give_card(pool, household))
    async with pool.begin() as db:
        await opens_benefits(db)
        for name, agreements in AGREED.items():
            await open_facility(db, facility=name, name=name)
            await works_also_at(db, name)
            await opens_benefits(db, facility=name, prices={}, agreements=agreements)
    for name in ("cscom", *AGREED):
        answer = await check(pool, household.number, f"{next(codes)}1981", service=service, facility_id=name)
        assert answer.startswith("A. K. : COUVERT"), name
        assert "jusqu'au 22/09/2027" in answer, name
        assert bool(service) == ("patient" in answer or "ne paie pas" in answer), name


async def test_a_doctor_is_not_where_he_does_not_work(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await open_facility(db, facility="csref", name="CSRef")
        await opens_benefits(db, rule("ACC"), prices={"ACC": 5_000})
        await opens_benefits(db, rule("CON"), facility="csref", prices={"ACC": 20_000})
    code = await make(pool, household)
    assert "1 000 F" in await check(pool, household.number, code, service="ACC", facility_id="csref")


@pytest.mark.parametrize(
    "meanwhile", [{"removed_on": NOON.date()}, {"first_policy": 2}], ids=["has left", "is not counted"]
)
async def test_who_is_covered_no_more_since_the_check_has_no_share(
    pool: AsyncEngine, owner: AsyncEngine, household: Household, meanwhile: dict[str, object]
) -> None:
    """A code may be sent again a day later: its answer stands, and no share is told."""
    async with pool.begin() as db:
        await opens_benefits(db)
    code = await make(pool, household, rank=2)
    assert "1 000 F" in await check(pool, household.number, code, service="ACC")
    async with owner.begin() as db:
        second = (beneficiary.c.number == household.number) & (beneficiary.c.rank == 2)
        await db.execute(update(beneficiary).where(second).values(meanwhile))
    later = NOON + DAY - timedelta(minutes=1)
    again = await check(pool, household.number, code, at=later, service="CON")
    assert "COUVERT le 22/11/2026" in again
    assert "paie" not in again


async def test_each_share_that_was_told_is_kept(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await opens_benefits(db, rule("ACC"), prices={"ACC": 5_000})
    code = await make(pool, household)
    await check(pool, household.number, code, service="ACC")
    async with pool.begin() as db:
        await opens_benefits(db, rule("ACC", since=NOON.date(), copay_percent=40), prices={})
    later = NOON + timedelta(minutes=5)
    assert "2 000 F" in await check(pool, household.number, code, at=later, service="ACC")
    async with pool.connect() as db:
        kept = await db.scalars(select(given_quote.c.patient_minor).order_by(given_quote.c.asked_at))
        assert list(kept) == [1_000, 2_000]
