"""The main job, over the wire: a villager joins, pays and checks her cover, whatever the operator does."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text

from invariants import examine
from ledger import accounts
from ledger.balances import balance
from ledger.invariants.book import INVARIANTS as LEDGER_CHECKS
from mutuelle import tables
from mutuelle.invariants import INVARIANTS as PAYMENT_CHECKS
from sms.invariants import INVARIANTS as SMS_CHECKS
from tests.support.running_service import House, WirePhone
from tests.support.town import AWA

RECEIPT = "REÇU"  # GSM-7 has the capital letter
JOIN = ("1", "1", "Awa Koné", "45*38*12*7", "1", "1")


async def joined(house: House) -> tuple[WirePhone, dict[str, Any]]:
    """Awa has joined and has the payment prompt on her phone."""
    phone = WirePhone(house)
    await phone.dial()
    welcome = await phone.type(*JOIN)
    assert welcome.startswith("END Bienvenue")
    return phone, await house.prompt()


async def state(house: House) -> tuple[str, int]:
    """The state of the only payment, and what the member's account was credited."""
    async with house.pool.connect() as db:
        row = (await db.execute(select(tables.payment.c.state, tables.payment.c.number))).one()
        credited = (await balance(db, "BEN", accounts.member(row.number))).credits
    return row.state, credited


async def nothing_is_broken(house: House) -> None:
    async with house.pool.connect() as db:
        findings = await examine(db, (*LEDGER_CHECKS, *SMS_CHECKS, *PAYMENT_CHECKS))
    assert [f"{f.invariant.name}: {f.offenders}" for f in findings if not f.holds] == []


async def test_a_villager_joins_pays_and_sees_her_cover(house: House) -> None:
    phone, prompt = await joined(house)
    assert (prompt["amount"], prompt["currency"], prompt["operator"]) == (12000, "XOF", "simulated")
    await house.answer(prompt, "approve")
    receipt = await house.message(RECEIPT)
    assert (
        "12 000 F pour Awa Koné, n° 199".replace("°", "deg") in receipt or "12 000 F pour Awa Koné" in receipt
    )
    assert "Reste à payer : 0 F" in receipt
    assert await state(house) == ("PAID", 12_000)
    cover = await phone.dial("1")
    assert cover.startswith("END Awa Koné")
    assert "Tout est payé. Couvert du" in cover
    await nothing_is_broken(house)


Story = Callable[[House, dict[str, Any]], Awaitable[None]]


def answered(how: str) -> Story:
    async def story(house: House, prompt: dict[str, Any]) -> None:
        await house.answer(prompt, how)

    return story


@pytest.mark.parametrize("how", ["approve", "late", "twice", "notice-first"])
async def test_an_approved_payment_is_posted_once_however_the_operator_tells(house: House, how: str) -> None:
    _phone, prompt = await joined(house)
    await house.answer(prompt, how)
    await house.message(RECEIPT)
    for _more in range(3):
        await house.work()
    assert await state(house) == ("PAID", 12_000)
    assert len([text for text in await house.messages() if RECEIPT in text]) == 1
    await nothing_is_broken(house)


@pytest.mark.parametrize(("how", "said"), [("decline", "n'a pas été fait"), ("ignore", "pas validé à temps")])
async def test_a_payment_that_was_not_made_leaves_no_session_and_says_so(
    house: House, how: str, said: str
) -> None:
    _phone, prompt = await joined(house)
    await house.answer(prompt, how)
    assert "rien n'a été pris" in (await house.message(said)).lower()
    assert await state(house) == ("FAILED", 0)
    async with house.pool.connect() as db:
        assert await db.scalar(text("select count(*) from ledger.movement")) == 0
    await nothing_is_broken(house)


TROUBLE_ON_REQUEST = ["error500", "accepted-then-500", "html", "garbage", "lost"]


@pytest.mark.parametrize("mode", TROUBLE_ON_REQUEST)
async def test_whatever_the_operator_answers_to_the_request_one_debit_is_one_posting(
    house: House, mode: str
) -> None:
    await house.trouble(mode=mode, on="request")
    _phone, prompt = await joined(house)
    await house.answer(prompt, "approve")
    await house.message(RECEIPT)
    assert await state(house) == ("PAID", 12_000)
    await nothing_is_broken(house)


@pytest.mark.parametrize("mode", ["error500", "html", "garbage", "not-found", "unknown-status"])
async def test_a_status_that_cannot_be_read_is_asked_again(house: House, mode: str) -> None:
    _phone, prompt = await joined(house)
    await house.trouble(mode=mode, on="status", count="3")
    await house.answer(prompt, "approve")
    await house.message(RECEIPT)
    assert await state(house) == ("PAID", 12_000)


@pytest.mark.parametrize("mode", ["wrong-amount", "wrong-phone", "wrong-currency"])
async def test_money_that_differs_from_what_was_asked_goes_to_suspense_with_a_case(
    house: House, mode: str
) -> None:
    _phone, prompt = await joined(house)
    await house.trouble(mode=mode, on="status", phone=AWA)
    await house.answer(prompt, "approve")
    assert "pas comme prévu" in await house.message("Votre paiement est arrivé")
    assert await state(house) == ("PAID", 0)
    async with house.pool.connect() as db:
        suspense = await db.scalar(
            text("select sum(credit) from ledger.entry where account like 'health:suspense:%'")
        )
        cases = await db.scalar(select(func.count()).select_from(tables.payment_case))
    assert suspense in (12_000, 12_001)
    assert cases == 1
    await nothing_is_broken(house)


async def test_one_household_has_one_open_payment(house: House) -> None:
    phone, prompt = await joined(house)
    assert "en cours" in await phone.dial("2")
    other = WirePhone(house, phone="+22376000077")
    async with house.pool.connect() as db:
        number = await db.scalar(select(tables.household.c.number))
    assert "déjà en cours" in await other.dial("2", "4", str(number), "5000")
    await house.answer(prompt, "approve")
    await house.message(RECEIPT)
    assert "Rien à payer" in await phone.dial("2")


async def test_a_forged_notice_moves_no_money(house: House) -> None:
    _phone, prompt = await joined(house)
    path = prompt["notice_url"].split("/money/")[1]
    for _again in range(5):
        forged = await house.http.post(f"/money/{path}", json={"status": "SUCCESSFUL", "amount": 12000})
        assert forged.status_code == 200
        await house.work()
    assert (await state(house))[1] == 0
    assert (await house.http.post("/money/simulated/ffff", json={})).status_code == 404
    assert (await house.http.put(f"/money/{path}", content=b"x" * 70_000)).status_code == 413
