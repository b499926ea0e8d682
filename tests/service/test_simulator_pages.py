"""The simulator as web shows it: every request passed on as it came, and nothing of it without SIMULATOR=1."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from africastalking.Service import AfricasTalkingException
from africastalking.SMS import SMSService
from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from sms.tables import outbox
from tests.conftest import Database
from tests.support.gateway_forms import HOP
from tests.support.running_service import SECRET, House, address, housed, listener, served
from tests.support.town import AWA
from webhooks import create_app


def sdk(house: House, key: str = "key-of-the-tests") -> SMSService:
    """The official SDK, pointed at web's own address and otherwise as it is."""
    service = SMSService("tests", key)
    service._baseUrl = f"{house.environ['PUBLIC_URL']}/simulator/at/version1"
    return service


async def test_the_official_sdk_sends_through_webs_own_address(house: House) -> None:
    answer: Any = await asyncio.to_thread(sdk(house).send, "Reçu : 2000 F + frais", [AWA], "KENEYA")
    [recipient] = answer["SMSMessageData"]["Recipients"]
    assert (recipient["number"], recipient["statusCode"], recipient["status"]) == (AWA, 102, "Success")
    assert await house.messages(AWA) == ["Reçu : 2000 F + frais"]
    with pytest.raises(AfricasTalkingException, match="authentication is invalid"):
        await asyncio.to_thread(sdk(house, "another key").send, "Bonjour", [AWA])
    async with house.pool.connect() as db:
        assert (await db.execute(select(outbox))).all() == [], "the service knows nothing of it"


async def test_the_bare_address_leads_to_the_phone(house: House) -> None:
    answer = await house.http.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/phone")


async def test_path_and_query_arrive_as_they_were_sent(house: House) -> None:
    await asyncio.to_thread(sdk(house).send, "Bonjour", [AWA])
    for query in (f"to={AWA}", f"to=%2B{AWA[1:]}"):
        listed = (await house.http.get(f"/simulator/sms?{query}")).json()
        assert [(message["to"], message["text"]) for message in listed] == [(AWA, "Bonjour")]
        assert set(listed[0]) == {"id", "to", "from", "text", "at"}
    assert (await house.http.get("/simulator/sms%3Fto=1")).status_code == 404, "a path, not a question"
    assert (await house.http.get("/simulator/prompts?phone=%00")).status_code == 400
    assert (await house.http.get("/simulator/%ff?x=%ff")).status_code == 404


async def test_an_unknown_prompt_is_404_and_a_wrong_answer_400(house: House) -> None:
    assert (await house.prompts()) == []
    assert (await house.http.post("/simulator/prompts/none", data={"answer": "approve"})).status_code == 404


async def test_a_phone_dials_answers_and_hangs_up_through_web(house: House) -> None:
    call = (await house.http.post("/simulator/calls", data={"phone": AWA, "code": "*384*57#"})).json()
    assert (call["state"], call["fault"]) == ("open", "")
    path = f"/simulator/calls/{call['id']}"
    typed = (await house.http.post(path, data={"answer": "8"})).json()
    assert typed["screen"] != call["screen"]
    assert (await house.http.delete(path)).json()["state"] == "ended"
    assert (await house.http.get(path)).json()["state"] == "ended"


async def test_the_phone_page_comes_with_its_own_guards(house: House) -> None:
    page = await house.http.get("/phone")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert len(page.headers.get_list("content-length")) == 1
    script = await house.http.get("/simulator/phone/page.js")
    again = await house.http.get(
        "/simulator/phone/page.js", headers={"if-none-match": script.headers["etag"]}
    )
    assert again.status_code in (200, 304)
    slashed = await house.http.get("/phone/")
    assert slashed.headers.get("location", f"{house.environ['PUBLIC_URL']}/phone").startswith(
        house.environ["PUBLIC_URL"]
    ), "never to the simulator's own port"
    assert (await house.http.head("/phone")).status_code == 200


async def test_a_large_body_is_not_passed_on(house: House) -> None:
    answer = await house.http.post("/simulator/sms/incoming", content=b"x" * (64 * 1024 + 1))
    assert answer.status_code == 413


async def test_a_simulator_that_is_gone_is_a_502_and_the_service_goes_on(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> None:
    silent = listener()
    async with housed(database.url, redis_url, tmp_path, pool) as house:
        environ = house.environ | {"SIMULATOR_URL": address(silent)}
        silent.close()
        bound = listener()
        async with (
            served(create_app(environ), bound),
            httpx.AsyncClient(base_url=address(bound), trust_env=False) as http,
        ):
            assert (await http.get("/simulator/sms")).status_code == 502
            assert (await http.get("/health/ready")).status_code == 200


async def test_without_the_simulator_there_is_no_page_of_it(database: Database, redis_url: str) -> None:
    environ = {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "WEBHOOK_SECRET": SECRET,
        "SEAL_KEY": SECRET[::-1],
        "AT_USERNAME": "live",
        "AT_API_KEY": "live",
    }
    bound = listener()
    async with (
        served(create_app(environ), bound),
        httpx.AsyncClient(base_url=address(bound), trust_env=False) as http,
    ):
        for path in ("/phone", "/phone/", "/simulator/sms", "/simulator/prompts", "/simulator/about"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/simulator/at/version1/messaging")).status_code == 404
        assert (await http.post(f"/at/{SECRET}/ussd", data=HOP)).text.startswith("CON ")
    async with Redis.from_url(redis_url) as redis:
        assert await redis.dbsize() > 0
