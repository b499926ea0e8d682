"""Terms by the clock: what is older goes, what is younger stays, over years; every table is in the list of terms."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from invariants import examine
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from mutuelle.households.lookups import FOUND, note_read
from mutuelle.personal_data.agreements import AGREED
from mutuelle.personal_data.leaving import leave
from mutuelle.schedules.jobs import run_schedules
from mutuelle.schedules.retention.kinds import KINDS, WITHOUT_PEOPLE, Then
from mutuelle.schedules.retention.run import keep_terms
from schema_tables import SCHEMA
from sms.invariants import INVARIANTS as SMS
from talk.limits import Limited, note_use
from tests.support.erased_household import calling
from tests.support.joined_households import broken, joined
from tests.support.officers import OUMOU, set_limit
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, NOON, Clock, found_town

DAY = timedelta(days=1)
# Of the book's own keeping, which is about accounts and journals, never about people.
OF_THE_BOOK = {"account_day", "balance", "book", "clock", "fold", "kind", "period_total", "seal"}
# One row of each kind that is `:at` old: what is written once, and counted afterwards.
ROWS: Mapping[str, str] = {
    "delivery reports": "insert into sms_report (provider, provider_message_id, status, rank, phone, raw, content_hash,"
    " received_at, applied_at) values ('x', :key, 'Success', 2, '+22376000001', '{}', sha256(convert_to(:key, 'UTF8')),"
    " :at, :at)",
    "conversations": "insert into sms_conversation values ('+223' || :key, 'x', 'X', false, false, '[]', '{}', :at)",
    "ended stops": "insert into sms_optout (phone, source, since, until) values ('+223' || :key, 'x', :at, :at)",
    "limited uses": "insert into limited_use values ('member looked up', '+22376000001', :key, :at)",
    "operator notices": "insert into money_notice (operator, token, body_hash, body, received_at)"
    " values ('x', :key, 'x', 'x', :at)",
    "payee names": "insert into payee_name values ('BEN', 'simulated-ML', '+223' || :key, 'AWA KEITA', 1, :at)",
    "operator minutes": "insert into operator_minute values ('BEN', 'simulated-ML', :at, 1, 0, 0)",
    "wrong checks": "insert into failed_check (mutuelle_id, number, doctor_phone, facility_id, channel, reason,"
    " tried_at) values ('BEN', '199000000', '+22376000041', 'cscom', 'sms', 'code', :at)",
    "languages": "insert into preference values ('+223' || :key, 'fr', :at)",
    "look-ups": "insert into officer_lookup values ('BEN', :key, '+22376000021', 'found', cast(:at as date), :at)",
    "support look-ups": "insert into support_act values (gen_random_uuid(), default, 'who', :key, null, null, '{}',"
    " 'Kadia', 'asked', :at)",
    "firings": "insert into firing values ('BEN', 'reminders', :key, :at, :at, 'done', 0)",
    "received": "insert into sms_inbox (provider, provider_message_id, phone, short_code, body, received_at, state,"
    " handled_as, due_at, handled_at) values ('x', :key, '+22376000001', '1', '-', :at, 'SET_ASIDE', 'stop', :at, :at)",
    "received words": "insert into sms_inbox (provider, provider_message_id, phone, short_code, body, received_at,"
    " state, handled_as, due_at, handled_at) values ('x', :key, '+22376000001', '1', 'a', :at, 'SET_ASIDE', 'stop',"
    " :at, :at)",
    "sent words": "insert into sms_outbox (mutuelle_id, key, phone, template, body, segments, state, due_at, final_at,"
    " created_at) values ('BEN', :key, '+22376000001', 'x', 'words', 1, 'WITHHELD', :at, :at, :at)",
    "action words": "insert into action values ('x', :key, '+22376000001', 1, 'x', 'add_person', '{}', 'x', 'words',"
    " 'screen', :at)",
    "former pins": "insert into officer_pin values ('+223' || :key, convert_to(repeat('x', 91), 'UTF8'), 'slip', :at)",
}
TERMS = {kind.name: kind.days for kind in KINDS if kind.days is not None}


def test_every_table_has_its_place_in_the_list() -> None:
    """Whoever adds a table says what becomes of the people in it."""
    made = [
        line.split()[2].removeprefix("ledger.")
        for path in sorted(SCHEMA.glob("*.sql"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("create table ")
    ]
    said = {table.removeprefix("ledger.") for kind in KINDS for table in kind.tables} | WITHOUT_PEOPLE
    assert not set(made) - said - OF_THE_BOOK
    assert not said - set(made) - {"alembic_version"}
    assert not OF_THE_BOOK & said


def test_each_kind_says_what_happens_when() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert set(ROWS) == set(TERMS)
    for kind in KINDS:
        assert (kind.days is None) or kind.then is not Then.KEPT, kind.name


@pytest.mark.parametrize("kind", sorted(TERMS))
async def test_a_kind_goes_at_the_end_of_its_term_and_not_before(pool: AsyncEngine, kind: str) -> None:
    await found_town(pool)
    days = TERMS[kind]
    async with pool.begin() as db:
        for nth, age in enumerate((days - 1, days + 1, days + 2)):
            await db.execute(text(ROWS[kind]), {"key": f"7600010{nth}", "at": NOON - age * DAY})
    async with pool.begin() as db:
        first = await keep_terms(db, NOON, most=1)
        assert first[kind] == 1, "no more than asked for"
        assert (await keep_terms(db, NOON))[kind] == 1
        assert kind not in await keep_terms(db, NOON)
        assert (await keep_terms(db, NOON + 2 * DAY))[kind] == 1


async def test_words_by_which_somebody_is_a_member_stay(pool: AsyncEngine) -> None:
    await found_town(pool)
    row = text(ROWS["action words"].replace("add_person", "enrol"))
    async with pool.begin() as db:
        await db.execute(row, {"key": "1", "at": NOON - 4_000 * DAY})
        await keep_terms(db, NOON)
        assert await db.scalar(text("select consent from action")) == "words"


async def test_a_message_that_waits_is_never_shortened(pool: AsyncEngine) -> None:
    await found_town(pool)
    row = text(ROWS["sent words"].replace("'WITHHELD', :at, :at", "'DUE', :at, null"))
    async with pool.begin() as db:
        await db.execute(row, {"key": "1", "at": NOON - 4_000 * DAY})
        await keep_terms(db, NOON)
        assert await db.scalar(text("select body from sms_outbox")) == "words"


async def test_over_years_the_clock_keeps_the_terms(pool: AsyncEngine, clock: Clock) -> None:
    """A household lives, is looked at each month and writes; it leaves, and after its term nothing knows its name."""
    await found_town(pool)
    await set_limit(pool, "years_kept", 3)
    household = await joined(pool, AWA)
    writer = Writer(sms_deps(pool, clock), AWA)
    left_at = NOON + 400 * DAY
    for month in range(78):
        clock.now = NOON + month * 30 * DAY
        if clock.now < left_at:
            await writer.send("bonjour")
            await looked_at(pool, household, clock.now)
        elif clock.now - left_at < 30 * DAY:
            async with pool.begin() as db:
                stands = await standing(db, household, clock.now)
                caller = calling(AWA, clock.now)
                await leave(db, caller, number=household.number, due=stands.due, credit=stands.credit)
            left_at = clock.now
        async with pool.begin() as db:
            await db.execute(
                text("update sms_outbox set state = 'WITHHELD', final_at = created_at where state = 'DUE'")
            )
        for later in (0, 1):  # a firing that was missed by more than a day is made up on the day after
            while await run_schedules(pool, timing.Clock.at(clock.now + later * DAY)):
                continue
        for kind, oldest in (await oldest_ages(pool, clock.now)).items():
            assert oldest <= TERMS[kind] + 31, (kind, month)
    async with pool.connect() as db:
        assert await db.scalar(text("select head_name from household")) == "--"
        assert await db.scalar(text("select erased_at from household")) > left_at.replace(
            year=left_at.year + 3
        )
        assert await broken(db) == []
        assert [one for one in await examine(db, SMS) if not one.holds] == []


async def looked_at(pool: AsyncEngine, household: Household, at: datetime) -> None:
    async with pool.begin() as db:
        await note_read(db, calling(OUMOU, at), "BEN", FOUND, [household.number])
        await note_use(db, Limited.MEMBER_LOOKED_UP, OUMOU, f"{at}", at)


OLDEST = {
    "sent words": "select min(created_at) from sms_outbox where body <> '-'",
    "received words": "select min(received_at) from sms_inbox where body <> '-'",
    "received": "select min(received_at) from sms_inbox",
    "limited uses": "select min(used_at) from limited_use",
    "look-ups": "select min(looked_at) from officer_lookup",
    "firings": "select min(fired_at) from firing where kind <> 'digest'",
}


async def oldest_ages(pool: AsyncEngine, now: datetime) -> dict[str, int]:
    """The age in days of the oldest row of each kind, where there is one."""
    async with pool.connect() as db:
        found = {kind: await db.scalar(text(query)) for kind, query in OLDEST.items()}
    return {kind: (now - at).days for kind, at in found.items() if at}


def test_the_words_that_stay_are_those_that_a_household_reads() -> None:
    script = (SCHEMA / "personal_data.sql").read_text(encoding="utf-8")
    [stay] = re.findall(r"a\.name not in \(([^)]+)\)", script)
    assert set(re.findall(r"'(\w+)'", stay)) == set(AGREED)
