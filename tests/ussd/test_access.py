"""Who may call as a gateway, and what its settings are told when they are wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import settings
from settings import DEMO_SECRET, SettingsError
from tests.conftest import Database
from tests.support.running_service import SECRET, House, housed
from tests.support.town import found_town
from tests.test_settings import LIVE, OTHER
from ussd.access import basic
from ussd.gateways import described_names

OLD, NEW = "an-old-secret-of-a-gateway-0123456789", "a-new-secret-of-a-gateway-0123456789"
PASSWORD, KEY = "a-password-of-a-gateway-0123456789", "a-key-in-a-header-of-a-gateway-012345"
HOP = {"session": "s1", "phone": "+22370000100", "input": ""}


def faults(**changes: str) -> list[str]:
    """What is wrong with these settings of a live service."""
    try:
        settings.read(LIVE | changes)
    except SettingsError as fault:
        return fault.faults
    return []


def test_without_the_simulator_no_gateway_is_on_unless_it_is_named() -> None:
    assert settings.read(LIVE).ussd_gateways == ()
    read = settings.read(LIVE | {"USSD_GATEWAYS": " Plain ", "USSD_PLAIN_SECRET": f"{NEW},{OLD}"})
    [plain] = read.ussd_gateways
    assert (plain.name, plain.secrets, plain.code, plain.addresses) == ("plain", (NEW, OLD), "", ())
    assert NEW not in repr(read)


def test_with_the_simulator_every_gateway_is_on_with_the_webhooks_secret() -> None:
    read = settings.read(LIVE | {"SIMULATOR": "1", "WEBHOOK_SECRET": DEMO_SECRET})
    assert [one.name for one in read.ussd_gateways] == described_names()
    assert {one.secrets for one in read.ussd_gateways} == {(DEMO_SECRET,)}


def test_every_fault_of_a_gateway_is_told_at_once() -> None:
    told = faults(
        USSD_GATEWAYS="plain,nallo,madapi,dmark,hubtel",
        USSD_PLAIN_SECRET=LIVE["WEBHOOK_SECRET"],
        USSD_MADAPI_BASIC="mtn",
        USSD_DMARK_SECRET=DEMO_SECRET,
        USSD_DMARK_ADDRESSES="196.201.216.0/24, somewhere",
        USSD_DMARK_CODE="384",
        USSD_NALO_SECRET=NEW,
    )
    assert [line.partition(":")[0] for line in told] == [
        "USSD_GATEWAYS",
        "USSD_NALO_SECRET",
        "USSD_MADAPI_BASIC",
        "USSD_DMARK_SECRET",
        "USSD_DMARK_CODE",
        "USSD_DMARK_ADDRESSES",
        "USSD_HUBTEL_SECRET",
        "USSD_PLAIN_SECRET",
    ]
    assert not any(secret in line for line in told for secret in (NEW, DEMO_SECRET, LIVE["WEBHOOK_SECRET"]))
    one = faults(USSD_GATEWAYS="plain,nalo", USSD_PLAIN_SECRET=OTHER, USSD_NALO_SECRET=OTHER)
    assert one == ["USSD_NALO_SECRET: must not be a value of USSD_PLAIN_SECRET"]
    assert faults(USSD_GATEWAYS="nalo", USSD_NALO_HEADER="X Key: short") != []


@pytest.fixture
async def house(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> AsyncIterator[House]:
    await found_town(pool)
    more: dict[str, Any] = {
        "USSD_GATEWAYS": "plain,comviva,dmark,advanta",
        "USSD_PLAIN_SECRET": f"{NEW},{OLD}",
        "USSD_COMVIVA_BASIC": f"airtel:{PASSWORD}",
        "USSD_COMVIVA_ADDRESSES": "127.0.0.0/8",
        "USSD_DMARK_HEADER": f"X-Api-Key: {KEY}, {OLD}",
        "USSD_ADVANTA_SECRET": OTHER,
        "USSD_ADVANTA_ADDRESSES": "196.201.216.0/24, 2001:db8::/32",
    }
    async with housed(database.url, redis_url, tmp_path, pool, **more) as running:
        yield running


async def statuses(house: House, path: str, *headers: dict[str, str]) -> list[int]:
    """What a dial is answered with each of these headers."""
    answers: list[httpx.Response] = [
        await house.http.get(path, params=HOP, headers=sent) for sent in (headers or ({},))
    ]
    return [answer.status_code for answer in answers]


async def test_only_who_proves_to_be_the_gateway_is_answered(house: House) -> None:
    for secret, status in ((NEW, 200), (OLD, 200), (SECRET, 404), (NEW + "x", 404), ("", 404)):
        assert await statuses(house, f"/ussd/plain/{secret}".rstrip("/")) == [status], secret
    right, wrong = basic("airtel", PASSWORD), basic("airtel", KEY)
    sent = [{}, {"authorization": right}, {"authorization": wrong}, {"authorization": "é".encode()}]
    assert await statuses(house, "/ussd/comviva", *sent) == [404, 200, 404, 404]  # type: ignore[arg-type]
    keys = [{"x-api-key": KEY}, {"X-Api-Key": OLD}, {"x-api-key": NEW}, {}]
    assert await statuses(house, "/ussd/dmark", *keys) == [200, 200, 404, 404]
    assert await statuses(house, f"/ussd/nalo/{SECRET}") == [404], "it is not named"


async def test_who_calls_from_elsewhere_is_not_answered_whatever_it_knows(house: House) -> None:
    """The proxy on this machine says where a request comes from."""
    sent = [
        {},
        {"x-forwarded-for": "196.201.216.9"},
        {"x-forwarded-for": "196.201.217.9"},
        {"x-forwarded-for": "2001:db8::7"},
        {"x-forwarded-for": "nowhere"},
    ]
    assert await statuses(house, f"/ussd/advanta/{OTHER}", *sent) == [404, 200, 404, 200, 404]


async def test_verb_size_and_type_are_looked_at_after_the_secret(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> None:
    async with housed(database.url, redis_url, tmp_path, pool) as house:
        json, xml = {"content-type": "application/json"}, {"content-type": "text/xml"}
        assert (await house.http.post(f"/ussd/plain/{SECRET}")).status_code == 405
        assert (await house.http.post(f"/ussd/plain/{SECRET}x")).status_code == 404
        assert (
            await house.http.get(f"/ussd/plain/{SECRET}", params={"input": "9" * 9000})
        ).status_code == 413
        for shape, headers, other in (("nalo", json, xml), ("mtn-rwanda", xml, json)):
            path = f"/ussd/{shape}/{SECRET}"
            for sent, size, status in ((headers, 9000, 413), (other, 10, 415), (headers, 10, 200)):
                answer = await house.http.post(path, content=b"x" * size, headers=sent)
                assert answer.status_code == status, (shape, sent, size)
