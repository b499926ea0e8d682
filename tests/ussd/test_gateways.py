"""A second gateway is one file: dropped into the room, its calls are the same calls."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import ussd
from tests.conftest import Database
from tests.support.running_service import SECRET, House, housed
from tests.support.town import AWA, found_town
from ussd.gateways import written

# Another wire format: GET, the last input alone is not sent either, the state of the call is told in a header.
SECOND = """
import json

from talk.phones import gateway_phone
from ussd.gateways import Gateway
from ussd.hop import Hop


def read_hop(fields, headers):
    phone = gateway_phone(fields["msisdn"])
    return Hop("second", fields["session"], phone, fields["code"], fields["all"], past_dial=bool(fields["all"]))


def write_screen(shown, _fields):
    headers = {"content-type": "application/json", "freeflow": "FB" if shown.end else "FC"}
    return json.dumps({"words": shown.text}), headers


GATEWAY = Gateway("second", "GET", "query", read_hop, write_screen, path="/second/{secret}")
"""


@pytest.fixture
async def house(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    room = tmp_path / "room"
    room.mkdir()
    (room / "second_gateway.py").write_text(SECOND)
    monkeypatch.setattr(ussd, "__path__", [*ussd.__path__, str(room)])
    await found_town(pool)
    async with housed(database.url, redis_url, tmp_path, pool) as running:
        yield running


def test_the_gateways_of_the_room() -> None:
    assert [gateway.name for gateway in written()] == ["africastalking"]


async def test_a_call_through_the_second_gateway_joins_like_any_other(house: House) -> None:
    typed, screens = "", []
    for word in ("", "1", "1", "Awa*Koné", "45*38*12*7", "1", "1"):
        typed = f"{typed}*{word}" if typed else word
        query = {"msisdn": AWA, "session": "s-1", "code": "*57#", "all": typed}
        answer = await house.http.get(f"/second/{SECRET}", params=query)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        screens.append((json.loads(answer.text)["words"], answer.headers["freeflow"]))
    assert screens[0][0].startswith("Keneya")
    assert [state for _words, state in screens] == ["FC"] * 6 + ["FB"]
    assert "Awa Koné, Bandiagala, 4 pers" in screens[5][0]
    assert screens[6][0].startswith("Bienvenue")
    again = await house.http.get(f"/second/{SECRET}", params=query)
    assert json.loads(again.text)["words"] == screens[6][0]


async def test_the_second_gateway_needs_the_secret_too(house: House) -> None:
    assert (await house.http.get(f"/second/{SECRET}x", params={"all": ""})).status_code == 404
    assert (await house.http.get(f"/second/{SECRET}", params={"all": "9" * 9000})).status_code == 413
