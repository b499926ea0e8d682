"""Settlement: payments that their operator reports as made, settled in one transaction each; then the books checked."""

import asyncio
import time
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.measures import Measure, Size, against, alone
from bench.place import Place, check
from locales import Money
from mobilemoney import OperatorAnswer, Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import PaymentState, move
from mutuelle.contributions.settlement.settle import settle
from mutuelle.enrolment.enrolment import Enrolment, enrol
from mutuelle.households.households import NewHousehold
from talk.words import Caller
from torture.town import DAN, FAMILY, PLACES

PEAK_PER_S = 21  # payments at the computed peak of a million members (reliability, section 2)
CALLERS = 8
PRICE = Money(FAMILY.lump_sum_minor, FAMILY.currency)
_people = count(1)


async def measure(place: Place, size: Size) -> list[Measure]:
    """About half a minute, most of it for the households who pay."""
    pool = place.pool(CALLERS)
    alone_rates, many_rates = [], []
    try:
        for _round in range(size.rounds):
            alone_rates.append(await _rate(pool, size.settled_alone, 1))
            many_rates.append(await _rate(pool, size.settled_by_many, CALLERS))
    finally:
        await pool.dispose()
    peak = [float(PEAK_PER_S)] * size.rounds
    title, peer = "payments settled", f"{PEAK_PER_S} a second at the peak"
    return [
        against("settlement", f"{title}, 1 at a time", "payments/s", alone_rates, peer, peak),
        against(
            "settlement",
            f"{title}, {CALLERS} at a time",
            "payments/s",
            many_rates,
            "1 at a time",
            alone_rates,
        ),
    ]


async def measure_check(place: Place, size: Size) -> list[Measure]:
    """How long `keneya check` takes over all that was posted before; broken if an invariant is."""
    pool = place.pool(1)
    async with pool.connect() as db:
        journals = await db.scalar(text("select count(*) from ledger.journal"))
        settled = await db.scalar(text("select count(*) from payment where state = 'PAID'"))
    await pool.dispose()
    checks = [await check(place) for _round in range(min(size.rounds, 3))]
    broken = {name for _took_s, names in checks for name in names}
    return [
        Measure("check", "journals in the book", int(journals or 0), "journals"),
        Measure("check", "payments settled in it", int(settled or 0), "payments"),
        alone("check", "keneya check", "s", [took_s for took_s, _names in checks]),
        Measure("check", "invariants broken", len(broken), "invariants", "none", None, broken=bool(broken)),
    ]


async def _rate(pool: AsyncEngine, payments: int, at_a_time: int) -> float:
    """Payments settled a second, `at_a_time` side by side, in as many transactions as payments."""
    waiting = await _sent(pool, payments)
    began = time.perf_counter()

    async def settle_rest() -> None:
        while waiting:
            await _settle(pool, *waiting.pop())

    await asyncio.gather(*(settle_rest() for _caller in range(at_a_time)))
    return payments / (time.perf_counter() - began)


async def _settle(pool: AsyncEngine, reference: UUID, phone: str) -> None:
    now = datetime.now(UTC)
    word = OperatorAnswer(Outcome.PAID, PRICE.amount_minor, PRICE.currency, phone, f"T{reference}", now)
    async with pool.begin() as db:
        assert await settle(db, DAN.id, reference, word, now)


async def _sent(pool: AsyncEngine, payments: int) -> list[tuple[UUID, str]]:
    """New households who agreed to pay and whose payment was handed to the operator: reference and phone of each."""
    phones = [f"+2236{nth:07}" for nth in (next(_people) for _ in range(payments))]
    left = phones.copy()

    async def join_rest() -> None:
        while left:
            await _join(pool, left.pop())

    await asyncio.gather(*(join_rest() for _caller in range(CALLERS)))
    asked = select(tables.payment.c.reference, tables.payment.c.payer_phone)
    async with pool.begin() as db:
        rows = (await db.execute(asked.where(tables.payment.c.payer_phone.in_(phones)))).all()
        for row in rows:
            at = datetime.now(UTC)
            await move(db, DAN.id, row.reference, PaymentState.SENT, by=By("bench", "sent", at))
    return [(row.reference, row.payer_phone) for row in rows]


async def _join(pool: AsyncEngine, phone: str) -> None:
    caller = Caller(phone, "fr", "bench", f"join {phone}", datetime.now(UTC))
    async with pool.begin() as db:
        await enrol(
            db,
            caller,
            enrolment=Enrolment(
                DAN.id,
                NewHousehold(PLACES[0].id, "Awa Kone", (45, 38, 12)),
                FAMILY.code,
                FAMILY.version,
                PRICE,
            ),
            pay_now=PRICE,
        )
