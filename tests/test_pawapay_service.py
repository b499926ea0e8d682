"""pawaPay through the running service: its signed notices, what a forged one does not move, a payer's own code."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money
from mobilemoney.credentials import Credentials
from mutuelle import tables
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.scheme.mutuelles import get_mutuelle
from simulator import signing
from talk.answers import Secret
from talk.words import Caller
from tests.support.gateway_forms import kept
from tests.support.running_service import House, housed
from tests.support.town import found_town, join

if TYPE_CHECKING:
    from tests.conftest import Database

ROUTES = [Route("CI-mtn", "pawapay"), Route("BF-orange", "pawapay")]
PHONE, KEY_ID, TYPE = "+2250504417001", "HTTP_EC_P256_KEY:1", "application/json; charset=UTF-8"


@pytest.fixture
async def house(
    database: "Database", redis_url: str, tmp_path: Path, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """A mutuelle whose payers of MTN Côte d'Ivoire are asked by pawaPay, with signatures both ways."""
    await found_town(pool)
    async with pool.begin() as db:
        await open_routes(db, await get_mutuelle(db, "BEN"), ROUTES)
    (tmp_path / "ours").mkdir()
    ours, theirs = signing.key_of(tmp_path / "ours"), signing.key_of(tmp_path)
    keys = {
        "key_id": "KENEYA:1",
        "private_key": (tmp_path / "ours" / "pawapay.pem").read_text(),
        "public_keys": json.dumps([{"id": KEY_ID, "key": signing.public_pem(theirs)}]),
    }
    of = Credentials.of

    def with_keys(self: Credentials, mutuelle_id: str, name: str, operator: str) -> Mapping[str, str]:
        fields = of(self, mutuelle_id, name, operator)
        return {**fields, **keys} if operator == "pawapay" else fields

    monkeypatch.setattr(Credentials, "of", with_keys)
    async with housed(database.url, redis_url, tmp_path, pool) as running:
        dashboard = {"account": "simulated", "notice_url": running.environ["PUBLIC_URL"] + await path(pool)}
        signs = {"account": "simulated", "key_id": "KENEYA:1", "public_key": signing.public_pem(ours)}
        for told in (("dashboard", dashboard), ("signatures", signs | {"notices": "der"})):
            reply = await running.http.post(f"/simulator/pawapay/{told[0]}", data=told[1])
            assert reply.status_code == 200, reply.text
        yield running


async def path(pool: AsyncEngine) -> str:
    account = tables.operator_account
    [row] = await kept(pool, account, account.c.name == "pawapay-CI")
    return f"/money/pawapay/{row.notice_token}"


async def test_a_signed_notice_rings_and_the_status_pays(house: House) -> None:
    await join(house.pool, PHONE, at=datetime.now(UTC))
    await house.answer(await house.prompt(PHONE), "approve")
    await house.work_until(lambda: kept(house.pool, tables.money_notice))
    assert await house.message("REÇU", PHONE)
    [paid] = await kept(house.pool, tables.payment)
    assert (paid.state, paid.account) == ("PAID", "pawapay-CI")
    [notice] = await kept(house.pool, tables.money_notice)
    assert json.loads(notice.body)["depositId"] == str(paid.reference)


async def test_a_forged_notice_is_refused_and_rings_nothing(house: House) -> None:
    await join(house.pool, PHONE, at=datetime.now(UTC))
    await house.prompt(PHONE)
    [before] = await kept(house.pool, tables.payment)
    body = json.dumps({"depositId": str(before.reference), "status": "COMPLETED"}).encode()
    where = await path(house.pool)
    mine = ec.generate_private_key(ec.SECP256R1())
    url = house.environ["PUBLIC_URL"] + where
    for headers in (
        {"content-type": TYPE},
        signing.signed(url, TYPE, body, mine, KEY_ID, "der"),
        signing.signed(url, TYPE, body + b" ", mine, KEY_ID, "raw"),
    ):
        assert (await house.http.post(where, content=body, headers=headers)).status_code == 401
    [after] = await kept(house.pool, tables.payment)
    assert (after.state, after.due_at) == (before.state, before.due_at)
    assert await kept(house.pool, tables.money_notice) == []


@pytest.mark.parametrize(("code", "told"), [("418002", "REÇU"), ("0000", "Code faux ou trop vieux")])
async def test_a_payer_of_orange_burkina_pays_with_her_own_code(house: House, code: str, told: str) -> None:
    phone, now = "+22607112233", datetime.now(UTC)
    household = await join(house.pool, phone, at=now, cash=True)
    async with house.pool.begin() as db:
        payer = PayingPhone(phone, otp=Secret(code))
        await ask_payment(
            db, Caller(phone, "fr", "test", "a call", now), household, Money(3_000, "XOF"), payer
        )
    assert await house.message(told, phone)
    assert await house.prompts(phone) == [], "nobody is asked"
    [row] = await kept(house.pool, tables.payment)
    assert (row.account, row.otp, row.state) == (
        *("pawapay-BF", None, "PAID" if code == "418002" else "FAILED"),
    )
