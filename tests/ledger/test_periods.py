"""Closed books: nothing is dated inside them, what comes late names its day, and reopening is on record."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from ledger.balances import balance
from ledger.book import Origin, Posted, post
from ledger.folding import fold
from ledger.invariants.book import INVARIANTS
from ledger.periods import close_period, closed_through, period_acts, period_totals, reopen_period
from ledger.statements import statement
from tests.support.ledger_scene import AWA, CONTRIBUTIONS, FLOAT, SIK, called, paid, posted, verdicts
from tests.support.patience import PATIENCE_S

OCTOBER, SEPTEMBER = date(2026, 10, 31), date(2026, 9, 30)


async def close(book: AsyncEngine, last_on: date, key: str = "close", reason: str = "agreed") -> Posted:
    async with book.begin() as db:
        return await close_period(
            db, SIK, last_on, Origin(source="period", key=key, actor="treasurer", reason=reason)
        )


async def reopen(book: AsyncEngine, key: str = "reopen") -> Posted:
    async with book.begin() as db:
        return await reopen_period(
            db, SIK, Origin(source="period", key=key, actor="treasurer", reason="a mistake")
        )


async def test_what_comes_late_is_booked_today_and_names_its_day(book: AsyncEngine) -> None:
    await posted(book, paid("in time", effective_on=OCTOBER))
    assert (await close(book, OCTOBER)).stands
    late = paid("late", effective_on=OCTOBER - timedelta(days=3))
    assert verdicts(await posted(book, late, late, paid("after", effective_on=date(2026, 11, 1)))) == [
        "created",
        "exists",
        "created",
    ]
    async with book.connect() as db:
        entries = await statement(db, SIK, AWA)
        today = datetime.now(UTC).date()
        assert [(e.effective_on, e.occurred_on) for e in entries] == [
            (OCTOBER, OCTOBER),
            (date(2026, 11, 1), date(2026, 11, 1)),
            (today, OCTOBER - timedelta(days=3)),
        ]
        assert (await balance(db, SIK, FLOAT, OCTOBER)).net == 2000
    # The key is spent on what was asked for, whatever day it was booked on.
    assert verdicts(await posted(book, paid("late", effective_on=OCTOBER))) == ["conflict: other_content"]


async def test_periods_close_in_order_once_and_when_they_are_over(book: AsyncEngine) -> None:
    today = datetime.now(UTC).date()
    assert verdicts([await close(book, today, "early")]) == ["refused: period_not_over"]
    assert verdicts([await close(book, OCTOBER, "a"), await close(book, OCTOBER, "a")]) == [
        "created",
        "exists",
    ]
    assert verdicts([await close(book, OCTOBER, "b")]) == ["refused: period_closed"]
    assert verdicts([await close(book, SEPTEMBER, "c")]) == ["refused: period_closed"]
    assert verdicts([await close(book, SEPTEMBER, "a")]) == ["conflict: other_content"]


async def test_only_the_last_close_is_reopened_and_both_stay_on_record(book: AsyncEngine) -> None:
    await posted(book, paid("s", effective_on=SEPTEMBER), paid("o", effective_on=OCTOBER))
    await close(book, SEPTEMBER, "september")
    await close(book, OCTOBER, "october")
    assert (await reopen(book, "1")).stands
    async with book.connect() as db:
        assert await closed_through(db, SIK) == SEPTEMBER
    assert verdicts(await posted(book, paid("again", effective_on=OCTOBER))) == ["created"]
    assert (await close(book, OCTOBER, "october again")).stands
    assert (await reopen(book, "2")).stands
    assert (await reopen(book, "3")).stands
    assert verdicts([await reopen(book, "4")]) == ["refused: period_not_closed"]
    async with book.connect() as db:
        acts = await period_acts(db, SIK)
        assert await closed_through(db, SIK) is None
    assert [(a.act, a.last_on) for a in acts] == [
        ("close", SEPTEMBER),
        ("close", OCTOBER),
        ("reopen", OCTOBER),
        ("close", OCTOBER),
        ("reopen", OCTOBER),
        ("reopen", SEPTEMBER),
    ]
    assert {a.reason for a in acts} == {"agreed", "a mistake"}
    assert not any(a.stands for a in acts)


async def test_a_close_keeps_the_trial_balance_that_it_found(book: AsyncEngine) -> None:
    await posted(book, called("c", amount_minor=6000), paid("s", effective_on=SEPTEMBER, amount_minor=100))
    await close(book, SEPTEMBER, "september")
    await posted(book, paid("o", effective_on=OCTOBER, amount_minor=30))
    async with book.begin() as db:
        await fold(db, SIK)
    answer = await close(book, OCTOBER, "october")
    assert answer.journal_id
    async with book.connect() as db:
        totals = {t.account: t for t in await period_totals(db, SIK, answer.journal_id)}
    float_, members = totals[FLOAT], totals["health:member"]
    assert (float_.debits, float_.credits, float_.cum_debits, float_.cum_credits) == (30, 0, 130, 0)
    assert (members.debits, members.credits, members.cum_debits, members.cum_credits) == (0, 30, 0, 130)
    assert totals[CONTRIBUTIONS].cum_credits == 0  # called in November


async def test_a_close_waits_for_who_is_posting(book: AsyncEngine) -> None:
    async with book.connect() as slow:
        began = await slow.begin()
        answers = await post(slow, [paid("slow", effective_on=OCTOBER)])
        closing = asyncio.create_task(close(book, OCTOBER))
        await asyncio.sleep(0.3)
        assert not closing.done()
        await began.commit()
    assert verdicts(answers) == ["created"]
    answer = await asyncio.wait_for(closing, PATIENCE_S)
    assert answer.journal_id
    async with book.connect() as db:
        totals = {t.account: t.cum_debits for t in await period_totals(db, SIK, answer.journal_id)}
    assert totals[FLOAT] == 2000


async def test_an_act_says_who_and_why(book: AsyncEngine) -> None:
    async with book.begin() as db:
        for how in ({"actor": " ", "reason": "x", "key": "k"}, {"actor": "x", "reason": "", "key": "k"}):
            answer = await close_period(db, SIK, OCTOBER, Origin(source="period", **how))
            assert answer.reason in ("actor_malformed", "reason_malformed")
        nowhere = await close_period(db, "ZZZ", OCTOBER, Origin(source="p", key="k", actor="a", reason="b"))
        assert nowhere.reason == "mutuelle_unknown"


async def test_a_close_that_was_reopened_does_not_come_back(book: AsyncEngine) -> None:
    await close(book, SEPTEMBER, "a")
    await reopen(book, "b")
    await posted(book, paid("later", effective_on=OCTOBER))
    await close(book, OCTOBER, "c")
    assert (await reopen(book, "d")).stands
    async with book.connect() as db:
        assert await closed_through(db, SIK) is None


ODD: dict[str, tuple[dict[str, object], str]] = {
    "a phone acts": ({"actor": "+22376000001"}, "actor_malformed"),
    "nobody acts": ({"actor": "\u00a0"}, "actor_malformed"),
    "a phone is the reason": ({"reason": "told by +223 76 00 00 01"}, "reason_malformed"),
    "no reason": ({"reason": None}, "reason_malformed"),
    "no key": ({"key": ""}, "key_malformed"),
    "no id": ({"id": None}, "journal_id_taken"),
    "the id of another journal": ({"id": paid("k").id}, "journal_id_taken"),
    "another mutuelle": ({"mutuelle": "NOBODY"}, "mutuelle_unknown"),
    "no mutuelle": ({"mutuelle": None}, "mutuelle_unknown"),
    "no day": ({"last_on": None}, "period_malformed"),
    "no end of days": ({"last_on": date.max}, "period_malformed"),
    "before the book": ({"last_on": date(1999, 12, 31)}, "period_malformed"),
}


@pytest.mark.parametrize(("changed", "why"), ODD.values(), ids=ODD)
async def test_an_act_that_no_check_would_accept_is_refused_by_name(
    book: AsyncEngine, changed: dict[str, object], why: str
) -> None:
    await posted(book, paid("k"))
    asked = {"mutuelle": SIK, "source": "period", "key": "act", "id": UUID(int=5)}
    asked |= {"actor": "treasurer", "reason": "agreed", "last_on": OCTOBER} | changed
    facts = ":mutuelle, :source, :key, :id, :actor, :reason"
    close_ = f"select verdict, refused from ledger.close_period({facts}, :last_on)"
    calls = (
        [close_]
        if "last_on" in changed
        else [close_, close_.replace("close_", "reopen_").replace(", :last_on", "")]
    )
    for call in calls:
        async with book.begin() as db:
            [row] = await db.execute(text(call), asked)
        assert tuple(row) == ("refused", why)
    async with book.connect() as db:
        assert [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds] == []
