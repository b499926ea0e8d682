"""`keneya route` as typed: added, listed, removed; what is under way goes on, what nobody can ask fails and is told."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from commands.command import public_url
from engines.embedded import Addresses
from mobilemoney import adapters
from mobilemoney.credentials import Credentials
from mutuelle.acts import By
from mutuelle.contributions.payments import PaymentState, move
from mutuelle.contributions.route_guards import StrangeRouteError, refuse_strange_routes
from mutuelle.tables import payment
from tests.conftest import Database
from tests.support.officer_acts import broken
from tests.support.town import AWA, MARIAM, NOON, found_town, join
from tests.test_cli import Keneya, typed_into

T = TypeVar("T")
BY = ("--actor", "Kadidia", "--reason", "the contract ended")
HERE = ("--mutuelle", "BEN", "--country", "ML")
NOT_HERE = "simulated, which cannot be asked from here without SIMULATOR=1"


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside the usual town, with the simulator."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("SIMULATOR", "1")
    on(database, found_town)
    return lambda *typed: typed_into(capsys, *typed)


def on(database: Database, act: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Do something with the service's own database."""

    async def done() -> T:
        pool = create_async_engine(database.url, poolclass=NullPool)
        try:
            return await act(pool)
        finally:
            await pool.dispose()

    return asyncio.run(done())


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    async def read(pool: AsyncEngine) -> list[tuple[object, ...]]:
        async with pool.connect() as db:
            return [tuple(row) for row in await db.execute(text(query))]

    return on(database, read)


def asked(database: Database, phone: str, state: PaymentState = PaymentState.ASKED) -> None:
    """A household that joined and whose payment is in `state`."""

    async def act(pool: AsyncEngine) -> None:
        household = await join(pool, phone, at=NOON)
        if state is PaymentState.ASKED:
            return
        async with pool.begin() as db:
            of_household = select(payment.c.reference).where(payment.c.number == household.number)
            key = (await db.execute(of_household)).scalar_one()
            await move(db, "BEN", key, state, by=By("test", "sent", NOON))

    on(database, act)


def test_a_route_is_removed_and_added_again_with_who_and_why(keneya: Keneya, database: Database) -> None:
    assert keneya("route", "list")[1].splitlines() == [
        "BEN      ML leads to simulated, account simulated-ML",
        "Routes: 1. Operators that are asked from here: simulated.",
        f"Operators of this version: {', '.join(adapters())}.",
    ]
    code, output, _ = keneya("route", "remove", *HERE, *BY)
    assert (code, output) == (
        0,
        "BEN no longer asks the phones of ML by simulated: they pay in cash from now on.\n",
    )
    assert keneya("route", "list", "--mutuelle", "BEN")[1].startswith("Routes: 0.")
    assert keneya("route", "remove", *HERE, *BY) == (1, "", "keneya: BEN has no route for ML\n")
    for nth, said in enumerate(("From the next call on.", "It did so already: nothing was changed.")):
        code, output, _ = keneya("route", "add", *HERE, "--operator", "simulated", *BY)
        assert (code, output.splitlines()[1]) == (0, said), nth
        assert "stands in the contract" in output.splitlines()[-1], "who bears its fees"
    assert rows(
        database, "select act, subject, actor, reason, facts ->> 'operator' from support_act order by nth"
    ) == [
        ("route remove", "BEN ML", "Kadidia", "the contract ended", "simulated"),
        ("route add", "BEN ML", "Kadidia", "the contract ended", "simulated"),
    ]
    opened = "select count(*) from ledger.account where code like 'health:%simulated-ML'"
    assert rows(database, opened) == [(3,)], "its float, what payouts are made from, its suspense account"


def test_the_address_for_notices_is_printed_where_an_operator_takes_one_for_all(
    keneya: Keneya, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://pay.example.org/")
    assert keneya("route", "notices")[1] == (
        "Accounts with one address for all notices: 0. The others tell it with each payment.\n"
    )
    there = ("--mutuelle", "BEN", "--country", "TG", "--operator", "paygate")
    assert "Networks: TG-moov, TG-togocel." in keneya("route", "add", *there, *BY)[1].splitlines()
    [(token,)] = rows(database, "select notice_token from operator_account where operator = 'paygate'")
    for whose in ((), ("--mutuelle", "BEN")):
        code, output, _ = keneya("route", "notices", *whose)
        assert (code, output.splitlines()) == (
            0,
            [
                f"BEN      paygate-TG: https://pay.example.org/money/paygate/{token}",
                "Accounts with one address for all notices: 1. The others tell it with each payment.",
            ],
        )
    monkeypatch.setenv("PUBLIC_URL", "ftp://pay.example.org")
    assert keneya("route", "notices")[0] == 2


def test_beside_a_running_service_the_address_is_the_one_on_which_that_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = Addresses(None, None, None, "", 1, {}, public_url="http://127.0.0.1:8123")
    monkeypatch.setattr("commands.command.find_running", lambda _data: running)
    for name in ("DATABASE_URL", "PUBLIC_URL", "PORT", "HOST"):
        monkeypatch.delenv(name, raising=False)
    assert public_url() == "http://127.0.0.1:8123"
    monkeypatch.setenv("PUBLIC_URL", "https://pay.example.org")
    assert public_url() == "https://pay.example.org"


def test_a_payment_under_way_goes_on_without_its_route(keneya: Keneya, database: Database) -> None:
    asked(database, AWA)
    asked(database, MARIAM, PaymentState.SENT)
    output = keneya("route", "remove", *HERE, *BY)[1]
    assert output.splitlines()[1:] == [
        "Payments under way: 2. Keep the settings of simulated until they are settled."
    ]
    states = "select state from payment order by state"
    assert rows(database, states) == [("ASKED",), ("SENT",)]


def test_where_nobody_can_ask_the_operator_what_was_never_sent_fails_and_is_told(
    keneya: Keneya, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(database, AWA)
    monkeypatch.delenv("SIMULATOR")
    assert keneya("route", "list")[1].splitlines()[0] == f"BEN      ML leads to {NOT_HERE}"
    output = keneya("route", "remove", *HERE, *BY)[1]
    assert output.splitlines()[1:] == [
        "Payments that were never sent and have failed: 1. Who asked for them is told by SMS."
    ]
    assert rows(database, "select state from payment") == [("FAILED",)]
    assert rows(database, "select phone, template from sms_outbox") == [(AWA, "payment failed")]
    assert on(database, broken) == set()


def test_the_route_of_an_operator_that_this_version_lacks_is_removed_and_who_asked_is_told(
    keneya: Keneya, database: Database
) -> None:
    asked(database, AWA)

    async def was_another(_pool: AsyncEngine) -> None:
        owner = create_async_engine(database.owner_url, poolclass=NullPool)
        async with owner.begin() as db:
            for table in ("operator_account", "payment"):
                await db.execute(text(f"update {table} set operator = 'former'"))
        await owner.dispose()

    on(database, was_another)
    assert "former" in keneya("route", "list")[1].splitlines()[0]
    code, output, complaint = keneya("route", "remove", *HERE, *BY)
    assert (code, complaint) == (0, "")
    assert output.splitlines()[1:] == [
        "Payments that were never sent and have failed: 1. Who asked for them is told by SMS."
    ]
    assert rows(database, "select phone, template from sms_outbox") == [(AWA, "payment failed")]


def test_a_bad_route_of_one_network_is_named_so_that_only_it_is_removed(
    keneya: Keneya, database: Database
) -> None:
    there = ("--mutuelle", "BEN", "--country", "TG", "--operator", "paygate")
    assert keneya("route", "add", *there, *BY)[0] == 0

    async def refused(pool: AsyncEngine) -> list[str]:
        with pytest.raises(StrangeRouteError) as fault:
            await refuse_strange_routes(pool, Credentials())
        return [line.partition(": keneya ")[2] for line in str(fault.value).splitlines()]

    commands = on(database, refused)
    assert commands[1:] == [
        f"route remove --mutuelle BEN --country TG --network {name}" for name in ("moov", "togocel")
    ]
    assert keneya(*commands[1].split(), *BY)[0] == 0
    assert rows(database, "select network from route order by 1") == [("ML",), ("TG-togocel",)]


def test_what_was_sent_is_never_left_without_an_answer(
    keneya: Keneya, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(database, AWA)
    asked(database, MARIAM, PaymentState.SENT)
    monkeypatch.delenv("SIMULATOR")
    code, output, complaint = keneya("route", "remove", *HERE, *BY)
    assert (code, output) == (1, "")
    assert f"payments were sent and wait for the answer of {NOT_HERE}: 1; let it answer first" in complaint
    assert rows(database, "select count(*) from route") == [(1,)]
    assert rows(database, "select count(*) from support_act") == [(0,)]


def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **fields: str) -> None:
    """The credentials of the account pawapay-BJ."""
    path = tmp_path / "secrets.toml"
    path.write_text(
        "[BEN.pawapay-BJ]\n" + "".join(f"{name} = {json.dumps(fields[name])}\n" for name in fields)
    )
    path.chmod(0o600)
    monkeypatch.setenv("OPERATOR_SECRETS", str(path))


IN_BENIN = ("route", "add", "--mutuelle", "BEN", "--country", "BJ", "--operator", "pawapay", *BY)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"url": "https://api.example"}, "with token\n"),
        (
            {"token": "secret", "url": "http://api.example"},
            "with a url that begins with https:// and has a host, no ? or #\n",
        ),
        (
            {"token": "secret", "public_keys": "secret"},
            "with fields that can be used (public_keys is not a list",
        ),
        ({"token": "secret", "key_id": "secret"}, "(private_key and key_id are needed together)"),
    ],
)
def test_credentials_that_cannot_be_used_are_found_before_a_payment_is(
    keneya: Keneya, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], complaint: str
) -> None:
    secrets(tmp_path, monkeypatch, **fields)
    code, _output, said = keneya(*IN_BENIN)
    assert (code, complaint in said, "secret" in said) == (1, True, False), said


@pytest.mark.parametrize(
    ("typed", "code", "complaint"),
    [
        (("--mutuelle", "XXX", "--country", "ML", "--operator", "simulated"), 2, "no mutuelle has the code"),
        (
            ("--mutuelle", "BEN", "--country", "Mali", "--operator", "simulated"),
            2,
            "two letters of a country",
        ),
        ((*HERE, "--operator", "pigeon"), 1, "pigeon, which this version does not know"),
    ],
)
def test_a_route_that_cannot_be_is_not_added(
    keneya: Keneya, typed: tuple[str, ...], code: int, complaint: str
) -> None:
    ended = keneya("route", "add", *typed, *BY)
    assert ended[:2] == (code, "")
    assert complaint in ended[2]


def test_another_operator_takes_a_country_only_after_the_first_has_left(
    keneya: Keneya, database: Database
) -> None:
    async def taken(pool: AsyncEngine) -> None:
        async with pool.begin() as db:
            await db.execute(text("delete from route"))
            await db.execute(
                text(
                    "insert into operator_account values ('BEN', 'orange-ML', 'orange', 'ML', 'XOF', repeat('t', 40))"
                )
            )
            await db.execute(text("insert into route values ('BEN', 'ML', 'orange-ML')"))

    on(database, taken)
    complaint = keneya("route", "add", *HERE, "--operator", "simulated", *BY)[2]
    assert "route BEN ML: is there already with another account" in complaint


def test_without_the_simulator_its_operator_is_not_added(
    keneya: Keneya, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIMULATOR")
    complaint = keneya("route", "add", *HERE, "--operator", "simulated", *BY)[2]
    assert complaint == f"keneya: this would lead to {NOT_HERE}\n"
