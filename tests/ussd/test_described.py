"""Every gateway that is a file of data: the same call is the same call through each of them."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from talk.tables import action
from tests.support.gateway_phone import GatewayPhone
from tests.support.running_service import House
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
