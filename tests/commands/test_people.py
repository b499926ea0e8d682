"""`keneya role`, `keneya pin` and `keneya cash` as typed: what they write, print and refuse."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Role
from mutuelle.treasury.cash import Recorded
from mutuelle.treasury.cash_disputes import dispute_cash
from talk.answers import Secret
from talk.keyring import Keyring
from talk.words import Caller
from tests.conftest import Database
from tests.support.officer_acts import calling, receives
from tests.support.officers import FANTA, ISSA, appoint
from tests.support.town import AWA, found, join, paid
from tests.test_cli import Keneya, keneya

__all__ = ["keneya"]

WHY = ("--actor", "Mme Diallo", "--reason", "elected on Sunday")
KEY = "a-seal-key-of-the-tests-0123456789abcdef"
OUMOU = "+22376000021"


@pytest.fixture
def town(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("SEAL_KEY", KEY)
    asyncio.run(_found(database.url))
    return database


async def _found(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as db:
        await found(db)
    await engine.dispose()


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    async def read() -> list[tuple[Any, ...]]:
        engine = create_async_engine(database.url)
        async with engine.connect() as db:
            found = [tuple(row) for row in await db.execute(text(statement))]
        await engine.dispose()
        return found

    return asyncio.run(read())


def test_a_role_is_given_listed_and_withdrawn(town: Database, keneya: Keneya) -> None:
    code, said, _ = keneya(
        "role", "give", "--mutuelle", "BEN", "collector", OUMOU, "--name", "Oumou Traoré", *WHY
    )
    assert (code, said.splitlines()[0]) == (
        0,
        "Oumou Traoré is collector of BEN from today on, and is told by SMS.",
    )
    _code, said, _ = keneya("role", "list", "--mutuelle", "BEN")
    assert said.splitlines()[0] == "collector          +22376000021     Oumou Traoré"
    assert [line.split()[0] for line in said.splitlines()] == ["collector", "treasurer", "treasurer"]
    code, said, _ = keneya("role", "withdraw", "--mutuelle", "BEN", "collector", OUMOU, *WHY)
    assert (code, "Left: 0." in said) == (0, True)
    _code, said, _ = keneya("role", "list", "--mutuelle", "BEN")
    assert "collector" not in said
    _code, said, _ = keneya("role", "list", "--mutuelle", "BEN", "--changes")
    assert [re.sub("^.{16}  ", "", line) for line in said.splitlines()[-2:]] == [
        "given      collector          +22376000021     Oumou Traoré: elected on Sunday (Mme Diallo)",
        "withdrawn  collector          +22376000021     Oumou Traoré: elected on Sunday (Mme Diallo)",
    ]
    templates = rows(town, "select template from sms_outbox order by template")
    by_service = [("role changed by the service",)] * 4  # of each act, each of the two treasurers
    assert templates == [*by_service, ("role given",), ("role withdrawn",)]
    told = rows(town, "select phone, body from sms_outbox where template = 'role changed by the service'")
    assert {phone for phone, _body in told} == {FANTA, ISSA}
    assert all("Mme Diallo" in body and "Oumou Traoré" in body for _phone, body in told)


def test_nobody_appoints_themselves_and_the_other_treasurers_learn_of_a_new_one(
    town: Database, keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTORS", "Mme Diallo, Oumou Traoré")
    give = (
        "role",
        "give",
        "--mutuelle",
        "BEN",
        "treasurer",
        OUMOU,
        "--name",
        "Oumou Traore",
        "--reason",
        "elected",
    )
    assert "nobody gives themselves a role" in keneya(*give, "--actor", "oumou traoré")[2]
    assert "is not one of ACTORS: Mme Diallo" in keneya(*give, "--actor", "Somebody")[2]
    assert rows(town, "select phone from sms_outbox") == []
    assert keneya(*give, "--actor", "MME diallo")[0] == 0
    assert rows(town, f"select actor from role_change where phone = '{OUMOU}'") == [("Mme Diallo",)]
    told = rows(town, "select phone from sms_outbox where template = 'role changed by the service'")
    assert {phone for (phone,) in told} == {FANTA, ISSA}


def test_what_was_withdrawn_can_be_given_again(town: Database, keneya: Keneya) -> None:
    for act in ("give", "withdraw", "give"):
        name = ("--name", "Oumou T.") if act == "give" else ()
        assert keneya("role", act, "--mutuelle", "BEN", "enrolment-officer", OUMOU, *name, *WHY)[0] == 0
    assert rows(town, f"select until from officer where phone = '{OUMOU}'") == [(None,)]


@pytest.mark.parametrize(
    ("typed", "code", "complaint"),
    [
        (
            ("role", "give", "--mutuelle", "XXX", "collector", OUMOU, "--name", "Oumou T.", *WHY),
            2,
            "no mutuelle has the code",
        ),
        (
            ("role", "give", "--mutuelle", "BEN", "collector", "76000021", "--name", "Oumou T.", *WHY),
            2,
            "is not a phone",
        ),
        (
            ("role", "give", "--mutuelle", "BEN", "collector", OUMOU, "--name", "O", *WHY),
            2,
            "2 to 26 letters",
        ),
        (
            ("role", "give", "--mutuelle", "BEN", "doctor", OUMOU, "--name", "Dr Oumou", *WHY),
            2,
            "is unknown; --facility is one of: ",
        ),
        (
            ("role", "give", "--mutuelle", "BEN", "king", OUMOU, "--name", "Oumou T.", *WHY),
            2,
            "invalid choice",
        ),
        (
            ("role", "give", "--mutuelle", "BEN", "treasurer", "+22376000007", "--name", "Fanta C.", *WHY),
            1,
            "this role already",
        ),
        (("role", "withdraw", "--mutuelle", "BEN", "collector", OUMOU, *WHY), 1, "does not have this role"),
        (
            ("role", "withdraw", "--mutuelle", "BEN", "collector", OUMOU, "--actor", "x", "--reason", "why"),
            2,
            "2 to 60 letters",
        ),
        (("pin", "issue", OUMOU, *WHY), 2, "has no office today"),
        (("pin", "unlock", OUMOU, *WHY), 1, "has no PIN"),
    ],
)
def test_a_refusal_is_one_line(
    town: Database, keneya: Keneya, typed: tuple[str, ...], code: int, complaint: str
) -> None:
    answered, _said, complained = keneya(*typed)
    assert answered == code
    assert complaint in complained.splitlines()[-1]
    assert rows(town, "select count(*) from role_change where actor <> 'founding'") == [(0,)]


def test_a_pin_is_printed_once_for_the_slip(town: Database, keneya: Keneya) -> None:
    keneya("role", "give", "--mutuelle", "BEN", "collector", OUMOU, "--name", "Oumou Traoré", *WHY)
    code, said, _ = keneya("pin", "issue", OUMOU, *WHY)
    assert code == 0
    drawn = said.splitlines()[-1]
    assert re.fullmatch("[0-9]{5}", drawn)
    assert asyncio.run(opens(town, drawn))
    assert rows(town, f"select what, actor, reason from pin_change where phone = '{OUMOU}'") == [
        ("issued", "Mme Diallo", "elected on Sunday")
    ]
    code, said, _ = keneya("pin", "unlock", OUMOU, *WHY)
    assert (code, said) == (0, "The PIN can be tried again. Its owner is told by SMS.\n")


async def opens(database: Database, pin: str) -> bool:
    engine = create_async_engine(database.url)
    caller = Caller(OUMOU, "fr", "test", "call", datetime.now(UTC), Keyring((KEY.encode(),)))
    async with engine.begin() as db:
        answer = await try_pin(db, caller, Secret(pin))
    await engine.dispose()
    return answer is None


def test_a_pin_needs_the_keys_of_the_service(
    town: Database, keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEAL_KEY")
    code, _said, complained = keneya("pin", "issue", OUMOU, *WHY)
    assert code == 2
    assert "SEAL_KEY: is missing" in complained


async def _received(url: str, days_ago: int = 0) -> str:
    """A collector got 5 000 F of Awa's so many days ago, recorded now, who contests it: the code of the receipt."""
    engine = create_async_engine(url)
    now = datetime.now(UTC)
    then = now - timedelta(days=days_ago)
    await appoint(engine, OUMOU, Role.COLLECTOR, at=then)
    household = await join(engine, AWA, at=then, pay_minor=3_000)
    await paid(engine, household, at=then)
    done = await receives(engine, household, 5_000, at=now, days_ago=days_ago)
    assert isinstance(done, Recorded)
    async with engine.begin() as db:
        await dispute_cash(db, calling(AWA, now), code=done.receipt_code)
    await engine.dispose()
    return done.receipt_code


def test_contested_cash_is_listed_and_settled_once(town: Database, keneya: Keneya) -> None:
    code = asyncio.run(_received(town.url))
    _code, said, _ = keneya("cash", "list", "--mutuelle", "BEN")
    held, contested = said.splitlines()
    assert held.split() == [OUMOU, "Oumou", "Traoré", "5", "000", "F", "for", "0", "days"]
    assert contested.startswith(f"contested {code} 5 000 F of ")
    assert keneya("cash", "close", "--mutuelle", "BEN", code.lower(), *WHY)[0] == 0
    exit_code, _said, complained = keneya("cash", "close", "--mutuelle", "BEN", code, *WHY)
    assert (exit_code, complained) == (1, f"keneya: nobody contests a receipt {code}\n")
    assert rows(town, "select closed_by, outcome from cash_dispute") == [("Mme Diallo", "elected on Sunday")]


def test_cash_that_was_recorded_days_late_is_listed(town: Database, keneya: Keneya) -> None:
    code = asyncio.run(_received(town.url, days_ago=4))
    last = keneya("cash", "list", "--mutuelle", "BEN")[1].splitlines()[-1]
    on, today = datetime.now(UTC).date() - timedelta(days=4), datetime.now(UTC).date()
    assert last.startswith(f"recorded late {code} 5 000 F of {on}, only on {today}, household ")


def test_a_wrong_receipt_is_cancelled_once(town: Database, keneya: Keneya) -> None:
    code = asyncio.run(_received(town.url))
    exit_code, said, _ = keneya("cash", "cancel", "--mutuelle", "BEN", code, *WHY)
    assert (exit_code, said) == (0, "The receipt of 5 000 F is taken back; the household is told by SMS.\n")
    assert keneya("cash", "list", "--mutuelle", "BEN")[1].startswith("No collector holds cash, no receipt ")
    assert keneya("cash", "cancel", "--mutuelle", "BEN", code, *WHY)[0] == 1
    assert (
        keneya("cash", "cancel", "--mutuelle", "BEN", "AAAAAA", *WHY)[2]
        == "keneya: There is no cash receipt AAAAAA.\n"
    )
