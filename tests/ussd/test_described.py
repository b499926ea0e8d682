"""Every gateway that is a file of data: the same call is the same call through each of them."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from simulator import vendor
from talk.session import Sessions
from talk.tables import action
from tests.support.gateway_phone import CODE, GatewayPhone
from tests.support.running_service import House
from tests.support.town import AWA
from ussd.gateways import described_names

SHAPES = described_names()
JOIN = ("1", "1", "Awa Koné", "45*38*12*7", "1")


async def actions(pool: AsyncEngine) -> int:
    async with pool.connect() as db:
        return int(await db.scalar(select(func.count()).select_from(action)) or 0)


def test_every_shape_is_there() -> None:
    assert SHAPES == ["advanta", "comviva", "dmark", "hubtel", "madapi", "mtn-rwanda", "nalo", "plain"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_stranger_joins_and_the_acting_hop_acts_once(
    shape: str, house: House, pool: AsyncEngine
) -> None:
    awa = GatewayPhone(house, shape)
    assert (await awa.dial()).startswith("Keneya")
    screen = await awa.type(*JOIN)
    while "J'accepte" not in screen:  # in parts where the screen is small
        screen = await awa.type("98")
    assert await awa.again() == screen, "a repeated hop gets its screen"
    assert "Bienvenue" in await awa.type("1")
    welcome = awa.shown
    assert await awa.again() == welcome.words
    assert awa.shown == welcome
    assert await actions(pool) == 1


@pytest.mark.parametrize("shape", vendor.vendors())
async def test_the_phone_page_calls_through_the_chosen_gateway_and_hangs_up(
    shape: str, house: House, redis_url: str
) -> None:
    asked = {"phone": AWA, "code": CODE, "gateway": shape}
    call = (await house.http.post("/simulator/calls", data=asked)).json()
    assert call["screen"].startswith("Keneya, votre mutuelle")
    path = f"/simulator/calls/{call['id']}"
    shown = (await house.http.post(path, data={"answer": "7"})).json()
    assert shown["screen"].startswith("Mutuelle Benso")
    await house.http.delete(path)
    if shape == vendor.AFRICASTALKING or vendor.tells_ends(shape):
        async with Redis.from_url(redis_url) as redis:
            sessions = Sessions(redis, shape)

            async def over() -> bool:
                session, _raw = await sessions.load(call["id"])
                return bool(session and session.over_ms)

            assert await house.work_until(over)
