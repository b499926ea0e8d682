"""Kannel, Jasmin and Orange against a small server: what goes over the wire, and what each answer means."""

import json
import logging
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from sms import jasmin, kannel, orange, wire
from sms.provider import Provider, SendResult, SendStatus, SmsAccount, SmsPart
from tests.support.sms_gateway import Gateway, Reply
from tests.support.sms_people import AWA, sms

PASSWORD, REPORTS = "hush-hush", "https://mutuelle.example/sms/x/the-secret/report"
REFERENCE = sms(AWA, "").reference
FIELDS = {"username": "keneya", "password": PASSWORD, "client_id": "id", "client_secret": PASSWORD}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


def fields(url: str, **more: str) -> dict[str, str]:
    return {**FIELDS, "url": url, "sender_address": "+22300000000", **more}


def on_kannel(client: httpx.AsyncClient, gateway: Gateway, **more: str) -> Provider:
    return kannel.connect(SmsAccount(fields(f"{gateway.origin}/cgi-bin/sendsms", **more), client, REPORTS))


def on_jasmin(client: httpx.AsyncClient, gateway: Gateway, **more: str) -> Provider:
    return jasmin.connect(SmsAccount(fields(f"{gateway.origin}/send", **more), client, REPORTS))


def on_orange(client: httpx.AsyncClient, gateway: Gateway, **more: str) -> Provider:
    return orange.connect(SmsAccount(fields(gateway.origin, **more), client, REPORTS))


TOKEN = Reply(json.dumps({"access_token": "tok-1", "expires_in": "3600"}), 200)
MADE = json.dumps({"outboundSMSMessageRequest": {"resourceURL": "https://api.orange.com/x/requests/9f-1"}})


async def test_what_kannel_is_asked(client: httpx.AsyncClient, gateway: Gateway) -> None:
    gateway.replies = [Reply("0: Accepted for delivery", 202, "text/html")]
    outcome = await on_kannel(client, gateway).send(sms(AWA, "Reçu & 5 % é\n+", "BENKADI"))
    assert outcome == SendResult(SendStatus.ACCEPTED, REFERENCE, "HTTP 202 0: Accepted for delivery")
    assert gateway.forms == [
        {
            "username": "keneya",
            "password": PASSWORD,
            "to": AWA,
            "text": "Reçu & 5 % é\n+",
            "charset": "UTF-8",
            "coding": "2",
            "dlr-mask": "31",
            "dlr-url": f"{REPORTS}?id={REFERENCE}&status=%d",
            "from": "BENKADI",
        }
    ]


async def test_what_jasmin_is_asked(client: httpx.AsyncClient, gateway: Gateway) -> None:
    gateway.replies = [Reply('Success "07-1"', 200, "text/plain")] * 2
    provider = on_jasmin(client, gateway, sender_id="38457")
    outcome = await provider.send(sms(AWA, "Reçu"))
    assert outcome == SendResult(SendStatus.ACCEPTED, REFERENCE, 'HTTP 200 Success "07-1"')
    assert gateway.forms[0] == {
        "username": "keneya",
        "password": PASSWORD,
        "to": AWA,
        "dlr": "yes",
        "dlr-level": "3",
        "dlr-method": "POST",
        "dlr-url": f"{REPORTS}?reference={REFERENCE}",
        "coding": "8",
        "hex-content": "Reçu".encode("utf-16-be").hex(),
        "from": "38457",
    }
    await provider.send(sms(AWA, "Payé"))
    assert (gateway.forms[1]["coding"], gateway.forms[1]["content"]) == ("0", "Payé")


async def test_what_orange_is_asked(client: httpx.AsyncClient, gateway: Gateway) -> None:
    gateway.replies = [TOKEN, Reply(MADE), Reply(MADE)]
    provider = on_orange(client, gateway)
    for _message in range(2):
        outcome = await provider.send(sms(AWA, "Payé", "BENKADI"))
        assert outcome == SendResult(SendStatus.ACCEPTED, "9f-1", "HTTP 201")
    sending = "/smsmessaging/v1/outbound/tel%3A%2B22300000000/requests"
    assert gateway.paths == ["/oauth/v3/token", sending, sending]  # one token serves many messages
    assert gateway.forms[0] == {"grant_type": "client_credentials"}
    assert gateway.keys == ["Basic aWQ6aHVzaC1odXNo", "Bearer tok-1", "Bearer tok-1"]
    assert json.loads(gateway.forms[1][""]) == {
        "outboundSMSMessageRequest": {
            "address": f"tel:{AWA}",
            "senderAddress": "tel:+22300000000",
            "outboundSMSTextMessage": {"message": "Payé"},
            "senderName": "BENKADI",
        }
    }


async def test_a_token_that_ran_out_is_renewed_once(client: httpx.AsyncClient, gateway: Gateway) -> None:
    expired = Reply('{"code":42,"message":"Expired credentials"}', 401)
    newer = Reply(json.dumps({"access_token": "tok-2"}), 200)
    gateway.replies = [TOKEN, expired, newer, Reply(MADE), expired, TOKEN, expired]
    provider = on_orange(client, gateway)
    assert (await provider.send(sms(AWA, "un"))).answer is SendStatus.ACCEPTED
    assert gateway.keys[-1] == "Bearer tok-2"
    assert (await provider.send(sms(AWA, "deux"))).answer is SendStatus.ACCOUNT
    assert len(gateway.paths) == 7


async def test_a_token_is_asked_again_before_it_ends(
    client: httpx.AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(orange, "monotonic", lambda: now)
    gateway.replies = [TOKEN, Reply(MADE), TOKEN, Reply(MADE)]
    provider = on_orange(client, gateway)
    await provider.send(sms(AWA, "un"))
    now += 3600 - orange.RENEWED_BEFORE_S
    await provider.send(sms(AWA, "deux"))
    assert gateway.paths.count("/oauth/v3/token") == 2


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply('{"error":"invalid_client"}', 401), SendStatus.ACCOUNT),
        (Reply("<html>", 503, "text/html"), SendStatus.LATER),
        (Reply('{"access_token": 5}', 200), SendStatus.LATER),
        (Reply('{"access_token": "caché\\n"}', 200), SendStatus.LATER),
        (Reply(hang_up=True), SendStatus.LATER),
    ],
)
async def test_without_a_token_nothing_was_sent(
    client: httpx.AsyncClient, gateway: Gateway, reply: Reply, answer: SendStatus
) -> None:
    gateway.replies = [reply]
    outcome = await on_orange(client, gateway).send(sms(AWA, "Payé"))
    assert outcome.answer is answer
    assert gateway.paths == ["/oauth/v3/token"]
    assert "cach" not in repr(outcome)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply("0: Accepted for delivery", 202), SendStatus.ACCEPTED),
        (Reply("3: Queued for later delivery", 202), SendStatus.ACCEPTED),
        (Reply("Not routable. Do not try again.", 403), SendStatus.REFUSED),
        (Reply("Authorization failed for sendsms", 403), SendStatus.ACCOUNT),
        (Reply("Temporal failure, try again later.", 503), SendStatus.LATER),
        (Reply("Empty receiver number not allowed, rejected", 400), SendStatus.REFUSED),
        (Reply("Unknown request.", 404), SendStatus.ACCOUNT),
        (Reply("<html>Bad gateway</html>", 503), SendStatus.UNKNOWN),
        (Reply("", 202), SendStatus.UNKNOWN),
        (Reply("0: Accepted for delivery", 500), SendStatus.UNKNOWN),
        (Reply("", 302, location="http://127.0.0.1:9/"), SendStatus.UNKNOWN),
        (Reply(hang_up=True), SendStatus.UNKNOWN),
    ],
)
async def test_what_an_answer_of_kannel_means(
    client: httpx.AsyncClient, gateway: Gateway, reply: Reply, answer: SendStatus
) -> None:
    gateway.replies = [reply]
    assert (await on_kannel(client, gateway).send(sms(AWA, "Payé"))).answer is answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply('Success "07-1"', 200), SendStatus.ACCEPTED),
        (Reply('Error "No route found"', 412), SendStatus.REFUSED),
        (Reply('Error "Authentication failure for username:keneya"', 403), SendStatus.ACCOUNT),
        (Reply('Error "User throughput exceeded"', 403), SendStatus.LATER),
        (Reply('Error "Mandatory argument [to] is not found."', 400), SendStatus.REFUSED),
        (Reply('Error "Cannot send submit_sm"', 500), SendStatus.UNKNOWN),
        (Reply("<html>", 403), SendStatus.UNKNOWN),
        (Reply('Success ""', 200), SendStatus.UNKNOWN),
        (Reply(hang_up=True), SendStatus.UNKNOWN),
    ],
)
async def test_what_an_answer_of_jasmin_means(
    client: httpx.AsyncClient, gateway: Gateway, reply: Reply, answer: SendStatus
) -> None:
    gateway.replies = [reply]
    assert (await on_jasmin(client, gateway).send(sms(AWA, "Payé"))).answer is answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(MADE), SendStatus.ACCEPTED),
        (Reply('{"resourceReference":{"resourceURL":"http://x/requests/00JZ"}}'), SendStatus.ACCEPTED),
        (Reply(MADE, 200), SendStatus.UNKNOWN),
        (Reply('{"outboundSMSMessageRequest":{}}'), SendStatus.UNKNOWN),
        (Reply('{"outboundSMSMessageRequest":[]}'), SendStatus.UNKNOWN),
        (Reply("[]"), SendStatus.UNKNOWN),
        (Reply("{}", 400), SendStatus.REFUSED),
        (Reply("{}", 403), SendStatus.ACCOUNT),
        (Reply("{}", 429), SendStatus.LATER),
        (Reply("{}", 500), SendStatus.UNKNOWN),
        (Reply(hang_up=True), SendStatus.UNKNOWN),
    ],
)
async def test_what_an_answer_of_orange_means(
    client: httpx.AsyncClient, gateway: Gateway, reply: Reply, answer: SendStatus
) -> None:
    gateway.replies = [TOKEN, reply]
    assert (await on_orange(client, gateway).send(sms(AWA, "Payé"))).answer is answer


@pytest.mark.parametrize("connect", [on_kannel, on_jasmin, on_orange])
async def test_silence_is_in_doubt_a_closed_port_is_not_and_no_secret_is_told(
    client: httpx.AsyncClient,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    connect: object,
) -> None:
    assert callable(connect)
    caplog.set_level(logging.DEBUG, "keneya")
    caplog.set_level(logging.WARNING, "httpx")  # as in the service: its lines of INFO have the address
    monkeypatch.setattr(wire, "TIMEOUT", httpx.Timeout(0.2, connect=5))
    slow = Reply(wait_s=1)
    gateway.replies = [TOKEN, slow] if connect is on_orange else [slow]
    provider = connect(client, gateway)
    silent = await provider.send(sms(AWA, "Payé"))
    assert (silent.answer, silent.reason) == (SendStatus.UNKNOWN, "no answer (ReadTimeout)")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, not listening: every connection is refused
        gateway.origin = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        refused = await connect(client, gateway).send(sms(AWA, "Payé"))
    assert refused.answer is SendStatus.LATER
    told = f"{silent} {refused} {provider} {[vars(record) for record in caplog.records]}"
    assert PASSWORD not in told
    assert "the-secret" not in told


def test_what_kannel_brings() -> None:
    came = {"id": "5d-1", "from": "+22370000001", "to": "38457", "text": "SOLDE é"}
    read = kannel.read_sms(came)
    assert (read.provider_message_id, read.phone, read.short_code, read.body) == (
        "5d-1",
        AWA,
        "38457",
        "SOLDE é",
    )
    assert read.part is None


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("\x05\x03\x2a\x03\x02", SmsPart("\x05\x03\x2a", 2, 3)),
        ("\x05\x03\x03\x02", SmsPart("\x05\x03", 2, 3)),  # the reference is zero: forms lose it
        ("\x05\x03\ufffd\x02\x01", SmsPart("\x05\x03\ufffd", 1, 2)),
        ("\x06\x08\x04\x01\x2a\x02\x01", SmsPart("\x06\x08\x04\x01\x2a", 1, 2)),
        ("\x06\x08\x04\x0a\x02\x02", SmsPart("\x06\x08\x04\x0a", 2, 2)),
        ("\x05\x03\x2a\x02\x03", None),  # the third of two
        ("\x05\x03\x2a\x01\x01", None),
        ("\x06\x05\x04\x0b\x84\x23\xf0", None),  # ports
        ("\x05\x03", None),
        ("", None),
    ],
)
def test_which_part_a_header_of_kannel_tells(header: str, part: SmsPart | None) -> None:
    assert kannel.read_sms({"udh": header}).part == part


def test_what_jasmin_brings() -> None:
    plain = jasmin.read_sms(
        {"id": "1", "from": "22370000001", "to": "38457", "content": "SOLDE", "coding": "0"}
    )
    assert (plain.phone, plain.body) == (AWA, "SOLDE")
    binary = "ɛSOLDE".encode("utf-16-be").hex()
    assert jasmin.read_sms({"coding": "8", "binary": binary, "content": "?"}).body == "ɛSOLDE"
    assert jasmin.read_sms({"coding": "8", "binary": "zz", "content": "x"}).body == "x"


def test_an_sms_of_orange_without_an_id_is_known_by_its_sender_time_and_words() -> None:
    at = "inboundSMSMessageNotification.inboundSMSMessage."
    came = {
        f"{at}senderAddress": f"tel:{AWA}",
        f"{at}message": "SOLDE",
        f"{at}dateTime": "2026-11-22T12:00:00Z",
    }
    read = orange.read_sms(came)
    assert (read.phone, read.body) == (AWA, "SOLDE")
    assert orange.read_sms(came).provider_message_id == read.provider_message_id != ""
    later = came | {f"{at}dateTime": "2026-11-22T12:00:09Z"}
    assert orange.read_sms(later).provider_message_id != read.provider_message_id
    assert orange.read_sms(came | {f"{at}messageId": "m-1"}).provider_message_id == "m-1"
    timeless = {name: value for name, value in came.items() if not name.endswith("dateTime")}
    first, second = orange.read_sms(timeless), orange.read_sms(timeless)
    assert first.provider_message_id != second.provider_message_id  # rather twice than lost


def test_a_sender_address_that_is_no_number_is_refused(client: httpx.AsyncClient) -> None:
    with pytest.raises(ValueError, match="sender_address"):
        orange.connect(SmsAccount(fields("https://api.orange.com", sender_address="Keneya"), client, REPORTS))
