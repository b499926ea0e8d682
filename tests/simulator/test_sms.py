"""Africa's Talking SMS, driven by its own SDK: what is answered, what is reported, what reaches a phone."""

import asyncio
import json
from typing import Any

import pytest
from africastalking.Service import AfricasTalkingException
from africastalking.SMS import SMSService

from simulator import sms
from tests.support.patience import as_busy
from tests.support.servers import API_KEY, Service, Simulator

AWA = "+22370000100"


async def send(served: Simulator, *to: str, text: str = "Bonjour", sender: str | None = None) -> Any:
    """Send as the official SDK does."""
    service = SMSService("demo", API_KEY)
    service._baseUrl = f"{served.url}/simulator/at/version1"
    return await asyncio.to_thread(service.send, text, list(to), sender)


async def test_the_sdk_reads_the_answer(served: Simulator) -> None:
    answer = await send(served, AWA, "+22370000101", text="Reçu : 2000 F")
    message = answer["SMSMessageData"]
    assert message["Message"] == "Sent to 2/2 Total Cost: XOF 24.0000 Message parts: 1"
    assert [recipient["number"] for recipient in message["Recipients"]] == [AWA, "+22370000101"]
    first = message["Recipients"][0]
    assert first["messageId"].startswith("ATXid_")
    assert {name: first[name] for name in ("status", "statusCode", "cost")} == {
        "status": "Success",
        "statusCode": 102,
        "cost": "XOF 12.0000",
    }


async def test_what_went_out_is_listed_newest_first(served: Simulator) -> None:
    for text in ("un", "deux"):
        await send(served, AWA, text=text, sender="KENEYA")
    await send(served, "+22370000101", text="ailleurs")
    for query in (f"?to={AWA}", "?to=%2B22370000100"):  # the bare plus arrives as a space
        listed = (await served.http.get(f"/simulator/sms{query}")).json()
        assert [(message["to"], message["from"], message["text"]) for message in listed] == [
            (AWA, "KENEYA", "deux"),
            (AWA, "KENEYA", "un"),
        ]
    assert set(listed[0]) == {"id", "to", "from", "text", "at"}
    assert len(await served.get("/simulator/sms")) == 3


@pytest.mark.parametrize(("end", "refusal"), sms.REFUSALS.items())
async def test_the_end_of_a_number_chooses_its_refusal(
    served: Simulator, end: str, refusal: tuple[int, str]
) -> None:
    answer = await send(served, f"+2237000{end}", AWA)
    refused, reached = answer["SMSMessageData"]["Recipients"]
    assert (refused["statusCode"], refused["status"]) == refusal
    assert (refused["messageId"], refused["cost"]) == ("None", "0")
    assert reached["statusCode"] == 102
    assert await served.get("/simulator/sms", to=f"+2237000{end}") == []


async def test_a_number_too_short_for_any_phone_is_refused(served: Simulator) -> None:
    answer = await send(served, "+2237000")
    assert answer["SMSMessageData"]["Recipients"][0]["statusCode"] == 403
    assert await served.get("/simulator/sms") == []


@pytest.mark.parametrize("sender", ["INVALID", "a name far too long", "é"])
async def test_a_bad_sender_is_a_201_with_nobody_in_it(served: Simulator, sender: str) -> None:
    answer = await send(served, AWA, sender=sender)
    assert answer == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    assert await served.get("/simulator/sms") == []


async def test_a_wrong_key_is_a_401_in_plain_text(served: Simulator) -> None:
    service = SMSService("demo", "another key")
    service._baseUrl = f"{served.url}/simulator/at/version1"
    with pytest.raises(AfricasTalkingException, match="The supplied authentication is invalid"):
        await asyncio.to_thread(service.send, "Bonjour", [AWA])
    assert await served.get("/simulator/sms") == []


@pytest.mark.parametrize(
    ("end", "statuses"),
    [
        ("0100", ["Sent", "Success"]),
        ("0602", ["Sent", "Failed"]),
        ("0603", ["Sent", "AbsentSubscriber"]),
        ("0606", ["Success", "Sent"]),
    ],
)
async def test_delivery_reports_follow(
    served: Simulator, service: Service, end: str, statuses: list[str]
) -> None:
    answer = await send(served, f"+2237000{end}")
    reports = [report.form for report in await service.wait_for("/delivery", 2)]
    assert [report["status"] for report in reports] == statuses
    sent_id = answer["SMSMessageData"]["Recipients"][0]["messageId"]
    assert {(report["id"], report["phoneNumber"]) for report in reports} == {(sent_id, f"+2237000{end}")}
    reasons = [report.get("failureReason") for report in reports if report["status"] == "Failed"]
    assert reasons == ["DeliveryFailure"] * len(reasons)


async def test_a_report_can_come_before_the_answer(served: Simulator, service: Service) -> None:
    sending = asyncio.create_task(send(served, "+22370000601"))
    [report] = await service.wait_for("/delivery")
    assert not sending.done()
    assert (await sending)["SMSMessageData"]["Recipients"][0]["messageId"] == report.form["id"]


async def test_a_number_nobody_reports_on(served: Simulator, service: Service) -> None:
    await send(served, "+22370000604")
    await asyncio.sleep(0.2)
    assert service.heard == []


async def test_an_answer_the_sdk_leaves_unparsed(served: Simulator) -> None:
    answer = await send(served, "+22370000608")
    assert isinstance(answer, str)
    assert json.loads(answer)["SMSMessageData"]["Recipients"][0]["statusCode"] == 102


async def test_accepted_and_then_a_page_in_html(served: Simulator) -> None:
    with pytest.raises(AfricasTalkingException, match="html"):
        await send(served, "+22370000607")
    assert len(await served.get("/simulator/sms", to="+22370000607")) == 1


async def test_accepted_and_then_silence(served: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "SLOW_S", as_busy(0.5))
    sending = asyncio.create_task(send(served, "+22370000605"))
    while not (kept := await served.get("/simulator/sms", to="+22370000605")):
        assert not sending.done()
    assert not sending.done()
    assert len(kept) == 1
    await sending


async def test_a_phone_sends_an_sms_until_the_service_takes_it(served: Simulator, service: Service) -> None:
    service.refuse["/sms"] = 1
    sent = await served.post("/simulator/sms/incoming", 202, **{"from": AWA, "text": "SOLDE"})
    messages = [message.form for message in await service.wait_for("/sms", 2)]
    assert messages[0] == messages[1]
    told = {name: messages[0][name] for name in ("from", "text", "id")}
    assert told == {"from": AWA, "text": "SOLDE", "id": sent["id"]}


@pytest.mark.parametrize(
    ("text", "parts"),
    [("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("ɛ" * 70, 1), ("ɛ" * 71, 2)],
)
def test_parts_are_counted_as_they_are_billed(text: str, parts: int) -> None:
    assert sms.parts(text) == parts


async def test_what_a_phone_wrote_is_listed_newest_first(served: Simulator) -> None:
    for text in ("un", "deux"):
        await served.http.post("/simulator/sms/incoming", data={"from": AWA, "text": text})
    form = {"from": AWA, "text": "deux", "id": "of-a-retry"}
    for _time in range(2):
        await served.http.post("/simulator/sms/incoming", data=form)
    listed = (await served.http.get("/simulator/sms/incoming", params={"from": AWA})).json()
    assert [(message["from"], message["text"]) for message in listed] == [
        (AWA, "deux"),
        (AWA, "deux"),
        (AWA, "un"),
    ]
    assert set(listed[0]) == {"id", "from", "text", "at"}
