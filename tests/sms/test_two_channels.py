"""One phone calls and writes at the same moment: it pays once, it joins once."""

import asyncio

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.tables import household_phone, payment
from sms.inbox_worker import answer_waiting
from tests.support.sms_phone import Writer, code_in, sms_deps
from tests.support.town import NOON, Clock, Handset, join, paid
from ussd import calls

ROUNDS = 20


async def race(handset: Handset, writer: Writer, asked: str) -> tuple[str, str]:
    """Press 1 and send the code at once, with two workers: the screen and the answer."""
    message = await writer.post(f"OUI {code_in(asked)}")
    screen, *_rounds = await asyncio.gather(
        handset.type("1"), answer_waiting(writer.deps), answer_waiting(writer.deps)
    )
    return screen, await writer.reply_to(message)


async def test_it_pays_once(ussd_deps: calls.UssdDeps, pool: AsyncEngine, clock: Clock) -> None:
    deps = sms_deps(pool, clock)
    for nth in range(ROUNDS):
        phone = f"+223760002{nth:02}"
        home = await join(pool, phone, at=NOON, pay_minor=6_000)
        await paid(pool, home, at=NOON)
        handset, writer = Handset(ussd_deps, phone=phone), Writer(deps, phone=phone)
        asked = await writer.send("payer 3000")
        assert "1 Oui" in await handset.dial("2", "2", "3000")
        screen, answer = await race(handset, writer, asked)
        async with pool.connect() as db:
            own = payment.c.number == home.number
            assert await db.scalar(select(func.count()).select_from(payment).where(own)) == 2
        by_call, by_message = "On va demander" in screen, "On va demander" in answer
        assert by_call != by_message, (screen, answer)


async def test_it_joins_once(ussd_deps: calls.UssdDeps, pool: AsyncEngine, clock: Clock) -> None:
    deps = sms_deps(pool, clock)
    for nth in range(ROUNDS):
        phone = f"+223760003{nth:02}"
        handset, writer = Handset(ussd_deps, phone=phone), Writer(deps, phone=phone)
        await writer.send("adherer Niéna-Sud, Oumar Sow, 30 28 3")
        asked = await writer.send("1")
        assert "J'accepte" in await handset.dial("1", "1", "Oumar Sow", "30 28 3", "1")
        screen, answer = await race(handset, writer, asked)
        async with pool.connect() as db:
            own = household_phone.c.phone == phone
            assert await db.scalar(select(func.count()).select_from(household_phone).where(own)) == 1
        assert ("Bienvenue" in screen) != ("Bienvenue" in answer), (screen, answer)
        later = answer if "Bienvenue" in screen else screen
        assert "déjà" in later or "a changé. Relisez" in later, (
            "it meets the household in its action, or on its way there"
        )
