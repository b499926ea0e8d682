"""Accounts that may not go below zero: refused by the posting function, and by the database whatever it is told."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.balances import balance
from ledger.book import Journal, Phase
from tests.support.ledger_scene import (
    SIK,
    TODAY,
    TRANSPORT_BANK,
    TRANSPORT_CASH,
    TRANSPORT_INCOME,
    hold,
    journal,
    mirror,
    move,
    posted,
    resolve,
    verdicts,
)

TOO_LOW = "refused: balance_too_low"
NOT_OPEN = accounts.cash("new", accounts.TRANSPORT)
HELD = hold(TRANSPORT_BANK, TRANSPORT_CASH, 600)


def on(days: int, asked: Journal) -> Journal:
    """The journal, dated so many days from today."""
    return replace(asked, effective_on=TODAY + timedelta(days))


def earned(key: str, amount_minor: int) -> Journal:
    return journal(key, move(TRANSPORT_CASH, TRANSPORT_INCOME, amount_minor))


def spent(key: str, amount_minor: int) -> Journal:
    return journal(key, move(TRANSPORT_BANK, TRANSPORT_CASH, amount_minor))


async def test_cash_that_is_not_there_cannot_be_spent(book: AsyncEngine) -> None:
    said = verdicts(await posted(book, spent("a", 1), earned("b", 500), spent("c", 501), spent("d", 500)))
    assert said == [TOO_LOW, "created", TOO_LOW, "created"]
    async with book.connect() as db:
        assert (await balance(db, SIK, TRANSPORT_CASH)).net == 0


async def test_a_refusal_is_kept_when_there_is_money_later(book: AsyncEngine) -> None:
    assert verdicts(await posted(book, spent("a", 500))) == [TOO_LOW]
    await posted(book, earned("b", 500))
    assert verdicts(await posted(book, spent("a", 500), spent("a2", 500))) == [TOO_LOW, "created"]


async def test_what_is_reserved_is_not_free(book: AsyncEngine) -> None:
    await posted(book, earned("e", 1000))
    said = verdicts(await posted(book, journal("hold", HELD), spent("too much", 401), spent("rest", 400)))
    assert said == ["created", TOO_LOW, "created"]
    part = journal("post", resolve(Phase.POST, HELD, journal("hold").id, 450))
    assert verdicts(await posted(book, part, spent("freed", 150), spent("more", 1))) == [
        "created",
        "created",
        TOO_LOW,
    ]


async def test_what_is_voided_is_free_again(book: AsyncEngine) -> None:
    await posted(book, earned("e", 600))
    void = journal("void", resolve(Phase.VOID, HELD, journal("hold").id))
    said = verdicts(await posted(book, journal("hold", HELD), spent("now", 1), void, spent("then", 600)))
    assert said == ["created", TOO_LOW, "created", "created"]


async def test_a_reversal_cannot_take_back_what_was_spent(book: AsyncEngine) -> None:
    await posted(book, earned("e", 500), spent("s", 200))
    assert verdicts(await posted(book, mirror("r", earned("e", 500)))) == [TOO_LOW]
    assert (
        verdicts(await posted(book, mirror("s2", spent("s", 200)), mirror("r2", earned("e", 500))))
        == ["created"] * 2
    )


async def test_a_journal_is_judged_by_what_all_its_movements_do(book: AsyncEngine) -> None:
    through = journal(
        "through", move(TRANSPORT_BANK, TRANSPORT_CASH, 300), move(TRANSPORT_CASH, TRANSPORT_INCOME, 300)
    )
    assert verdicts(await posted(book, through)) == ["created"]


async def test_of_many_who_spend_at_once_only_the_money_is_spent(book: AsyncEngine) -> None:
    await posted(book, earned("e", 500))
    answers = await asyncio.gather(*(posted(book, spent(f"s{nth}", 100)) for nth in range(12)))
    assert sorted(verdicts([answer for [answer] in answers])) == ["created"] * 5 + [TOO_LOW] * 7


async def test_an_account_that_is_just_being_opened_is_judged_journal_by_journal(owner: AsyncEngine) -> None:
    """Between the locks and the judging somebody may commit its opening: all of a call must not be judged at once."""
    two = json.dumps([{"mutuelle": SIK, "movements": [{"debit": NOT_OPEN, "credit": TRANSPORT_INCOME}]}] * 2)
    async with owner.begin() as db:
        depends = await db.scalar(text("select ledger.lock_for(cast(:two as jsonb))"), {"two": two})
    assert depends is True


async def test_the_database_itself_refuses(book: AsyncEngine, owner: AsyncEngine) -> None:
    await posted(book, earned("e", 500))
    with pytest.raises(IntegrityError, match="balance_not_below_zero"):
        async with owner.begin() as db:
            await db.execute(text("update ledger.balance set credits_pending = 501"))


async def test_nothing_is_spent_before_it_came(book: AsyncEngine) -> None:
    """As of each day, not as of now: a spend dated back leaves no day below zero."""
    said = verdicts(
        await posted(
            book,
            on(-9, earned("first", 100)),
            on(-3, earned("then", 400)),
            on(-5, spent("more than was there", 101)),
            on(-10, spent("before the first", 1)),
            on(-5, spent("what was there", 100)),
            on(-7, spent("what is spent later", 1)),
            on(-3, spent("on the day it came", 400)),
            on(-4, earned("something of before", 30)),
            on(-4, spent("something of before spent", 31)),
            on(-4, spent("all of it", 30)),
        )
    )
    assert said == [
        "created",
        "created",
        TOO_LOW,
        TOO_LOW,
        "created",
        TOO_LOW,
        "created",
        "created",
        TOO_LOW,
        "created",
    ]
    async with book.connect() as db:
        days = [(await balance(db, SIK, TRANSPORT_CASH, TODAY + timedelta(n))).net for n in range(-10, 1)]
    assert days == [0, 100, 100, 100, 100, 0, 0, 0, 0, 0, 0]


async def test_what_comes_tomorrow_is_not_spent_today(book: AsyncEngine) -> None:
    await posted(book, on(5, earned("promised", 100)))
    assert verdicts(await posted(book, spent("today", 1), on(5, spent("then", 100)))) == [TOO_LOW, "created"]


async def test_a_reservation_counts_from_its_day_on(book: AsyncEngine) -> None:
    await posted(book, on(-9, earned("e", 600)), on(-3, journal("hold", HELD)))
    held_on = on(-3, journal("hold", HELD)).id
    post_early = on(-4, journal("early", resolve(Phase.POST, HELD, held_on)))
    said = verdicts(
        await posted(
            book,
            on(-5, spent("held later", 1)),
            on(-1, spent("held", 1)),
            on(-9, mirror("back", earned("e", 600))),
            post_early,
        )
    )
    assert said == [TOO_LOW, TOO_LOW, TOO_LOW, "created"]
    async with book.connect() as db:
        assert (await balance(db, SIK, TRANSPORT_CASH, TODAY - timedelta(4))).net == 0


async def test_a_reservation_is_not_posted_on_a_day_without_the_money(book: AsyncEngine) -> None:
    await posted(book, on(-3, earned("e", 600)), on(-3, journal("hold", HELD)))
    early = on(-4, journal("early", resolve(Phase.POST, HELD, journal("hold").id)))
    in_time = on(-3, journal("in time", resolve(Phase.POST, HELD, journal("hold").id)))
    assert verdicts(await posted(book, early, in_time)) == [TOO_LOW, "created"]


async def test_a_day_that_was_below_zero_is_mended_step_by_step(
    book: AsyncEngine, owner: AsyncEngine
) -> None:
    """A book of before this rule: what helps is let in, also where it does not help enough; nothing makes it worse."""
    await posted(book, on(-9, earned("e", 500)), on(-2, spent("s", 500)))
    async with owner.begin() as db:
        await db.execute(text("alter table ledger.movement disable trigger append_only"))
        day = {"day": TODAY - timedelta(4), "id": earned("e", 500).id}
        await db.execute(text("update ledger.movement set effective_on = :day where journal_id = :id"), day)
        day = {"day": TODAY - timedelta(8), "id": spent("s", 500).id}
        await db.execute(text("update ledger.movement set effective_on = :day where journal_id = :id"), day)
    said = verdicts(
        await posted(
            book,
            on(-8, earned("part", 100)),
            on(-8, spent("worse", 1)),
            on(-1, spent("not of that day", 100)),
            on(-6, earned("the rest", 400)),
        )
    )
    assert said == ["created", TOO_LOW, "created", "created"]
