"""What is refused, and why: an answer that stays, and neighbours that are not hurt."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import balance
from ledger.book import MAX_AMOUNT_MINOR, Account, Journal, Phase, Reservation, open_accounts, post
from tests.ledger.scene import (
    AWA,
    DOUALA_BANK,
    DOUALA_CASH,
    FLOAT,
    SIK,
    TRANSPORT_CASH,
    count,
    hold,
    journal,
    move,
    paid,
    posted,
    resolve,
    verdicts,
)

LONG_PAST = date(1999, 12, 31)
FAR_AHEAD = datetime.now(UTC).date() + timedelta(367)

REFUSED: dict[str, tuple[Journal, str]] = {
    "nothing moves": (journal("k"), "movements_missing"),
    "no amount": (journal("k", move(AWA, FLOAT, 0)), "amount_not_positive"),
    "below nothing": (journal("k", move(AWA, FLOAT, -5)), "amount_not_positive"),
    "more than the limit": (journal("k", move(AWA, FLOAT, MAX_AMOUNT_MINOR + 1)), "amount_too_large"),
    "more than a bigint": (journal("k", move(AWA, FLOAT, 2**70)), "amount_too_large"),
    "to itself": (journal("k", move(AWA, AWA, 5)), "same_account"),
    "unknown debit": (journal("k", move("health:member:1", FLOAT, 5)), "account_unknown"),
    "unknown credit": (journal("k", move(FLOAT, "health:member:1", 5)), "account_unknown"),
    "two funds": (journal("k", move(TRANSPORT_CASH, AWA, 5)), "funds_crossed"),
    "accounts of two currencies": (journal("k", move(DOUALA_CASH, AWA, 5)), "currency_mixed"),
    "a journal of two currencies": (
        journal("k", move(FLOAT, AWA, 5), move(DOUALA_CASH, DOUALA_BANK, 5, "XAF")),
        "currency_mixed",
    ),
    "another currency": (journal("k", move(FLOAT, AWA, 5, "XAF")), "currency_mixed"),
    "the second movement": (journal("k", move(FLOAT, AWA, 5), move(FLOAT, AWA, 0)), "amount_not_positive"),
    "too many movements": (journal("k", *[move(FLOAT, AWA, 5)] * 1001), "movements_too_many"),
    "no actor": (replace(paid("k"), actor=" "), "actor_malformed"),
    "a long actor": (replace(paid("k"), actor="a" * 101), "actor_malformed"),
    "no reason": (replace(paid("k"), reason=""), "reason_malformed"),
    "a line break": (replace(paid("k"), reason="one\ntwo"), "reason_malformed"),
    "a hidden line break": (replace(paid("k"), reason="one\u2028two"), "reason_malformed"),
    "no kind": (replace(paid("k"), kind=""), "kind_malformed"),
    "a long memo": (replace(paid("k"), memo={"n": "x" * 201}), "memo_malformed"),
    "before 2000": (paid("k", effective_on=LONG_PAST), "date_absurd"),
    "in two years": (paid("k", effective_on=FAR_AHEAD), "date_absurd"),
    "reverses nothing": (replace(paid("k"), reverses=UUID(int=1)), "reversal_unknown"),
    "resolves nothing": (
        journal("k", resolve(Phase.POST, hold(AWA, FLOAT, 5), UUID(int=1))),
        "pending_unknown",
    ),
    "posts without naming": (
        journal("k", replace(resolve(Phase.POST, hold(AWA, FLOAT, 5), UUID(int=1)), resolves=None)),
        "pending_malformed",
    ),
    "names without posting": (
        journal("k", replace(move(AWA, FLOAT, 5), resolves=Reservation(UUID(int=1), 1))),
        "pending_malformed",
    ),
}


@pytest.mark.parametrize(("bad", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_is_an_answer_that_stays(book: AsyncEngine, bad: Journal, reason: str) -> None:
    answers = await posted(book, paid("before"), bad, paid("after"))
    assert verdicts(answers) == ["created", f"refused: {reason}", "created"]
    async with book.begin() as db:
        assert verdicts(await post(db, [bad])) == [f"refused: {reason}"]
        assert await count(db, "journal") == 2
        assert (await balance(db, SIK, FLOAT)).debits == 4000


async def test_a_refused_key_cannot_succeed_later(book: AsyncEngine) -> None:
    early = journal("k", move("health:cash:office", AWA, 500))
    assert verdicts(await posted(book, early)) == ["refused: account_unknown"]
    async with book.begin() as db:
        await open_accounts(db, [Account(SIK, "health:cash:office", "XOF")])
    assert verdicts(await posted(book, early)) == ["refused: account_unknown"]
    assert verdicts(await posted(book, replace(early, key="k2"))) == ["created"]


@pytest.mark.parametrize("spelling", ["", " ", "a\nb", "k" * 201])
async def test_a_malformed_key_is_refused_and_not_kept(book: AsyncEngine, spelling: str) -> None:
    answers = await posted(book, paid(spelling), paid(spelling), replace(paid("k"), mutuelle="sik"))
    assert verdicts(answers) == ["refused: key_malformed"] * 3
    async with book.begin() as db:
        assert await count(db, "request") == 0


@pytest.mark.parametrize("unstorable", ["a\x00b", "a\ud800b"])
def test_a_text_that_cannot_be_stored_is_no_journal(unstorable: str) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        replace(paid("k"), reason=unstorable)
    with pytest.raises(ValueError, match="cannot be stored"):
        replace(paid("k"), memo={"n": unstorable})
