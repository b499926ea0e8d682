"""One line a call in the log: what the operator looks up where somebody says that her call failed at 10:12."""

import logging
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.gateway_forms import post
from tests.support.running_service import House, WirePhone
from tests.support.town import AWA, NOON, join

STRANGER = "+22379990001"


@pytest.fixture
def lines(house: House) -> Iterator[list[str]]:
    """What the log says of each call: mutuelles, menu, hops, ending."""
    found: list[str] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "call.ended":
                facts = record.__dict__
                found.append(" ".join(str(facts[name]) for name in ("mutuelles", "menu", "hops", "ending")))

    logger, reader = logging.getLogger("keneya.ussd"), Reader()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(reader)
    yield found
    logger.removeHandler(reader)
    logger.setLevel(before)


async def end(phone: WirePhone, status: str = "Success") -> None:
    form = {"sessionId": phone.call, "phoneNumber": phone.phone, "input": "4*1234", "status": status}
    assert (await post(phone.house, "ussd/ended", form)).status_code == 200


async def test_a_call_leaves_one_line_however_it_ends(
    house: House, pool: AsyncEngine, lines: list[str]
) -> None:
    await join(pool, AWA, at=NOON)
    awa, stranger = WirePhone(house), WirePhone(house, STRANGER)

    await awa.dial()
    assert (await awa.type("8", "2", "1")).startswith("END ")
    await awa.send()  # the gateway repeats the hop
    await end(awa)
    assert lines == ["('BEN',) language 4 acted"]

    lines.clear()
    await stranger.dial()
    await stranger.type("7")
    await end(stranger, "Incomplete")
    assert lines == ["() mutuelle 2 left"]

    lines.clear()
    await awa.dial()
    await end(awa, "Failed")
    assert lines == ["('BEN',) home 1 left"]

    lines.clear()
    await awa.dial()
    await awa.type("8", "2")
    await end(awa, "Failed")
    assert lines == ["('BEN',) language 3 left"], "where a screen is agreed to nothing is remembered"


async def test_where_the_session_is_lost_the_notice_is_answered_all_the_same(
    house: House, redis_url: str, lines: list[str]
) -> None:
    phone = WirePhone(house)
    await phone.dial()
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    await end(phone)
    assert lines == []
