"""What gateways and operators tell is stored once before they are answered 200, and never asked for again."""

import random

import pytest

from mobilemoney import simulated
from mutuelle import tables
from sms.tables import inbox, optout, report
from tests.support.gateway_forms import FORM, HOP, REPORT, SMS, kept, post, post_bytes
from tests.support.running_service import House
from tests.support.town import AWA, NOON, join


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


async def test_an_sms_that_nobody_could_answer_is_dropped(house: House) -> None:
    for odd in ({"text": ""}, {"text": " \n"}, {"from": "MTN"}, {"from": ""}, {"id": ""}):
        assert (await post(house, "sms", SMS | odd)).status_code == 200
    assert (await post_bytes(house, "sms", b"from=%2B22376000001&id=a&text=OUI&text=NON")).status_code == 200
    assert await kept(house.pool, inbox) == []


async def test_an_sms_with_letters_that_cannot_be_stored_is_stored_without_them(house: House) -> None:
    content = b"from=%2B22376000001&id=a&to=38457&text=SOLDE%00%FF%ED%A0%80\xf0"
    assert (await post_bytes(house, "sms", content)).status_code == 200
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


async def test_no_value_is_too_long_to_be_answered(house: House) -> None:
    """What could not be stored would be sent again every minute for twelve hours."""
    long = random.Random(7).randbytes(3500).hex()
    for path, form in (("ussd", HOP), ("ussd/ended", HOP), ("sms", SMS), ("delivery", REPORT)):
        for name in form:
            assert (await post(house, path, form | {name: long})).status_code == 200, (path, name)


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
    assert (await house.http.post(path)).status_code == 200, "PayDunya tries an address with nothing"
    assert (await house.http.post(path, content=b"x" * 65536)).status_code == 200
    assert (await house.http.post(path, content=b"x" * 65537)).status_code == 413
    assert (await house.http.get(path)).status_code == 405


async def test_a_token_that_is_not_ours_is_404_and_nothing_is_kept(house: House) -> None:
    await join(house.pool, AWA, at=NOON)
    [asked] = await kept(house.pool, tables.payment)
    token = asked.notice_token
    assert len(token) >= 22, "128 bits, not to be guessed"
    nowhere = await house.http.post("/nowhere")
    for place in (f"simulated/{token}x", f"orange/{token}", "simulated/%00", "%00/x", "a/" + "b" * 3000):
        answer = await house.http.post(f"/money/{place}", content=b"{}")
        assert (answer.status_code, answer.content) == (404, nowhere.content), place
    assert await kept(house.pool, tables.money_notice) == []


async def test_a_notice_to_the_address_of_an_account_is_kept_and_a_forged_one_is_401(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await join(house.pool, AWA, at=NOON)
    [account] = await kept(house.pool, tables.operator_account)
    path = f"/money/simulated/{account.notice_token}"
    assert (await house.http.post(path, content=b"{}")).status_code == 200
    monkeypatch.setattr(simulated, "forgery", lambda notice, _credentials: notice.authority)
    assert (await house.http.post(path, content=b"forged")).status_code == 401
    assert [bytes(row.body) for row in await kept(house.pool, tables.money_notice)] == [b"{}"]
