"""The commands of support as typed: masked, on record, all or nothing, and one line for each fault."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mutuelle.acts import By
from mutuelle.households.households import Household
from mutuelle.support.changes import change_phone
from mutuelle.support.freezes import freeze_household
from talk.words import Caller
from tests.conftest import Database
from tests.support.joined_households import joined, unpaid
from tests.support.town import AWA, MARIAM, found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
BECAUSE = ("--actor", "Kadidia", "--reason", "lost her phone")
CASE = ("--actor", "Kadidia", "--reason", "the operator confirms it")


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside the usual town."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    return lambda *typed: typed_into(capsys, *typed)


@pytest.fixture
def households(database: Database) -> tuple[Household, Household]:
    """Awa's household, paid up; Mariam's, unpaid."""
    return asyncio.run(_households(database.url))


async def _households(url: str) -> tuple[Household, Household]:
    pool = create_async_engine(url, poolclass=NullPool)
    await found_town(pool)
    found = await joined(pool, AWA), await unpaid(pool, MARIAM)
    await pool.dispose()
    return found


def scalar(database: Database, query: str) -> object:
    """One value of the database, read as the service's role."""

    async def read() -> object:
        pool = create_async_engine(database.url, poolclass=NullPool)
        async with pool.connect() as db:
            found = await db.scalar(text(query))
        await pool.dispose()
        return found

    return asyncio.run(read())


def test_who_prints_what_is_masked_and_keeps_the_look(
    keneya: Keneya, database: Database, households: tuple[Household, Household]
) -> None:
    code, output, complaints = keneya("who", AWA, *BECAUSE)
    assert (code, complaints) == (0, "")
    assert output.startswith("phone …01\n")
    assert AWA not in output
    assert "Awa" not in output
    assert scalar(database, "select actor || ': ' || reason from support_act") == "Kadidia: lost her phone"
    assert keneya("who", households[0].shown_number, *BECAUSE)[1].startswith(
        f"household {households[0].shown_number}"
    )


def test_a_phone_is_changed_and_changed_back(keneya: Keneya, households: tuple[Household, Household]) -> None:
    number = households[0].number
    code, output, _ = keneya("household", "phone", number, "--new", "+22376000003", *BECAUSE)
    assert (code, output) == (
        0,
        f"Household {households[0].shown_number}: done, every phone concerned is told by SMS.\n",
    )
    assert keneya("household", "phone", number, "--new", AWA, "--old", "+22376000003", *BECAUSE)[0] == 0


def test_the_head_changes_and_changes_back(keneya: Keneya, households: tuple[Household, Household]) -> None:
    number = households[0].number
    code, output, _ = keneya(
        "household", "head", number, "--rank", "2", "--name", "Moussa Diarra", "--left", *BECAUSE
    )
    assert (code, "is covered until the end of today" in output) == (0, True)
    assert (
        keneya("household", "head", number, "--rank", "1", "--name", "Awa Koné", "--stays", *BECAUSE)[0] == 0
    )


def test_a_duplicate_is_merged_and_comes_back(
    keneya: Keneya, households: tuple[Household, Household]
) -> None:
    kept, double = households
    code, output, _ = keneya("household", "merge", double.number, kept.number, *BECAUSE)
    assert (code, output.splitlines()[0]) == (
        0,
        f"Household {double.number} is closed, 0 F of its money is now of {kept.number}.",
    )
    assert keneya("household", "reopen", double.number, *BECAUSE)[0] == 0


def test_a_household_is_closed_and_opened_again(
    keneya: Keneya, households: tuple[Household, Household]
) -> None:
    number = households[1].number
    assert keneya("household", "close", number, *BECAUSE)[0] == 0
    code, _, complaints = keneya("household", "close", number, *BECAUSE)
    assert (code, complaints) == (
        1,
        f"keneya: household {number} is closed: `keneya household reopen {number}` first\n",
    )
    assert keneya("household", "reopen", number, *BECAUSE)[0] == 0


def test_a_case_is_listed_closed_and_opened_again(
    keneya: Keneya, database: Database, households: tuple[Household, Household]
) -> None:
    reference = str(scalar(database, "select reference from payment where state = 'PAID'"))

    async def open_one() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        async with pool.begin() as db:
            await db.execute(
                text(
                    "insert into payment_case values ('BEN', cast(:r as uuid), 'old', 'a day', now(), null)"
                ),
                {"r": reference},
            )
        await pool.dispose()

    asyncio.run(open_one())
    assert f"simulated old: a day, {reference}" in keneya("case", "list")[1]
    assert keneya("case", "close", reference, *CASE)[1].startswith("Closed: 1.")
    assert keneya("case", "list")[1] == "0 open.\n"
    assert keneya("case", "reopen", reference, "--kind", "old", *CASE)[1] == "Open again: 1.\n"
    assert keneya("case", "close", str(uuid4()), *CASE)[0] == 1


def test_what_is_refused_changes_nothing(
    keneya: Keneya, database: Database, households: tuple[Household, Household]
) -> None:
    code, output, complaints = keneya(
        "household", "phone", households[0].number, "--new", "+22320212223", *BECAUSE
    )
    assert (code, output, complaints) == (2, "", "keneya: +22320212223 is not a mobile number\n")
    assert scalar(database, "select count(*) from support_act") == 0
    assert scalar(database, "select count(*) from sms_outbox where template = 'phone changed'") == 0
    assert scalar(database, "select count(*) from household_phone") == 2


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["who", AWA], "required: --actor, --reason"),
        (["who", "76000001", *BECAUSE], "is not a phone such as"),
        (["who", "199000011", *BECAUSE], "is not a member number"),
        (["household", "phone", "199000010", *BECAUSE], "--new, --old or both"),
        (["household", "phone", "199000010", "--old", AWA, "--also", *BECAUSE], "not allowed with"),
        (["household", "head", "199000010", "--rank", "2", "--name", "Awa", *BECAUSE], "--left --stays"),
        (
            ["household", "head", "199000010", "--rank", "2", "--name", "7", "--left", *BECAUSE],
            "is not a name",
        ),
        (
            ["household", "head", "199000010", "--rank", "x", "--name", "Awa", "--left", *BECAUSE],
            "'x' is not the number of a person, such as 2",
        ),
        (["household", "close", "199000010", "--actor", "K", "--reason", "why"], "2 to 60 letters"),
        (["household", "close", "199000010", "--actor", "Kadidia", "--reason", " "], "2 to 160 letters"),
        (
            ["case", "close", "abc", *CASE],
            "'abc' is not the reference of a payment: `keneya case list` prints them",
        ),
    ],
)
def test_what_is_typed_wrongly_exits_with_2(keneya: Keneya, typed: list[str], complaint: str) -> None:
    code, output, complaints = keneya(*typed)
    assert (code, output) == (2, "")
    assert complaint in complaints


@pytest.mark.parametrize("act", ["phone", "head", "merge", "close", "reopen"])
def test_every_act_says_how_it_is_taken_back(keneya: Keneya, act: str) -> None:
    code, output, _ = keneya("household", act, "--help")
    assert code == 0
    assert "back:" in " ".join(output.split())


def test_a_phone_is_doubted_and_known_again(
    keneya: Keneya, database: Database, households: tuple[Household, Household]
) -> None:
    number = households[0].number
    code, output, _ = keneya("phone", "doubt", AWA, "--new-sim", *BECAUSE)
    assert (code, output.splitlines()[0]) == (
        0,
        f"Household {households[0].shown_number} is no longer shown or told to this phone, until it is proven.",
    )
    assert "phone …01, IN DOUBT: new sim" in keneya("who", number, *BECAUSE)[1]
    assert scalar(database, "select count(*) from sms_outbox where template = 'phone changed'") == 0
    code, output, _ = keneya("phone", "known", AWA, number, *BECAUSE)
    assert (code, output) == (0, f"Household {households[0].shown_number} is shown to this phone again.\n")
    assert keneya("phone", "known", AWA, number, *BECAUSE) == (
        1,
        "",
        f"keneya: the phone {AWA} is not in doubt for household {number}\n",
    )
    assert keneya("phone", "doubt", "+22376000003", *BECAUSE)[0] == 1


def test_a_number_that_was_moved_is_asked_on_its_network_and_back(
    keneya: Keneya, database: Database, households: tuple[Household, Household]
) -> None:
    code, output, _ = keneya("phone", "network", AWA, "moov", *BECAUSE)
    assert (code, output) == (
        0,
        "This phone is asked for money as one of ML-moov, from the next payment on.\n",
    )
    assert "network ML-moov, not that of its prefix (ML-orange)" in keneya("who", AWA, *BECAUSE)[1]
    code, _, complaint = keneya("phone", "network", AWA, "mtn", *BECAUSE)
    assert (code, complaint) == (1, f"keneya: the networks of {AWA} can be: moov, orange, telecel\n")
    assert keneya("phone", "network", AWA, "usual", *BECAUSE)[0] == 0
    assert scalar(database, "select count(*) from phone_network") == 0
    acts = (
        "select string_agg(number || ' ' || subject || ' ' || (facts ->> 'network'), ', ' order by done_at) "
    )
    assert scalar(database, acts + "from support_act where act = 'phone network'") == (
        f"{households[0].number} {AWA} ML-moov, {households[0].number} {AWA} ML-orange"
    )


def test_a_household_that_said_no_is_a_case_and_goes_on(
    keneya: Keneya, database: Database, households: tuple[Household, Household]
) -> None:
    number = households[0].number
    assert (
        keneya("household", "unfreeze", number, *BECAUSE)[2] == f"keneya: household {number} is not frozen\n"
    )

    async def freeze() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        at = datetime.now(UTC)
        caller = Caller(AWA, "fr", "sms", "a message", at)
        async with pool.begin() as db:
            by = By("Kadidia", "she came", at)
            await change_phone(db, number, by, new="+22376000003", old=None)
            await freeze_household(db, caller, number=number)
        await pool.dispose()

    asyncio.run(freeze())
    listed = keneya("case", "list")[1]
    assert f"BEN {number} said NO: …01, phone changed; back: household unfreeze" in listed
    assert listed.endswith("1 open.\n")
    assert "FROZEN" in keneya("who", number, *BECAUSE)[1]
    assert keneya("household", "unfreeze", number, *BECAUSE)[0] == 0
    assert keneya("case", "list")[1] == "0 open.\n"
