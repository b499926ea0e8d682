"""Every invariant is broken once, by the owner with the guards down, and named by the check that is for it."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from ledger.book import Origin, Phase
from ledger.folding import fold
from ledger.invariants.book import INVARIANTS
from ledger.periods import close_period
from ledger.seals import seal
from tests.support.ledger_scene import (
    AWA,
    FLOAT,
    SIK,
    TRANSPORT_BANK,
    TRANSPORT_INCOME,
    called,
    hold,
    journal,
    mirror,
    move,
    paid,
    posted,
    resolve,
)
from tests.support.ledger_scene import TRANSPORT_CASH as CASH

OCTOBER = date(2026, 10, 31)

RECORDS = ("account", "journal", "movement", "request", "period_act", "period_total", "seal")
GUARDS_DOWN = (
    *(f"alter table ledger.{table} disable trigger append_only" for table in RECORDS),
    "alter table ledger.account disable trigger only_closes",
    "alter table ledger.movement drop constraint movement_mutuelle_id_journal_id_fkey",
    "alter table ledger.journal drop constraint journal_mutuelle_id_reverses_id_fkey",
)
GUARDS_UP = tuple(
    f"alter table ledger.{table} enable always trigger {trigger}"
    for table, trigger in (
        *((table, "append_only") for table in RECORDS),
        ("account", "only_closes"),
    )
)

CALLED, PAID, REVERSAL = called("called").id, paid("paid").id, mirror("reversal", paid("paid")).id
HELD, POSTED = journal("held").id, journal("posted").id
NOWHERE = "00000000-0000-0000-0000-000000000001"
OPEN_AS = "insert into ledger.account (mutuelle_id, code, fund, kind, currency, keeping)"
UNCHECKED = """do $$ declare c text; begin
    for c in select conname from pg_constraint where conrelid = 'ledger.{table}'::regclass and contype = 'c'
    loop execute format('alter table ledger.{table} drop constraint %I', c); end loop; end $$"""
NO_CHECK = {
    table: UNCHECKED.format(table=table)
    for table in ("account", "journal", "movement", "request", "balance", "period_act")
}


def of(name: str, *statements: str) -> tuple[str, tuple[str, ...]]:
    return f"ledger_{name}", statements


def movement(change: str, journal_id: object = CALLED) -> str:
    return f"update ledger.movement set {change} where journal_id = '{journal_id}'"


def header(change: str, journal_id: object = CALLED) -> str:
    return f"update ledger.journal set {change} where id = '{journal_id}'"


MUTANTS = {
    "an account of another fund": of(
        "fund_balances", NO_CHECK["movement"], movement("debit_account = 'transport:cash:office'")
    ),
    "money across funds": of(
        "movement_within_fund", NO_CHECK["movement"], movement("debit_account = 'transport:cash:office'")
    ),
    "half a transfer": of("interfund_mirrors", movement("debit_account = 'health:interfund:transport'")),
    "a negative amount": of("movement_sound", NO_CHECK["movement"], movement("amount = -amount")),
    "an account to itself": of(
        "movement_sound", NO_CHECK["movement"], movement("credit_account = debit_account")
    ),
    "an unknown account": of("movement_accounts", movement("credit_account = 'health:bank:x'")),
    "an account of another currency": of(
        "movement_accounts", movement("debit_account = 'health:cash:douala'")
    ),
    "another currency": of("movement_accounts", movement("currency = 'XAF'")),
    "after the closing": of(
        "movement_accounts", f"update ledger.account set closed_on = '2026-01-01' where code = '{AWA}'"
    ),
    "another tick": of("movement_dated_as_journal", movement("xid = (xid::text::bigint - 1)::text::xid8")),
    "another day": of("movement_dated_as_journal", movement("effective_on = effective_on - 1")),
    "a movement of no journal": of(
        "movement_dated_as_journal", f"delete from ledger.journal where id = '{CALLED}'"
    ),
    "a journal of nothing": of(
        "journal_has_movements", f"delete from ledger.movement where journal_id = '{CALLED}'"
    ),
    "a movement cut out": of("journal_has_movements", movement("position = 2")),
    "a journal nobody asked for": of(
        "request_of_journal", f"delete from ledger.request where journal_id = '{CALLED}'"
    ),
    "a request without its journal": of(
        "journal_of_request", f"delete from ledger.journal where id = '{CALLED}'"
    ),
    "a refusal that was booked": of(
        "journal_of_request",
        NO_CHECK["request"],
        f"update ledger.request set verdict = 'refused' where journal_id = '{CALLED}'",
    ),
    "another amount": of("content_unaltered", movement("amount = amount + 1")),
    "another reason": of("content_unaltered", header("reason = 'other'")),
    "another memo": of("content_unaltered", header("memo = '{}'")),
    "the sides": of(
        "content_unaltered", movement("debit_account = credit_account, credit_account = debit_account")
    ),
    "a reversal reversed": of("reversed_once", header(f"reverses_id = '{REVERSAL}'")),
    "a reversal of nothing": of("reversed_once", header(f"reverses_id = '{NOWHERE}'")),
    "two reversals": of(
        "reversed_once", "drop index ledger.journal_reversed_once", header(f"reverses_id = '{PAID}'")
    ),
    "half a mirror": of("reversal_mirrors", movement("amount = 1999", REVERSAL)),
    "a mirror turned": of(
        "reversal_mirrors",
        movement("debit_account = credit_account, credit_account = debit_account", REVERSAL),
    ),
    "more than the mirror": of(
        "reversal_mirrors",
        "insert into ledger.movement select mutuelle_id, journal_id, 2, debit_account, credit_account, amount,"
        f" currency, phase, null, null, effective_on from ledger.movement where journal_id = '{REVERSAL}'",
    ),
    "resolved twice": of(
        "pending_resolved_once",
        "drop index ledger.movement_resolved_once",
        movement(f"phase = 'post', pending_journal_id = '{HELD}', pending_position = 1"),
    ),
    "more than was reserved": of("resolution_fits", movement("amount = 501", POSTED)),
    "another reservation": of("resolution_fits", movement("pending_position = 2", POSTED)),
    "resolved elsewhere": of(
        "resolution_fits", movement("debit_account = 'health:suspense:simulated-ML'", POSTED)
    ),
    "an unknown kind": of(
        "account_sound", f"{OPEN_AS} select 'SIK', 'health:gold', 'health', 'gold', 'XOF', 'summed'"
    ),
    "a kind without its sub": of(
        "account_sound", f"{OPEN_AS} select 'SIK', 'health:member', 'health', 'member', 'XOF', 'summed'"
    ),
    "an unknown currency": of(
        "account_sound", f"{OPEN_AS} select 'SIK', 'health:bank:x', 'health', 'bank', 'XXX', 'folded'"
    ),
    "a false fund": of("account_sound", NO_CHECK["account"], "update ledger.account set fund = 'tontine'"),
    "from the future": of("dates_possible", header("recorded_at = clock_timestamp() + interval '1 day'")),
    "from the last century": of("dates_possible", NO_CHECK["journal"], header("effective_on = '1999-12-31'")),
    "for the next decade": of("dates_possible", header("effective_on = '2036-12-31'")),
    "nobody": of("journal_explained", NO_CHECK["journal"], header("actor = ' '")),
    "a phone number": of("no_phone_number", header("reason = 'sent by +22370000001'")),
    "another moment": of("seals_hold", header("recorded_at = recorded_at - interval '1 second'")),
    "a seal of nothing before": of("seals_chain", "update ledger.seal set previous = sha256('x')"),
    "a tick to come": of("ticks_at_the_horizon", header("xid = '99999999'")),
    "a leap of the clock": of("ticks_at_the_horizon", "update ledger.clock set shift = 20000000000"),
    "a guard asleep": of("append_only", "alter table ledger.movement disable trigger append_only"),
    "a guard that replicas pass": of("append_only", "alter table ledger.journal enable trigger append_only"),
    "a guard gone": of("append_only", "drop trigger only_closes on ledger.account"),
    "an index gone": of("unique_guards", "drop index ledger.movement_resolved_once"),
    "a day row raised": of(
        "days_agree", "update ledger.account_day set debits = debits + 1 where day = '2026-11-22'"
    ),
    "a day row's sum": of("days_agree", "update ledger.account_day set cum_credits = cum_credits - 1"),
    "a day row gone": of("days_agree", f"delete from ledger.account_day where account = '{FLOAT}'"),
    "a fold that ran ahead": of(
        "folded_behind_the_horizon", "update ledger.fold set upto = (upto::text::bigint + 1000)::text::xid8"
    ),
    "a book that is gone": of("folded_behind_the_horizon", "delete from ledger.book"),
    "a clock that is gone": of("folded_behind_the_horizon", "delete from ledger.clock"),
    "a balance raised": of("balances_agree", "update ledger.balance set debits_posted = debits_posted + 1"),
    "a reservation forgotten": of("balances_agree", "update ledger.balance set credits_pending = 0"),
    "a balance gone": of("balances_agree", "delete from ledger.balance"),
    "cash that is not there": of(
        "limits_hold", NO_CHECK["balance"], "update ledger.balance set credits_posted = debits_posted + 1"
    ),
    "a limit turned round": of(
        "limits_hold", NO_CHECK["balance"], "update ledger.balance set side = 'credit'"
    ),
    "cash spent before it came": of(
        "limits_hold_each_day",
        movement("effective_on = '2026-11-30'", journal("old").id),
    ),
    "cash held before it came": of(
        "limits_hold_each_day",
        f"update ledger.movement set effective_on = '2026-10-01' where journal_id = '{journal('cash held').id}'",
    ),
    "a member in another currency": of(
        "control_one_currency",
        f"{OPEN_AS} select 'SIK', 'health:member:1', 'health', 'member', 'XAF', 'summed'",
    ),
    "a limit lifted": of("kinds_kept", f"update ledger.account set keeping = 'folded' where code = '{CASH}'"),
    "a kind kept otherwise": of(
        "kinds_kept",
        "update ledger.kind set keeping = 'folded' where kind = 'bank'",
        "update ledger.kind set side = 'credit' where kind = 'bank'",
    ),
    "a kind split otherwise": of(
        "kinds_kept", "update ledger.kind set is_split = not is_split where kind = 'fees'"
    ),
    "a close without its row": of(
        "periods_follow", "delete from ledger.period_total", "delete from ledger.period_act"
    ),
    "a close of other days": of("periods_follow", "update ledger.period_act set first_on = first_on - 1"),
    "a reopening from before its close": of(
        "periods_follow",
        "insert into ledger.journal (mutuelle_id, id, kind, effective_on, recorded_at, actor, reason, memo)"
        f" select mutuelle_id, '{NOWHERE}', 'period reopened', effective_on, recorded_at - interval '1 hour', actor,"
        " reason, memo from ledger.journal where kind = 'period closed'",
        f"insert into ledger.period_act select mutuelle_id, '{NOWHERE}', 'reopen', first_on, last_on, 2"
        " from ledger.period_act",
        "update ledger.book set closed_through = null",
    ),
    "books opened in silence": of("periods_follow", "update ledger.book set closed_through = null"),
    "a franc slipped into closed books": of(
        "closed_books_untouched",
        "update ledger.movement set effective_on = '2026-10-02' where effective_on = '2026-11-22'",
    ),
    "a total of a close": of(
        "closed_books_untouched", "update ledger.period_total set cum_debits = cum_debits + 1"
    ),
    "late without a close": of(
        "late_items_dated_late",
        header("occurred_on = '2026-11-02'"),
    ),
    "expired too soon": of(
        "deadlines_kept", NO_CHECK["movement"], movement("phase = 'expire', amount = 500", POSTED)
    ),
    "posted too late": of(
        "deadlines_kept", NO_CHECK["movement"], movement("expires_at = '2026-01-01'", HELD)
    ),
    "a writer": of("written_by_owner_only", "grant insert on ledger.movement to keneya_service"),
    "a writer of one column": of(
        "written_by_owner_only", "grant update (reason) on ledger.journal to keneya_service"
    ),
}


ABOUT_GUARDS = ("ledger_append_only", "ledger_unique_guards", "ledger_written_by_owner_only")


@pytest.fixture
async def lived(book: AsyncEngine) -> AsyncEngine:
    """A call, a payment taken back, reservations, a refusal, October closed, an item of it late; folded, sealed."""
    held, october = hold(AWA, FLOAT, 500), OCTOBER.replace(day=5)
    await posted(book, journal("old", move(CASH, TRANSPORT_INCOME, 900), effective_on=october))
    async with book.begin() as db:
        await close_period(
            db, SIK, OCTOBER, Origin(source="t", key="october", actor="treasurer", reason="agreed")
        )
    await posted(
        book, called("called"), paid("paid"), mirror("reversal", paid("paid")), journal("held", held)
    )
    await posted(
        book, paid("late", effective_on=october), journal("cash held", hold(TRANSPORT_BANK, CASH, 100))
    )
    await posted(
        book, journal("posted", resolve(Phase.POST, held, HELD, 300)), journal("no", move(AWA, AWA, 1))
    )
    async with book.begin() as db:
        assert await fold(db, SIK) == 8
        assert await seal(db, SIK) == 9
    return book


async def broken(pool: AsyncEngine) -> dict[str, tuple[str, ...]]:
    async with pool.connect() as db:
        return {f.invariant.name: f.offenders for f in await examine(db, INVARIANTS) if not f.holds}


async def test_a_ledger_that_nobody_touched_holds(lived: AsyncEngine) -> None:
    assert await broken(lived) == {}


async def test_every_broken_invariant_is_named(lived: AsyncEngine, owner: AsyncEngine) -> None:
    missed = {}
    for mutant, (name, statements) in MUTANTS.items():
        script = statements if name in ABOUT_GUARDS else (*GUARDS_DOWN, *statements, *GUARDS_UP)
        async with owner.connect() as db:
            for statement in script:
                await db.execute(text(statement))
            found = {f.invariant.name for f in await examine(db, INVARIANTS) if not f.holds}
            await db.rollback()
        if name not in found:
            missed[mutant] = found
    assert missed == {}
    assert await broken(lived) == {}


def test_every_invariant_has_its_mutant_and_its_meaning() -> None:
    assert {check.name for check in INVARIANTS} == {name for name, _ in MUTANTS.values()}
    assert all(check.name.startswith("ledger_") and check.meaning.endswith(".") for check in INVARIANTS)
