"""The webhook table of the contract, row by row and rule by rule, over the wire."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message

from locales import catalogue, languages
from service import forms
from sms.tables import inbox
from tests.conftest import Database
from tests.support.gateway_forms import AT_PATHS, FORM, HOP, kept, post, post_bytes
from tests.support.patience import PATIENCE_S
from tests.support.running_service import SECRET, House, WirePhone, housed
from tests.support.town import AWA, NOON, join


async def send_raw(house: House, request: bytes, until: bytes = b"\r\n") -> bytes:
    """What web answers to these very bytes, as far as `until`."""
    url = urlsplit(str(house.http.base_url))
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE_S):
            return await reader.readuntil(until)
    finally:
        writer.close()


# Secret, size, type: in this order.


async def test_a_wrong_secret_looks_like_a_page_that_does_not_exist(house: House) -> None:
    nowhere = await house.http.post("/nowhere", data=HOP)
    for path in AT_PATHS:
        for wrong in ("x", SECRET[:-1], SECRET + "x", SECRET.upper(), "%00", "é"):
            answer = await post(house, path, HOP, wrong)
            assert (answer.status_code, answer.content) == (404, nowhere.content)
            assert set(answer.headers) == set(nowhere.headers)


async def test_secret_then_size_then_type_are_looked_at(house: House) -> None:
    async def statuses(secret: str, size: int, content_type: str) -> set[int]:
        headers = {"content-type": content_type}
        urls = [f"/at/{secret}/{path}" for path in AT_PATHS]
        answers = [await house.http.post(url, content=b"x" * size, headers=headers) for url in urls]
        return {answer.status_code for answer in answers}

    assert await statuses("wrong", 9000, "application/json") == {404}
    assert await statuses(SECRET, 9000, "application/json") == {413}
    assert await statuses(SECRET, 8193, FORM) == {413}
    assert await statuses(SECRET, 8192, "application/json") == {415}
    assert await statuses(SECRET, 0, "multipart/form-data; boundary=x") == {415}
    assert await statuses(SECRET, 0, "") == {415}
    assert await statuses(SECRET, 8192, f"{FORM.upper()};charset=UTF-8") == {200}


async def test_a_body_without_a_length_is_cut_off_at_the_limit(house: House) -> None:
    async def long() -> AsyncIterator[bytes]:
        for _chunk in range(100):
            yield b"x" * 4096

    headers = {"content-type": FORM}
    answer = await house.http.post(f"/at/{SECRET}/sms", content=long(), headers=headers)
    assert answer.status_code == 413


async def test_a_length_that_is_none_is_a_bad_request(house: House) -> None:
    for length in ("abc", "-1", "9" * 5000):
        head = f"POST /at/{SECRET}/sms HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n"
        assert b" 400 " in await send_raw(house, f"{head}\r\n".encode())


async def test_an_sms_is_read_however_its_sender_brings_the_body(house: House) -> None:
    """Java's HTTP client and curl ask for HTTP/2 first, others ask whether they may go on, or send chunks."""
    ways = {
        "h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
        "expect": "Expect: 100-continue",
        "plain": "X: y",
    }
    for nth, (way, told) in enumerate(ways.items()):
        body = f"id=way-{nth}&from=%2B22376000001&text=SOLDE%20%20"
        head = f"POST /at/{SECRET}/sms HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{told}\r\n"
        length = f"Content-Length: {len(body)}\r\n\r\n"
        answer = await send_raw(house, f"{head}{length}{body}".encode())
        assert b" 200 " in answer or b" 100 " in answer, way
    chunks = "".join(
        f"{len(piece):x}\r\n{piece}\r\n" for piece in ("id=way-3&from=%2B223", "76000001&text=SOLDE")
    )
    head = f"POST /at/{SECRET}/sms HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 200 " in await send_raw(house, f"{head}{chunks}0\r\n\r\n".encode())
    for _turn in range(3000):  # one of them was only asked to go on
        if len(rows := await kept(house.pool, inbox)) > len(ways):
            break
        await asyncio.sleep(0.02)
    assert {(row.provider_message_id, row.body.strip()) for row in rows} == {
        (f"way-{nth}", "SOLDE") for nth in range(4)
    }


async def test_a_hop_that_asks_for_http_2_gets_its_screen(house: House) -> None:
    head = f"POST /at/{SECRET}/ussd HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    body = urlencode(HOP)
    more = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: {len(body)}\r\n\r\n"
    assert b"CON " in await send_raw(house, f"{head}{more}{body}".encode(), until=b"CON ")


async def test_a_body_that_was_announced_and_is_not_there_is_never_accepted(house: House) -> None:
    """As it would be under a server that leaves it unread."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    for length, accepted in (("42", False), ("0", True)):
        headers = Headers({"content-type": FORM, "content-length": length})
        if accepted:
            assert await forms.read_form(headers, receive) == {}
        else:
            with pytest.raises(HTTPException, match="400"):
                await forms.read_form(headers, receive)


async def test_only_a_post_is_a_webhook(house: House) -> None:
    for path in AT_PATHS:
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            assert (await house.http.request(method, f"/at/{SECRET}/{path}")).status_code == 405


async def test_no_page_of_another_site_may_read_an_answer(house: House) -> None:
    for path in (f"/at/{SECRET}/ussd", "/health/ready", "/metrics", "/simulator/sms"):
        headers = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
        for method in ("GET", "OPTIONS", "POST"):
            answer = await house.http.request(method, path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_no_webhook_answers_with_a_redirect(house: House) -> None:
    assert (await post(house, "ussd/", HOP)).status_code == 404


# Two secrets while rotating.

OLD, NEW = "the-old-secret-0123456789-abcdefghij", "the-new-secret-0123456789-abcdefghij"


async def test_rotating_the_secret_cuts_no_call(
    database: Database, redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> None:
    """One call through three settings: the old secret alone, both, the new one alone."""
    call = HOP | {"sessionId": "ATUid_rotating"}
    settings = ((OLD, OLD, ""), (f"{OLD},{NEW}", OLD, "8"), (f"{NEW},{OLD}", NEW, "8*0"), (NEW, NEW, "8*0*8"))
    screens = []
    for nth, (in_force, used, typed) in enumerate(settings):
        folder = tmp_path / str(nth)
        folder.mkdir()
        async with housed(database.url, redis_url, folder, pool, WEBHOOK_SECRET=in_force) as house:
            answer = await post(house, "ussd", call | {"text": typed}, used)
            screens.append(answer.text)
            other = OLD if used == NEW else NEW
            expected = 200 if other in in_force else 404
            ended = call | {"sessionId": "ATUid_another"}
            assert (await post(house, "ussd/ended", ended, other)).status_code == expected
    assert screens[0] == screens[2], "back at home"
    assert screens[1] == screens[3], "the language's question again"
    assert screens[0] != screens[1]


# USSD.

ODD_FORMS: dict[str, Any] = {
    "nothing": {},
    "no phone": HOP | {"phoneNumber": ""},
    "a word for a phone": HOP | {"phoneNumber": "MTN"},
    "vanity letters": HOP | {"phoneNumber": "+254711XXXYYY"},
    "a short phone": HOP | {"phoneNumber": "+223"},
    "no call": HOP | {"sessionId": ""},
    "a long call": HOP | {"sessionId": "x" * 3000},
    "a call of control letters": HOP | {"sessionId": "\x00\r\n\x1b[2J"},
    "no service code": HOP | {"serviceCode": ""},
    "a long text": HOP | {"text": "12345" * 1000},
    "a long answer": HOP | {"text": "x" * 990},
    "many answers": HOP | {"text": "1*" * 450},
    "a null in the text": HOP | {"text": "1\x002"},
    "an unknown network": HOP | {"networkCode": "n'importe quoi"},
    "many more fields": HOP | {f"more{nth}": "x" for nth in range(200)},
    "bytes that are no UTF-8": b"sessionId=a&phoneNumber=%2B22376000001&text=%FF%FE\xff\xfe*1",
    "a doubled phone": b"sessionId=a&phoneNumber=%2B22376000001&phoneNumber=%2B22376000002&text=",
    "a doubled text": b"sessionId=a&phoneNumber=%2B22376000001&text=&text=1",
    "no form at all": b"{}",
    "only signs": b"&&==&%%%;;&=1&+",
}


async def test_whatever_the_form_says_the_caller_gets_a_screen(house: House) -> None:
    for odd in ODD_FORMS:
        answer = await odd_hop(house, odd)
        assert answer.status_code == 200, odd
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.startswith(("CON ", "END ")), odd
        assert len(answer.text) > len("END "), odd


async def odd_hop(house: House, odd: str) -> httpx.Response:
    form = ODD_FORMS[odd]
    return await post_bytes(house, "ussd", form if isinstance(form, bytes) else urlencode(form).encode())


async def test_a_form_with_a_field_twice_is_played_for_nobody(house: House) -> None:
    for odd in ("a doubled phone", "a doubled text"):
        assert (await odd_hop(house, odd)).text.startswith("END ")


async def test_a_plus_that_became_a_blank_is_the_same_phone(house: House) -> None:
    await join(house.pool, AWA, at=NOON)
    for nth, written in enumerate(("%2B22376000001", "+22376000001", "22376000001")):
        form = f"sessionId={nth}&phoneNumber={written}&serviceCode=%2A384%2A57%23&text=1&networkCode=99999"
        answer = await post_bytes(house, "ussd", form.encode())
        assert "en cours" in answer.text, "her own payment"


async def test_the_hops_metadata_prove_that_a_call_without_session_is_past_its_dial(house: House) -> None:
    phone = WirePhone(house)
    home = await phone.dial()
    answer = await post(house, "ussd", HOP)
    metadata = answer.headers["at-ussd-hop-metadata"]
    assert 0 < len(metadata) < 100
    assert "|" not in metadata
    lost = HOP | {"sessionId": "ATUid_lost", "text": "8"}
    dialled = await post(house, "ussd", lost | {"sessionId": "ATUid_dialled"})
    assert dialled.text != home
    answer = await house.http.post(
        f"/at/{SECRET}/ussd", data=lost, headers={"at-ussd-hop-metadata": metadata}
    )
    assert answer.text == home


async def test_the_last_screen_of_a_call_carries_no_metadata(house: House) -> None:
    answer = await post(house, "ussd", HOP | {"phoneNumber": "MTN"})
    assert answer.text.startswith("END")
    assert "at-ussd-hop-metadata" not in answer.headers


# Health.


async def test_health_tells_the_state_of_each_part_and_no_secret(house: House) -> None:
    live, ready = await house.http.get("/health/live"), await house.http.get("/health/ready")
    assert (live.status_code, live.json()["status"]) == (200, "live")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "postgresql": "up", "redis": "up"})
    assert (await house.http.head("/health/ready")).status_code == 200
    told = live.text + ready.text + str(live.headers) + str(ready.headers)
    hidden = [house.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "WEBHOOK_SECRET", "AT_API_KEY")]
    assert not [secret for secret in hidden if secret in told]


@pytest.fixture
def no_catalogue_read() -> None:
    catalogue.cache_clear()


@pytest.mark.usefixtures("no_catalogue_read")
async def test_every_catalogue_is_read_before_the_first_call(house: House) -> None:
    assert catalogue.cache_info().currsize == len(languages())
