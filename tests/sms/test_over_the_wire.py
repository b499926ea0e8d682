"""An SMS through the whole house: the gateway's form, the worker's rounds, the answer on the phone."""

from tests.support.running_service import SECRET, House
from tests.support.sms_phone import code_in
from tests.support.town import AWA, NOON, join, paid


async def write(house: House, text: str, **more: str) -> None:
    """The phone sends an SMS, as the simulator of the gateway passes it on."""
    form = {"from": AWA, "text": text, **more}
    answer = await house.http.post("/simulator/sms/incoming", data=form)
    assert answer.status_code == 202


async def test_a_message_is_played_and_answered_once(house: House) -> None:
    await paid(house.pool, await join(house.pool, AWA, at=NOON, pay_minor=6_000), at=NOON)
    await write(house, "payer 3000", id="ATXid_one")
    asked = await house.message("Payer 3 000 F")
    await write(house, "payer 3000", id="ATXid_one")  # the gateway repeats itself
    await write(house, f"oui {code_in(asked)}")
    await house.message("On va demander 3 000 F")
    assert len([text for text in await house.messages() if text.startswith("Payer")]) == 1
    await house.answer(await house.prompt(), "approve")
    assert "3 000 F pour Awa Koné" in await house.message("REÇU")


async def test_what_cannot_be_answered_is_dropped_with_200(house: House) -> None:
    for form in (
        {"id": "1", "from": "MTN", "text": "promo"},
        {"id": "2", "from": AWA, "text": "  "},
        {"from": AWA, "text": "x"},
    ):
        answer = await house.http.post(f"/at/{SECRET}/sms", data=form)
        assert answer.status_code == 200
    await house.work()
    assert await house.messages() == []
