"""Posting: each key once, batches as if one by one, reversals, reservations."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import Balance, balance
from ledger.book import (
    MAX_JOURNALS,
    Account,
    Journal,
    Movement,
    Origin,
    Phase,
    journal_id,
    open_accounts,
    post,
    reverse,
)
from tests.support.ledger_scene import (
    AWA,
    FLOAT,
    MOUSSA,
    SIK,
    SUSPENSE,
    TODAY,
    YESTERDAY,
    called,
    hold,
    journal,
    mirror,
    move,
    paid,
    posted,
    resolve,
    verdicts,
)


async def test_the_same_key_answers_the_first_time_again(book: AsyncEngine) -> None:
    first = paid("k")
    answers = [*(await posted(book, first)), *(await posted(book, first))]
    assert verdicts(answers) == ["created", "exists"]
    assert answers[0].journal_id == answers[1].journal_id == first.id
    async with book.begin() as db:
        assert await balance(db, SIK, AWA) == Balance(0, 2000)


CHANGES: dict[str, Callable[[Journal], Journal]] = {
    "amount": lambda j: replace(j, movements=[move(FLOAT, AWA, 2001)]),
    "debit": lambda j: replace(j, movements=[move(SUSPENSE, AWA, 2000)]),
    "credit": lambda j: replace(j, movements=[move(FLOAT, MOUSSA, 2000)]),
    "sides": lambda j: replace(j, movements=[move(AWA, FLOAT, 2000)]),
    "phase": lambda j: replace(j, movements=[hold(FLOAT, AWA, 2000)]),
    "one more": lambda j: replace(j, movements=[*j.movements, move(FLOAT, AWA, 1)]),
    "order": lambda j: replace(j, movements=[*j.movements][::-1]),
    "date": lambda j: replace(j, effective_on=YESTERDAY),
    "kind": lambda j: replace(j, kind="other"),
    "actor": lambda j: replace(j, actor="treasurer"),
    "reason": lambda j: replace(j, reason="other"),
    "memo": lambda j: replace(j, memo={"payment": "6f1d"}),
    "memo's name": lambda j: replace(j, memo={"paymen": "t6f1c"}),
    "reverses": lambda j: replace(j, reverses=UUID(int=1)),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_same_key_with_other_content_is_a_conflict(book: AsyncEngine, change: str) -> None:
    first = journal("k", move(FLOAT, AWA, 2000))
    if change == "order":
        first = journal("k", move(FLOAT, AWA, 2000), move(SUSPENSE, AWA, 7))
    answers = await posted(book, first, CHANGES[change](first))
    assert verdicts(answers) == ["created", "conflict: other_content"]
    assert answers[1].journal_id is None
    assert verdicts(await posted(book, CHANGES[change](first), first)) == [
        "conflict: other_content",
        "exists",
    ]


async def test_a_batch_answers_as_if_its_journals_came_one_by_one(book: AsyncEngine) -> None:
    first, reservation = called("a"), journal("h", hold(AWA, FLOAT, 500))
    batch = [
        *(first, first, replace(first, reason="other"), mirror("r", first), mirror("r2", first)),
        *(reservation, journal("p", resolve(Phase.POST, hold(AWA, FLOAT, 500), reservation.id, 300))),
        *(journal("v", resolve(Phase.VOID, hold(AWA, FLOAT, 500), reservation.id)), first),
    ]
    told = verdicts(await posted(book, *batch))
    assert told == [
        *("created", "exists", "conflict: other_content", "created", "refused: reversal_duplicate"),
        *("created", "created", "refused: pending_resolved", "exists"),
    ]


async def test_a_thousand_at_once(book: AsyncEngine) -> None:
    batch = [paid(str(n), AWA if n % 2 else MOUSSA, 10 + n) for n in range(MAX_JOURNALS)]
    answers = await posted(book, *batch)
    assert verdicts(answers) == ["created"] * MAX_JOURNALS
    assert [a.journal_id for a in answers] == [j.id for j in batch]
    async with book.begin() as db:
        assert (await balance(db, SIK, FLOAT)).debits == sum(10 + n for n in range(MAX_JOURNALS))
        with pytest.raises(ValueError, match="at most"):
            await post(db, [paid("k")] * (MAX_JOURNALS + 1))
        assert await post(db, []) == []


async def test_a_posting_goes_with_its_transaction(book: AsyncEngine) -> None:
    async with book.connect() as db:
        await post(db, [paid("k")])
        await db.rollback()
    assert verdicts(await posted(book, replace(paid("k"), reason="other"))) == ["created"]


async def test_mutuelles_share_no_key(book: AsyncEngine) -> None:
    other = replace(paid("k"), mutuelle="ATA")
    assert verdicts(await posted(book, paid("k"), other)) == ["created", "refused: account_unknown"]


async def test_mutuelles_share_no_account(book: AsyncEngine) -> None:
    async with book.begin() as db:
        await open_accounts(db, [Account("ATA", "health:bank:ata", "XOF")])
    theirs = (move(FLOAT, "health:bank:ata", 5), move("health:bank:ata", FLOAT, 5))
    answers = await posted(book, *(journal(str(n), one) for n, one in enumerate(theirs)))
    assert verdicts(answers) == ["refused: account_unknown"] * 2


async def test_a_closed_account_moves_no_more(book: AsyncEngine, owner: AsyncEngine) -> None:
    async with owner.begin() as db:
        await db.execute(
            text("update ledger.account set closed_on = :day where code = :awa"), {"day": TODAY, "awa": AWA}
        )
    answers = await posted(book, paid("k"), paid("late", effective_on=YESTERDAY))
    assert verdicts(answers) == ["refused: account_closed", "created"]


def test_the_id_of_a_journal_never_changes() -> None:
    """Books are written with these: another id for the same key would be another journal."""
    assert str(journal_id("SIK", "payment", "1")) == "7a421666-7e0c-55a1-935f-45eeab318481"
    assert str(journal_id("BEN", "cash", 'é "\\ \u2028 😀')) == "46bc7316-2dba-5073-bded-62926a2b43d5"


async def test_a_reversal_takes_a_journal_back_and_leaves_it(book: AsyncEngine) -> None:
    original = journal("k", move(FLOAT, AWA, 2000), move(FLOAT, SUSPENSE, 30))
    await posted(book, original)
    said = {"source": "office", "key": "1", "actor": "treasurer", "reason": "wrong phone"}
    async with book.begin() as db:
        first = await reverse(db, SIK, original.id, TODAY, Origin(**said))
        again = await reverse(db, SIK, original.id, TODAY, Origin(**said))
        other = await reverse(db, SIK, original.id, TODAY, Origin(**said | {"key": "2"}))
        assert first.journal_id is not None
        back = await reverse(db, SIK, first.journal_id, TODAY, Origin(**said | {"key": "3"}))
        nothing = await reverse(db, SIK, UUID(int=1), TODAY, Origin(**said | {"key": "4"}))
        assert await balance(db, SIK, FLOAT) == Balance(2030, 2030)
    assert verdicts([first, again, other]) == ["created", "exists", "refused: reversal_duplicate"]
    assert verdicts([back, nothing]) == ["refused: reversal_of_reversal", "refused: reversal_unknown"]


@pytest.mark.parametrize(
    "movements",
    [
        [move(AWA, FLOAT, 1999)],
        [move(FLOAT, AWA, 2000)],
        [move(SUSPENSE, FLOAT, 2000)],
        [move(AWA, FLOAT, 2000), move(AWA, FLOAT, 1)],
        [hold(AWA, FLOAT, 2000)],
        [],
    ],
)
async def test_a_reversal_is_the_exact_mirror(book: AsyncEngine, movements: list[Movement]) -> None:
    original = paid("k")
    unlike = replace(mirror("r", original), movements=movements)
    assert verdicts(await posted(book, original, unlike)) == ["created", "refused: reversal_not_mirror"]


async def test_a_reservation_counts_when_it_is_posted_and_is_resolved_once(book: AsyncEngine) -> None:
    held = hold(AWA, FLOAT, 500)
    reservation = journal("h", held)
    await posted(book, reservation)
    async with book.begin() as db:
        assert await balance(db, SIK, AWA) == Balance(0, 0)
    answers = await posted(
        book,
        journal("much", resolve(Phase.POST, held, reservation.id, 501)),
        journal("less", resolve(Phase.VOID, held, reservation.id, 499)),
        journal("other", resolve(Phase.POST, hold(MOUSSA, FLOAT, 500), reservation.id)),
        journal("twice", *[resolve(Phase.POST, held, reservation.id, 100)] * 2),
        journal("part", resolve(Phase.POST, held, reservation.id, 300)),
        journal("again", resolve(Phase.POST, held, reservation.id, 200)),
        mirror("r", reservation),
    )
    assert verdicts(answers) == [
        *(
            "refused: pending_other_amount",
            "refused: pending_other_amount",
            "refused: pending_other_accounts",
        ),
        *(
            "refused: pending_resolved",
            "created",
            "refused: pending_resolved",
            "refused: reversal_of_pending",
        ),
    ]
    async with book.begin() as db:
        assert await balance(db, SIK, AWA) == Balance(300, 0)


async def test_a_voided_reservation_leaves_no_trace_in_balances(book: AsyncEngine) -> None:
    held = hold(AWA, FLOAT, 500)
    reservation = journal("h", held)
    answers = await posted(book, reservation, journal("v", resolve(Phase.VOID, held, reservation.id)))
    assert verdicts(answers) == ["created", "created"]
    async with book.begin() as db:
        assert await balance(db, SIK, AWA) == Balance(0, 0)
