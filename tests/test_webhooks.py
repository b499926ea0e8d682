"""The webhook table of the contract, row by row and rule by rule, over the wire."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

import webhooks
from mutuelle import tables
from sms.inbound import inbox
from sms.tables import optout, report
from tests.conftest import Database
from tests.house import SECRET, House, WirePhone, housed
from tests.town import AWA, NOON, join

FORM = "application/x-www-form-urlencoded"
AT_PATHS = ("ussd", "ussd/ended", "sms", "delivery", "optout")
HOP = {
    "sessionId": "ATUid_0f1e2d3c",
    "phoneNumber": AWA,
    "networkCode": "99999",
    "serviceCode": "*384*57#",
    "text": "",
}
SMS = {
    "date": "2026-10-02T06:04:45Z",
    "from": AWA,
    "id": "3b0c8a52-7d11",
    "linkId": "",
    "text": "SOLDE",
    "to": "38457",
}
REPORT = {"id": "ATXid_9a8b", "status": "Success", "phoneNumber": AWA, "networkCode": "61002"}


async def kept(pool: AsyncEngine, table: Table, *where: ColumnElement[bool]) -> list[Any]:
    """The rows of `table`, as the service's role sees them."""
    async with pool.connect() as db:
        return list(await db.execute(select(table).where(*where)))


async def post(house: House, path: str, fields: Any, secret: str = SECRET) -> httpx.Response:
    return await house.http.post(f"/at/{secret}/{path}", data=fields)


async def send_raw(house: House, request: bytes) -> bytes:
    """What web answers to these very bytes, until it closes or falls silent."""
    url = urlsplit(str(house.http.base_url))
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.readuntil(b"\r\n")
    finally:
        writer.close()


# Secret, size, type: in this order.


@pytest.mark.parametrize("path", AT_PATHS)
async def test_a_wrong_secret_looks_like_a_page_that_does_not_exist(house: House, path: str) -> None:
    nowhere = await house.http.post("/nowhere", data=HOP)
    for wrong in ("x", SECRET[:-1], SECRET + "x", SECRET.upper(), "%00", "é"):
        answer = await post(house, path, HOP, wrong)
        assert (answer.status_code, answer.content) == (404, nowhere.content)
        assert set(answer.headers) == set(nowhere.headers)


@pytest.mark.parametrize("path", AT_PATHS)
async def test_secret_then_size_then_type_are_looked_at(house: House, path: str) -> None:
    async def status(secret: str, size: int, content_type: str) -> int:
        headers = {"content-type": content_type}
        answer = await house.http.post(f"/at/{secret}/{path}", content=b"x" * size, headers=headers)
        return answer.status_code

    assert await status("wrong", 9000, "application/json") == 404
    assert await status(SECRET, 9000, "application/json") == 413
    assert await status(SECRET, 8193, FORM) == 413
    assert await status(SECRET, 8192, "application/json") == 415
    assert await status(SECRET, 0, "multipart/form-data; boundary=x") == 415
    assert await status(SECRET, 8192, f"{FORM.upper()};charset=UTF-8") == 200


async def test_a_body_without_a_length_is_cut_off_at_the_limit(house: House) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _chunk in range(10_000):
            sent += 4096
            yield b"x" * 4096
            await asyncio.sleep(0)

    headers = {"content-type": FORM}
    answer = await house.http.post(f"/at/{SECRET}/sms", content=endless(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["abc", "-1", "9" * 5000])
async def test_a_length_that_is_none_is_a_bad_request(house: House, length: str) -> None:
    head = (
        f"POST /at/{SECRET}/sms HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {length}\r\n"
    )
    assert b" 400 " in await send_raw(house, f"{head}\r\n".encode())


async def test_who_does_not_finish_the_form_is_not_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT_S", 0.1)
    head = f"POST /at/{SECRET}/sms HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n"
    assert b" 408 " in await send_raw(house, f"{head}\r\nfrom=".encode())


@pytest.mark.parametrize("path", AT_PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_only_a_post_is_a_webhook(house: House, path: str, method: str) -> None:
    answer = await house.http.request(method, f"/at/{SECRET}/{path}")
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


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
            assert (await post(house, "ussd/ended", call, other)).status_code == expected
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
    "a long text": HOP | {"text": "1*" * 2500},
    "a null in the text": HOP | {"text": "1\x002"},
    "an unknown network": HOP | {"networkCode": "n'importe quoi"},
    "many more fields": HOP | {f"more{nth}": "x" for nth in range(200)},
    "bytes that are no UTF-8": b"sessionId=a&phoneNumber=%2B22376000001&text=%FF%FE\xff\xfe*1",
    "a doubled phone": b"sessionId=a&phoneNumber=%2B22376000001&phoneNumber=%2B22376000002&text=",
    "a doubled text": b"sessionId=a&phoneNumber=%2B22376000001&text=&text=1",
    "no form at all": b"{}",
    "only signs": b"&&==&%%%;;&=1&+",
}


@pytest.mark.parametrize("fields", ODD_FORMS.values(), ids=ODD_FORMS)
async def test_whatever_the_form_says_the_caller_gets_a_screen(house: House, fields: Any) -> None:
    body = {"content": fields} if isinstance(fields, bytes) else {"data": fields}
    answer = await house.http.post(f"/at/{SECRET}/ussd", headers={"content-type": FORM}, **body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith(("CON ", "END "))
    assert len(answer.text) > len("END ")


@pytest.mark.parametrize("odd", ["a doubled phone", "a doubled text"])
async def test_a_form_with_a_field_twice_is_played_for_nobody(house: House, odd: str) -> None:
    headers = {"content-type": FORM}
    answer = await house.http.post(f"/at/{SECRET}/ussd", headers=headers, content=ODD_FORMS[odd])
    assert answer.text.startswith("END ")


@pytest.mark.parametrize("written", ["%2B22376000001", "+22376000001", "22376000001"])
async def test_a_plus_that_became_a_blank_is_the_same_phone(house: House, written: str) -> None:
    await join(house.pool, AWA, at=NOON)
    body = (
        f"sessionId=a{len(written)}&phoneNumber={written}&serviceCode=%2A384%2A57%23&text=&networkCode=99999"
    )
    answer = await house.http.post(
        f"/at/{SECRET}/ussd", content=body.encode(), headers={"content-type": FORM}
    )
    assert "couverture" in answer.text


async def test_the_hops_metadata_prove_that_a_call_without_journal_is_past_its_dial(house: House) -> None:
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
    answer = await post(house, "ussd", {})
    assert answer.text.startswith("END")
    assert "at-ussd-hop-metadata" not in answer.headers


# SMS, delivery reports, opt-outs.


async def test_an_sms_is_stored_once_however_often_it_comes(house: House) -> None:
    for again in (SMS, SMS, SMS | {"date": "2026-10-02 06:04:45", "text": "autre"}):
        assert (await post(house, "sms", again)).status_code == 200
    assert (await post(house, "sms", SMS | {"id": "other"})).status_code == 200
    rows = await kept(house.pool, inbox)
    assert {(row.provider_message_id, row.phone, row.body, row.short_code) for row in rows} == {
        ("3b0c8a52-7d11", AWA, "SOLDE", "38457"),
        ("other", AWA, "SOLDE", "38457"),
    }
    assert len(rows) == 2


@pytest.mark.parametrize("odd", [{"text": ""}, {"text": " \n"}, {"from": "MTN"}, {"from": ""}, {"id": ""}])
async def test_an_sms_that_nobody_could_answer_is_dropped(house: House, odd: dict[str, str]) -> None:
    assert (await post(house, "sms", SMS | odd)).status_code == 200
    assert await kept(house.pool, inbox) == []


async def test_an_sms_with_letters_that_cannot_be_stored_is_stored_without_them(house: House) -> None:
    body = b"from=%2B22376000001&id=a&to=38457&text=SOLDE%00%FF%ED%A0%80\xf0"
    headers = {"content-type": FORM}
    answer = await house.http.post(f"/at/{SECRET}/sms", content=body, headers=headers)
    assert answer.status_code == 200
    assert (await kept(house.pool, inbox))[0].body.startswith("SOLDE\ufffd")


async def test_a_delivery_report_is_stored_once_whatever_its_word(house: House) -> None:
    for status in ("Success", "Success", "Sent", "AbsentSubscriber", "a word of tomorrow", ""):
        assert (await post(house, "delivery", REPORT | {"status": status})).status_code == 200
    rows = await kept(house.pool, report, report.c.provider_message_id == "ATXid_9a8b")
    assert sorted(row.status for row in rows) == [
        "",
        "AbsentSubscriber",
        "Sent",
        "Success",
        "a word of tomorrow",
    ]


async def test_an_optout_is_stored_once(house: House) -> None:
    for _again in range(2):
        fields = {"senderId": "KENEYA", "phoneNumber": AWA}
        assert (await post(house, "optout", fields)).status_code == 200
    assert [row.phone for row in await kept(house.pool, optout)] == [AWA]
    assert (await post(house, "optout", {"senderId": "KENEYA"})).status_code == 200


@pytest.mark.parametrize("path", AT_PATHS)
async def test_random_letters_are_answered_200(house: House, path: str) -> None:
    chance = random.Random(7)
    for _form in range(10):
        fields = {name: chance.randbytes(700).decode("latin-1") for name in (*HOP, *SMS, *REPORT)}
        assert (await post(house, path, dict(list(fields.items())[:3]))).status_code == 200


# The operators' notices.


async def test_a_notice_is_kept_by_post_and_put_whatever_its_type(house: House) -> None:
    await join(house.pool, AWA, at=NOON)
    [asked] = await kept(house.pool, tables.payment)
    path = f"/money/simulated/{asked.notice_token}"
    for method, content_type in (
        ("POST", "application/json"),
        ("PUT", "text/xml"),
        ("POST", FORM),
        ("PUT", ""),
    ):
        body = f"{method} {content_type}".encode()
        for _again in range(2):
            answer = await house.http.request(
                method, path, content=body, headers={"content-type": content_type}
            )
            assert answer.status_code == 200
    notices = await kept(house.pool, tables.money_notice)
    assert sorted((bytes(row.body), row.times) for row in notices)[0] == (b"POST application/json", 2)
    assert len(notices) == 4
    assert (await house.http.post(path, content=b"x" * 65536)).status_code == 200
    assert (await house.http.post(path, content=b"x" * 65537)).status_code == 413
    assert (await house.http.get(path)).status_code == 405


@pytest.mark.parametrize(
    "place", ["simulated/{token}x", "orange/{token}", "simulated/%00", "%00/x", "a/" + "b" * 3000]
)
async def test_a_token_that_is_not_ours_is_404_and_nothing_is_kept(house: House, place: str) -> None:
    await join(house.pool, AWA, at=NOON)
    [asked] = await kept(house.pool, tables.payment)
    assert len(asked.notice_token) >= 22, "128 bits, not to be guessed"
    nowhere = await house.http.post("/nowhere")
    answer = await house.http.post(f"/money/{place.format(token=asked.notice_token)}", content=b"{}")
    assert (answer.status_code, answer.content) == (404, nowhere.content)
    assert await kept(house.pool, tables.money_notice) == []


# Health.


async def test_health_tells_the_state_of_each_part_and_no_secret(house: House) -> None:
    live, ready = await house.http.get("/health/live"), await house.http.get("/health/ready")
    assert (live.status_code, live.json()["status"]) == (200, "live")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "postgresql": "up", "redis": "up"})
    assert (await house.http.head("/health/ready")).status_code == 200
    told = live.text + ready.text + str(live.headers) + str(ready.headers)
    hidden = [house.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "WEBHOOK_SECRET", "AT_API_KEY")]
    assert not [secret for secret in hidden if secret in told]
