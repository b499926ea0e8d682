"""What is refused, and why: an answer that stays, and neighbours that are not hurt."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from currencies import MINOR_DIGITS
from invariants import examine
from ledger import export
from ledger.balances import balance
from ledger.book import (
    MAX_AMOUNT_MINOR,
    Account,
    AccountRefusedError,
    Journal,
    Phase,
    Reservation,
    open_accounts,
    post,
)
from ledger.invariants.book import INVARIANTS
from tests.support.ledger_scene import (
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
FAR_AHEAD = datetime.now(UTC).date() + timedelta(2 * 366)

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
    "a reason of blanks": (replace(paid("k"), reason="\u00a0\u2003\u200b"), "reason_malformed"),
    "an actor of blanks": (replace(paid("k"), actor="\u3000"), "actor_malformed"),
    "letters turned round": (replace(paid("k"), reason="paid \u202e000 1"), "reason_malformed"),
    "a phone acts": (replace(paid("k"), actor="+22376000001"), "actor_malformed"),
    "a phone is the reason": (replace(paid("k"), reason="for +223 76-00-00.01"), "reason_malformed"),
    "a phone in the memo": (replace(paid("k"), memo={"n": "tel +22376000001"}), "memo_malformed"),
    "a phone names a memo": (replace(paid("k"), memo={"+22376000001": "n"}), "memo_malformed"),
    "a deadline beyond the calendar": (
        journal("k", replace(hold(AWA, FLOAT, 5), expires_at=datetime(3000, 1, 1, tzinfo=UTC))),
        "date_absurd",
    ),
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


# What the service's role could say past `ledger.book`: a part of a sound journal, replaced, and the answer.
SENT: dict[str, tuple[str, object, str]] = {
    "an amount with a point": ("amount", "100.0", "refused: amount_not_whole"),
    "an amount with decimals": ("amount", "100.5", "refused: amount_not_whole"),
    "an amount as a number": ("amount", 100, "created"),
    "an amount in short": ("amount", "1e2", "created"),
    "no number": ("amount", "NaN", "refused: amount_too_large"),
    "more than all": ("amount", "Infinity", "refused: amount_too_large"),
    "less than all": ("amount", "-Infinity", "refused: amount_not_positive"),
    "no amount": ("amount", None, "refused: amount_not_positive"),
    "no end of days": ("effective_on", "infinity", "refused: date_absurd"),
    "no beginning of days": ("effective_on", "-infinity", "refused: date_absurd"),
    "before Christ": ("effective_on", "2026-11-22 BC", "refused: date_absurd"),
    "no day": ("effective_on", None, "refused: date_absurd"),
    "a deadline that never comes": ("expires_at", "infinity", "refused: date_absurd"),
    "a deadline before all": ("expires_at", "-infinity", "refused: date_absurd"),
    "the last deadline there is": ("expires_at", "294276-12-31 00:00+00", "refused: date_absurd"),
    "no currency": ("currency", None, "refused: currency_mixed"),
    "no account": ("debit", None, "refused: account_unknown"),
    "no phase": ("phase", None, "refused: phase_unknown"),
    "no id": ("id", None, "refused: journal_id_taken"),
    "no source": ("source", None, "refused: key_malformed"),
    "no memo": ("memo", None, "refused: memo_malformed"),
    "a memo that is a list": ("memo", ["a"], "refused: memo_malformed"),
    "a memo of numbers": ("memo", {"a": 1}, "refused: memo_malformed"),
    "no movements": ("movements", None, "refused: movements_missing"),
    "an act of a period": ("kind", "period closed", "refused: kind_malformed"),
}


def sent(part: str, said: object) -> list[dict[str, object]]:
    movement = {"debit": FLOAT, "credit": AWA, "amount": "100", "currency": "XOF", "phase": "single"}
    if part == "expires_at":
        movement["phase"] = "pending"
    journal_ = {"mutuelle": SIK, "source": "raw", "key": "k", "id": str(UUID(int=7)), "kind": "receipt"}
    journal_ |= {"effective_on": "2026-11-22", "actor": "worker", "reason": "why"}
    whole: dict[str, object] = journal_ | {"memo": {}, "movements": [movement | {part: said}]}
    return [whole if part in ("amount", "expires_at", "currency", "debit", "phase") else whole | {part: said}]


async def broken(db: AsyncConnection) -> list[str]:
    return [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds]


async def read(db: AsyncConnection) -> list[str]:
    """What every export writes."""
    return [
        piece for write in (export.beancount, export.hledger, export.csv) async for piece in write(db, SIK)
    ]


@pytest.mark.parametrize(("part", "said", "told"), SENT.values(), ids=SENT)
async def test_what_the_service_sends_is_refused_by_name_or_is_what_every_check_accepts(
    book: AsyncEngine, part: str, said: object, told: str
) -> None:
    async with book.begin() as db:
        call = text("select verdict, reason from ledger.post(cast(:journals as jsonb))")
        [row] = await db.execute(call, {"journals": json.dumps(sent(part, said))})
    assert ": ".join(filter(None, row)) == told
    async with book.connect() as db:
        assert await read(db)
        assert await broken(db) == []


OPENED: dict[str, tuple[str, str | None, str]] = {
    "cash without a holder": ("health:cash", "XOF", "account_malformed"),
    "fees with a part more": ("health:fees:office", "XOF", "account_malformed"),
    "an unknown kind": ("health:gold:office", "XOF", "kind_unknown"),
    "an unknown currency": ("health:cash:office", "XXX", "currency_unknown"),
    "no currency": ("health:cash:office", None, "currency_unknown"),
    "misspelt": ("Health:cash:office", "XOF", "account_malformed"),
    "a member in another currency": ("health:member:9", "XAF", "account_other_currency"),
    "open in another currency": (FLOAT, "XAF", "account_other_currency"),
}


@pytest.mark.parametrize(("code", "currency", "why"), OPENED.values(), ids=OPENED)
async def test_an_account_that_no_report_could_read_is_not_opened(
    book: AsyncEngine, code: str, currency: str | None, why: str
) -> None:
    call = text("select verdict, reason from ledger.open_accounts(cast(:accounts as jsonb))")
    asked = json.dumps([{"mutuelle": SIK, "code": code, "currency": currency}])
    async with book.begin() as db:
        [row] = await db.execute(call, {"accounts": asked})
    assert tuple(row) == ("refused", why)
    async with book.connect() as db:
        assert await read(db)
        assert await broken(db) == []


async def test_of_two_who_open_the_first_member_in_two_currencies_one_is_refused(pool: AsyncEngine) -> None:
    async def opened(number: str, currency: str) -> str:
        try:
            async with pool.begin() as db:
                await open_accounts(db, [Account("NEW", f"health:member:{number}", currency)])
                await asyncio.sleep(0.1)
        except AccountRefusedError as refused:
            return str(refused)
        return "opened"

    async with pool.begin() as db:
        await open_accounts(db, [Account("NEW", FLOAT, "XOF")])
    told = await asyncio.gather(opened("1", "XOF"), opened("2", "XAF"))
    assert sorted(told)[1] == "opened"
    assert "account_other_currency" in sorted(told)[0]


async def test_the_database_knows_the_programs_currencies(owner: AsyncEngine) -> None:
    async with owner.connect() as db:
        known = [
            await db.scalar(text("select ledger.is_currency(:code)"), {"code": code}) for code in MINOR_DIGITS
        ]
        assert all(known)
        definition = await db.scalar(text("select prosrc from pg_proc where proname = 'is_currency'"))
    assert str(definition).count("'") == 2 * len(MINOR_DIGITS), (
        "a step of the schema must tell it of a new one"
    )
