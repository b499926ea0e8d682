"""A register taken over: cover, money, people and officers come out as the paper says."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import balance
from mutuelle import tables
from mutuelle.contributions.portfolio import portfolio
from mutuelle.contributions.standing import standing
from mutuelle.cover.people import people_of
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import find_household, phones_of
from mutuelle.imports import writing
from mutuelle.imports.tables import register_line
from mutuelle.schedules.tables import reminder_consent
from mutuelle.scheme.mutuelles import get_mutuelle, treasurers
from mutuelle.scheme.sealed_records import record_households
from mutuelle.treasury.tables import cash_holder
from tests.support.imported import broken, household, stands
from tests.support.paper_registers import HEAD, PRODUITS, RESPONSABLES, drawn, fault_texts, line, take, write
from tests.support.town import NOON, pays

S = CoverState
TODAY = NOON.date()


async def test_cover_comes_out_as_the_paper_says(pool: AsyncEngine, tmp_path: Path) -> None:
    assert fault_texts(await take(pool, write(tmp_path))) == []
    awa, oumar, mariam = [await stands(pool, number) for number in "123"]
    assert (awa.cover.state, awa.cover.until_on) == (S.COVERED, date(2027, 6, 30))
    assert (awa.due.amount_minor, awa.credit.amount_minor, awa.members) == (0, 0, 4)
    assert (oumar.cover.state, oumar.cover.until_on) == (S.EXPIRED, date(2025, 9, 30))
    assert oumar.renewal is not None
    assert mariam.cover.state is S.UNPAID
    assert mariam.due.amount_minor == 13_000  # with the fee of a new household
    assert await broken(pool) == []


async def test_a_price_of_next_year_is_owed_by_nobody_today(pool: AsyncEngine, tmp_path: Path) -> None:
    titles, family, half = PRODUITS.splitlines()
    dearer = family.replace("12 000 F", "20 000 F").replace("01/01/2020", "01/01/2027")
    versions = "\n".join((f"{titles};version", f"{family};1", f"{dearer};2", f"{half};1"))
    assert fault_texts(await take(pool, write(tmp_path, produits=versions))) == []
    assert (await stands(pool, "3")).due.amount_minor == 13_000
    menages = HEAD + line(number="9", head="Issa Diarra", phone="", paid_until="", since="")
    later = write(tmp_path / "later", villages="", produits="", menages=menages)
    assert fault_texts(await take(pool, later)) == []
    assert (await stands(pool, "9")).due.amount_minor == 13_000


async def test_what_was_paid_on_paper_is_income_of_nobody(pool: AsyncEngine, tmp_path: Path) -> None:
    await take(pool, write(tmp_path))
    async with pool.connect() as db:
        for account in ("health:contributions", "health:registration", "health:opening"):
            assert (await balance(db, "BEN", account)).net == 0
        lines = list(
            await db.execute(
                text(
                    "select kind, effective_on, actor from ledger.journal where kind <> 'record'"
                    " order by effective_on, kind"
                )
            )
        )
    assert [tuple(row) for row in lines] == [
        ("contribution taken over", date(2024, 10, 1), "import"),
        ("payment taken over", date(2024, 10, 1), "import"),
        ("contribution taken over", date(2026, 7, 1), "import"),
        ("payment taken over", date(2026, 7, 1), "import"),
    ]


async def test_the_fee_of_new_households_belongs_to_the_first_period(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    await take(pool, write(tmp_path, menages=HEAD + line(paid_until="30/09/2028")))
    agreed = select(
        *(
            tables.policy.c[name]
            for name in ("stage", "contribution_minor", "registration_minor", "agreed_on")
        )
    )
    async with pool.connect() as db:
        policies = [tuple(row) for row in await db.execute(agreed.order_by(tables.policy.c.sequence))]
    assert policies == [
        ("new", 12_000, 1_000, date(2026, 10, 1)),
        ("renewal", 12_000, 0, date(2026, 11, 22)),
    ]
    assert (await stands(pool, "1")).cover.state is S.COVERED
    assert await broken(pool) == []


async def test_the_next_year_is_paid_by_phone_as_by_anybody(pool: AsyncEngine, tmp_path: Path) -> None:
    folder = write(tmp_path, menages=HEAD + line(number="7", paid_until="30/11/2026"))
    (tmp_path / "operateurs.csv").write_text("pays;opérateur\nML;simulated\n")
    await take(pool, folder)
    before = await stands(pool, "7")
    assert before.renews
    async with pool.begin() as db:
        awa = await household(db, "7")
        await db.execute(
            text(
                "insert into policy select mutuelle_id, number, 2, 'renewal', product_code, product_version, members,"
                " contribution_minor, 0, :on, :at from policy"
            ),
            {"on": TODAY, "at": NOON},
        )
        await record_households(db, [awa])
    await pays(pool, awa, 12_000, at=NOON)
    after = await stands(pool, "7")
    assert (after.due.amount_minor, after.credit.amount_minor) == (0, 0)
    assert after.cover.until_on == date(2027, 11, 30)
    async with pool.connect() as db:
        assert (
            await balance(db, "BEN", "health:contributions")
        ).net == -12_000  # called once, for the new year
    assert await broken(pool) == []


async def test_a_household_that_never_paid_is_called_by_its_first_franc(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    (tmp_path / "operateurs.csv").write_text("pays;opérateur\nML;simulated\n")
    await take(pool, write(tmp_path))
    async with pool.connect() as db:
        mariam = await household(db, "3")
    await pays(pool, mariam, 13_000, at=NOON)
    assert (await stands(pool, "3")).cover.state is S.WAITING
    assert await broken(pool) == []


async def test_the_portfolio_and_each_household_agree(pool: AsyncEngine, tmp_path: Path) -> None:
    assert fault_texts(await take(pool, drawn(tmp_path, 300, 5, TODAY))) == []
    async with pool.connect() as db:
        every = await portfolio(db, await get_mutuelle(db, "BEN"), TODAY)
        said = {row.number: row.said for row in await db.execute(select(register_line))}
        assert len(every) == len(said) == 300
        for number, insured in every.items():
            paid_until = said[number]["paid_until"]
            ends = insured.periods[-1].expires_on
            assert (ends.isoformat() if ends else None) == paid_until
        for number in sorted(every)[::30]:
            found = await find_household(db, number)
            assert found
            one = await standing(db, found, NOON)
            assert (one.cover, one.due, one.credit) == (
                every[number].cover,
                every[number].due,
                every[number].credit,
            )
            assert one.members == 5
    states = {insured.cover.state for insured in every.values()}
    assert {S.COVERED, S.EXPIRED, S.UNPAID, S.GRACE} <= states
    assert await broken(pool) == []


async def test_opening_balances_are_one_journal_a_fund_against_its_opening_account(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(
        tmp_path,
        operateurs="pays;opérateur\nTG;simulated\nML;simulated\n",
        soldes="compte;nom;fonds;montant;date\n"
        "caisse;;;84 500 F;31/10/2026\n"
        "banque;Banque de Sikasso;santé;1 250 000;31/10/2026\n"
        "opérateur;simulated;santé;10 000;31/10/2026\n"
        "réserve;;santé;300 000;31/10/2026\n"
        "caisse;;transport;40 000;31/10/2026\n"
        "caisse;Caisse de Niéna;transport;0;31/10/2026\n",
    )
    taken = await take(pool, folder)
    assert fault_texts(taken) == []
    assert taken.counts["balances"] == (5, 0)
    async with pool.connect() as db:
        found = await db.execute(
            text(
                "select debit_account, credit_account, amount from ledger.movement m join ledger.journal j"
                " on j.id = m.journal_id where kind = 'opening balances' order by reason, debit_account, amount"
            )
        )
        assert sorted(tuple(row) for row in found) == [
            ("health:bank:banque-de-sikasso", "health:opening", 1_250_000),
            ("health:cash:caisse", "health:opening", 84_500),
            ("health:float:simulated-ML", "health:opening", 10_000),
            ("health:opening", "health:reserve", 300_000),
            ("transport:cash:caisse", "transport:opening", 40_000),
        ]
    assert await broken(pool) == []


async def test_cash_that_an_officer_holds_is_booked_under_a_reference(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(
        tmp_path,
        responsables=RESPONSABLES,
        soldes="compte;nom;fonds;montant;date\ncaisse;+223 76 00 00 07;;50 000;31/10/2026\n"
        "caisse;DEMBELE Issa;;7 000;31/10/2026\ncaisse;Sitan Diarra;transport;3 000;31/10/2026\n"
        "caisse;caisse de Niéna;;500;31/10/2026\nbanque;BNDA;;9 000;31/10/2026\n",
    )
    assert fault_texts(await take(pool, folder)) == []
    async with pool.connect() as db:
        rows = await db.execute(select(cash_holder.c.phone, cash_holder.c.holder))
        holders = dict(rows.all())
        sitan, issa = holders["+22376000007"], holders["+22376000008"]
        booked = {
            "health:cash:caisse-de-niena": 500,
            "health:bank:bnda": 9_000,
            f"health:cash:{sitan}": 50_000,
            f"health:cash:{issa}": 7_000,
            f"transport:cash:{sitan}": 3_000,
        }
        assert {code: (await balance(db, "BEN", code)).net for code in booked} == booked
    assert await broken(pool) == []


async def test_people_come_with_their_names_and_phones_speak_at_once(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(
        tmp_path,
        menages=HEAD
        + line(phone="76 00 00 01 / 76 00 00 02", reminders="oui")
        + line(number="2", head="Issa Diarra", phone="76 00 00 02 / 76 00 00 03", reminders="non"),
        personnes="numéro;nom;naissance\n1;Oumar Koné;1978\n1;;7 ans\n1;Fatoumata Koné;12/05/2016\n",
    )
    await take(pool, folder)
    async with pool.connect() as db:
        awa = await household(db, "1")
        people = await people_of(db, awa)
        phones = await phones_of(db, awa)
        agreed = list(await db.scalars(select(reminder_consent.c.phone).order_by("phone")))
        confirmed = await db.scalar(select(tables.household.c.registered_by))
        messages = await db.scalar(text("select count(*) from sms_outbox"))
    assert [(person.name, person.birth_year) for person in people] == [
        ("Awa Koné", 1981),
        ("Oumar Koné", 1978),
        (None, 2019),
        ("Fatoumata Koné", 2016),
    ]
    assert {person.added_on for person in people} == {date(2026, 7, 1)}  # with the cover that they have
    assert phones == agreed == ["+22376000001", "+22376000002"]
    assert (confirmed, messages) == (None, 0)  # nothing to be confirmed, and no SMS to ten thousand phones


async def test_officers_are_in_office_since_the_day_that_is_written(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(tmp_path, responsables=RESPONSABLES)
    assert fault_texts(await take(pool, folder)) == []
    async with pool.connect() as db:
        assert [who.name for who in await treasurers(db, "BEN", TODAY)] == ["Issa Dembélé", "Sitan Diarra"]
        assert [who.name for who in await treasurers(db, "BEN", date(2024, 1, 1))] == ["Sitan Diarra"]
    assert await broken(pool) == []


async def test_a_number_that_is_taken_or_drawn_twice_is_drawn_again(
    pool: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = ["101000017", "101000017", "101000025", "101000017", "101000033"]

    def draw(prefix: int) -> str:
        assert prefix == 101
        return draws.pop(0)

    monkeypatch.setattr(writing, "draw_number", draw)
    two = HEAD + line(number="1") + line(number="2", head="Issa Diarra")
    assert fault_texts(await take(pool, write(tmp_path, menages=two))) == []
    third = two + line(number="3", head="Oumar Diarra")
    assert fault_texts(await take(pool, write(tmp_path, menages=third))) == []
    assert draws == []
    async with pool.connect() as db:
        by_paper = {number: (await household(db, number)).head_name for number in "123"}
    assert by_paper == {"1": "Awa Koné", "2": "Issa Diarra", "3": "Oumar Diarra"}
