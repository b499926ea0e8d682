"""The official SDK against a small server: what each of its answers and faults means to a message."""

import socket
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from sms.africastalking import sending
from sms.africastalking.sending import AfricasTalking
from sms.outbox import send_due
from sms.provider import SendResult, SendStatus, read_phone
from tests.support.sms_gateway import BAD_SENDER, ID, TAKEN, Gateway, Reply, account, told
from tests.support.sms_people import AWA, MINUTE, NOON, only_row, receipt, sms, write


async def test_what_goes_over_the_wire(gateway: Gateway) -> None:
    outcome = await account(gateway, "MUTUELLE").send(sms(AWA, "Paiement reçu\nCode 4F7K & à bientôt + 5 %"))
    assert outcome == SendResult(SendStatus.ACCEPTED, ID, "102 Success")
    assert gateway.forms == [
        {
            "username": "demo",
            "to": AWA,
            "message": "Paiement reçu\nCode 4F7K & à bientôt + 5 %",
            "bulkSMSMode": "1",
            "from": "MUTUELLE",
        }
    ]
    assert gateway.keys == ["the-key"]


@pytest.mark.parametrize("absent", [None, ""])
async def test_without_a_sender_id_none_is_sent(gateway: Gateway, absent: str | None) -> None:
    await account(gateway, absent).send(sms(AWA, "Bonjour"))
    assert "from" not in gateway.forms[0]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(), SendStatus.ACCEPTED),
        (Reply(status=200), SendStatus.ACCEPTED),
        (Reply(content_type="application/json; charset=utf-8"), SendStatus.ACCEPTED),  # the SDK gives a str
        (Reply(told("101", "Sent")), SendStatus.ACCEPTED),
        (Reply(told(100, "Processed")), SendStatus.ACCEPTED),
        (Reply(told(102, "Success", "None")), SendStatus.UNKNOWN),
        (Reply(told(102, "Success", None)), SendStatus.UNKNOWN),
        (Reply(told(401, "RiskHold", "None")), SendStatus.REFUSED),
        (Reply(told(402, "InvalidSenderId", "None")), SendStatus.ACCOUNT),
        (Reply(told(403, "InvalidPhoneNumber", "None")), SendStatus.REFUSED),
        (Reply(told(404, "UnsupportedNumberType", "None")), SendStatus.REFUSED),
        (Reply(told(405, "InsufficientBalance", "None")), SendStatus.ACCOUNT),
        (Reply(told(406, "UserInBlacklist", "None")), SendStatus.REFUSED),
        (Reply(told(407, "CouldNotRoute", "None")), SendStatus.REFUSED),
        (Reply(told(409, "DoNotDisturbRejection", "None")), SendStatus.REFUSED),
        (Reply(told(500, "InternalServerError", "None")), SendStatus.LATER),
        (Reply(told(501, "GatewayError", "None")), SendStatus.LATER),
        (Reply(told(502, "RejectedByGateway", "None")), SendStatus.LATER),
        (Reply(told(777, "Unheard")), SendStatus.UNKNOWN),
        (Reply(told(None, "Unheard")), SendStatus.UNKNOWN),
        (Reply(told({}, "Unheard")), SendStatus.UNKNOWN),
        (Reply(BAD_SENDER), SendStatus.ACCOUNT),
        (Reply('{"SMSMessageData":{"Message":"Sent to 0/1","Recipients":[]}}'), SendStatus.UNKNOWN),
        (Reply("[]"), SendStatus.UNKNOWN),
        (Reply("{"), SendStatus.UNKNOWN),
        (Reply(""), SendStatus.UNKNOWN),
        (Reply("<html>Bad gateway</html>", content_type="text/html"), SendStatus.UNKNOWN),
        (Reply("The supplied authentication is invalid", 401, "text/plain"), SendStatus.ACCOUNT),
        (Reply("Clé refusée", 401, "text/plain"), SendStatus.ACCOUNT),
        (Reply("", 403, "text/plain"), SendStatus.ACCOUNT),
        (Reply("", 404, "text/plain"), SendStatus.ACCOUNT),
        (Reply("Trop de requêtes", 429, "text/plain"), SendStatus.LATER),
        (Reply("Request is missing required form field 'to'", 400, "text/plain"), SendStatus.REFUSED),
        (Reply("The supplied authentication is invalid", 500, "text/plain"), SendStatus.UNKNOWN),
        (Reply("Too Many Requests", 503, "text/plain"), SendStatus.UNKNOWN),
        (Reply("", 418, "text/plain"), SendStatus.UNKNOWN),
        (Reply(TAKEN, 401), SendStatus.ACCOUNT),
        (Reply("", 307, location="http://127.0.0.1:9/nobody"), SendStatus.UNKNOWN),
        (Reply("<html>Bad gateway</html>", 502, "text/html"), SendStatus.UNKNOWN),
        (Reply(TAKEN, 500), SendStatus.UNKNOWN),
        (Reply(hang_up=True), SendStatus.UNKNOWN),
    ],
)
async def test_what_an_answer_means(gateway: Gateway, reply: Reply, answer: SendStatus) -> None:
    gateway.replies = [reply]
    outcome = await account(gateway).send(sms(AWA, "Bonjour"))
    assert outcome.answer is answer
    assert (outcome.provider_message_id is not None) == (answer is SendStatus.ACCEPTED)
    assert len(gateway.forms) == 1


@pytest.mark.parametrize("refusal", [Reply(BAD_SENDER), Reply(told(402, "InvalidSenderId", "None"))])
async def test_a_refused_sender_id_is_left_out_once(gateway: Gateway, refusal: Reply) -> None:
    gateway.replies = [refusal]
    assert (await account(gateway, "MUTUELLE").send(sms(AWA, "Bonjour"))).answer is SendStatus.ACCEPTED
    assert [form.get("from") for form in gateway.forms] == ["MUTUELLE", None]


async def test_a_sender_id_that_stays_refused_is_no_loop(gateway: Gateway) -> None:
    gateway.replies = [Reply(BAD_SENDER)] * 5
    assert (await account(gateway, "MUTUELLE").send(sms(AWA, "Bonjour"))).answer is SendStatus.ACCOUNT
    assert len(gateway.forms) == 2


async def test_an_answer_that_does_not_come_in_time_is_unknown(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_S", (1, 0.1))
    gateway.replies = [Reply(wait_s=0.4)]
    outcome = await account(gateway).send(sms(AWA, "Bonjour"))
    assert outcome == SendResult(SendStatus.UNKNOWN, reason="no answer (ReadTimeout)")


async def test_nobody_listening_means_that_nothing_was_sent() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, not listening: every connection is refused
        provider = AfricasTalking("demo", "the-key", f"http://127.0.0.1:{reserved.getsockname()[1]}/version1")
        outcome = await provider.send(sms(AWA, "Bonjour"))
    assert outcome.answer is SendStatus.LATER


async def test_a_host_without_an_address_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any, **more: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = await AfricasTalking("demo", "the-key", "http://localhost:9/version1").send(sms(AWA, "Bonjour"))
    assert outcome.answer is SendStatus.LATER


@pytest.mark.parametrize(
    "phone", [AWA + "\n", "22370000001", "", "+0123456789", "+223700000019999999", "MTN"]
)
async def test_a_number_that_is_none_reaches_nobody(gateway: Gateway, phone: str) -> None:
    assert (await account(gateway).send(sms(phone, "Bonjour"))).answer is SendStatus.REFUSED
    assert gateway.forms == []


def test_the_key_is_not_shown() -> None:
    assert "the-key" not in repr(AfricasTalking("demo", "the-key", "http://127.0.0.1/version1"))


@pytest.mark.parametrize("written", [AWA, " 22370000001", "22370000001", "+22370000001 "])
def test_a_phone_is_read_as_it_may_be_written(written: str) -> None:
    assert read_phone(written) == AWA


async def test_a_time_out_is_in_doubt_and_resent_once_through_the_sdk(
    pool: AsyncEngine, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_S", (1, 0.1))
    gateway.replies = [Reply(wait_s=0.4)]
    await write(pool, [receipt()])
    await send_due(pool, account(gateway), timing.Clock.at(NOON))
    assert (await only_row(pool))["state"] == "IN_DOUBT"
    await send_due(pool, account(gateway), timing.Clock.at(NOON + 11 * MINUTE))
    row = await only_row(pool)
    assert (row["state"], row["provider_message_id"], row["resends"]) == ("SENT", ID, 1)
    assert gateway.forms[0] == gateway.forms[1]
    assert "4F7K" in gateway.forms[0]["message"]
