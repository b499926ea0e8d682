"""What goes over the wire through each gateway, as text: to join, to pay, a repeated hop, a call that is cut off.

`pytest --rewrite-transcripts` writes the files anew, for a person to read before they are committed.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from simulator import vendor
from simulator.vendor import VendorHop
from talk.tables import action
from tests.support.gateway_phone import CODE, GatewayPhone
from tests.support.running_service import SECRET, House
from tests.support.town import AWA, MARIAM, OUMAR, join, paid

FOLDER = Path(__file__).parents[1] / "transcripts" / "gateways"
DAY = re.compile(r"\d\d(\\?/)\d\d\\?/\d{4}")
OTHER = "+22376000004"
NUMBER = re.compile(r"\b199 \d{3} \d{3}\b")
JOIN = ("1", "1", "Sira Traore", "45 38", "1")
YES = {"join": "J'accepte", "pay": "1 Oui"}


async def acted(pool: AsyncEngine, phone: str) -> int:
    async with pool.connect() as db:
        done = select(func.count()).select_from(action).where(action.c.phone == phone)
        return int(await db.scalar(done) or 0)


async def to_the_yes(phone: GatewayPhone, call: str, typed: tuple[str, ...], yes: str) -> None:
    """Dial and type until the confirmation is read to its end."""
    phone.hop = VendorHop(call, phone.phone, CODE)
    await phone.again()
    await phone.type(*typed)
    for _part in range(4):
        if yes in phone.shown.words:
            return
        await phone.type("98")
    raise AssertionError(phone.shown.words)


def written(phone: GatewayPhone) -> list[str]:
    """Both sides of each hop, a line for a side, without the secret and what another day changes."""
    lines = []
    for request, response in zip(phone.sent, phone.received, strict=True):
        path = request.url.raw_path.decode().replace(SECRET, "SECRET")
        sent = f"> {request.method} {path} {request.content.decode()}".rstrip()
        told = " ".join(
            f"{name}: {response.headers[name]}" for name in ("freeflow",) if name in response.headers
        )
        lines += [sent, f"< {told} {response.text}".replace("<  ", "< "), ""]
    return [NUMBER.sub("199 000 000", DAY.sub("JJ/MM/AAAA", line)) for line in lines[:-1]]


@pytest.mark.parametrize("shape", vendor.vendors())
async def test_calls_through_a_gateway_go_as_they_are_written(
    shape: str, house: House, pool: AsyncEngine, request: pytest.FixtureRequest
) -> None:
    now = datetime.now(UTC)
    await paid(pool, await join(pool, AWA, at=now, pay_minor=6000), at=now)
    lines = [f"# Through {shape}: what the gateway sends (>), what it is answered (<)."]

    def tell(title: str, phone: GatewayPhone) -> None:
        lines.extend(["", f"## {title}", "", *written(phone)])

    joins = GatewayPhone(house, shape, MARIAM)
    await to_the_yes(joins, "join", JOIN, YES["join"])
    assert "Bienvenue" in await joins.type("1")
    welcome, sent = joins.shown, len(joins.sent)
    tell("join", joins)
    assert (await joins.again(), joins.shown) == (welcome.words, welcome)
    assert await acted(pool, MARIAM) == 1
    joins.sent, joins.received = joins.sent[sent:], joins.received[sent:]
    tell("the acting hop once more: the same screen, nothing is done twice", joins)

    pays = GatewayPhone(house, shape)
    await to_the_yes(pays, "pay", ("2", "1"), YES["pay"])
    await pays.type("1")
    assert (pays.shown.goes_on, await acted(pool, AWA)) == (False, 1)
    tell("pay", pays)

    cut_off = zip((OUMAR, OTHER), ("cancelled", "timed out"), strict=True)
    for who, how in cut_off if vendor.tells_ends(shape) else ():
        cut = GatewayPhone(house, shape, who)
        await to_the_yes(cut, how.replace(" ", "-"), JOIN, YES["join"])
        cut.sent, cut.received = [], []
        assert not vendor.read_reply(shape, await cut.end(how)).goes_on
        cut.hop = cut.hop._replace(typed=(*cut.hop.typed, "1"))
        await cut.again()
        assert (cut.shown.goes_on, await acted(pool, who)) == (False, 0)
        tell(f"{how} at the confirmation; a yes that comes later is none", cut)

    path, played = FOLDER / f"{shape}.txt", "\n".join(lines).rstrip() + "\n"
    if request.config.getoption("--rewrite-transcripts"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(played)
    assert played == path.read_text()
