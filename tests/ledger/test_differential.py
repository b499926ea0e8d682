"""Batched against one by one: the same verdicts and, row for row, the same book, however the journals come."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.book import Journal, Movement, Origin, Posted, open_accounts, post
from ledger.folding import fold
from ledger.periods import close_period
from tests.conftest import Database
from tests.support.ledger_drafts import CASH, DRAFTS, PAYOUTS, Draft, chart, write
from tests.support.ledger_scene import CONTRIBUTIONS, TODAY, verdicts

EXAMPLES = 25
FUNDING_MINOR = 3000
_tenants = itertools.count(1)
# All that a row says, but for its mutuelle, the ids that follow from it, its tick and the time.
ROWS = {
    "journal": """
        select r.source, r.key, j.kind, j.effective_on, j.occurred_on, j.actor, j.reason, j.memo::text, o.key as old
          from ledger.journal j
          join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
          left join ledger.request o on o.mutuelle_id = j.mutuelle_id and o.journal_id = j.reverses_id
         where j.mutuelle_id = :mutuelle""",
    "movement": """
        select r.source, r.key, m.position, m.debit_account, m.credit_account, m.amount, m.currency, m.phase,
               p.key as held, m.pending_position, m.expires_at, m.effective_on
          from ledger.movement m
          join ledger.request r on r.mutuelle_id = m.mutuelle_id and r.journal_id = m.journal_id
          left join ledger.request p on p.mutuelle_id = m.mutuelle_id and p.journal_id = m.pending_journal_id
         where m.mutuelle_id = :mutuelle""",
    "request": """
        select source, key, verdict, reason, journal_id is null from ledger.request where mutuelle_id = :mutuelle""",
    "balance": """
        select account, side, debits_posted, credits_posted, debits_pending, credits_pending
          from ledger.balance where mutuelle_id = :mutuelle""",
    "account_day": """
        select account, day, debits, credits, cum_debits, cum_credits
          from ledger.account_day where mutuelle_id = :mutuelle""",
}
Book = dict[str, list[str]]


async def whole_book(db: AsyncConnection, mutuelle: str) -> Book:
    """Every row of a mutuelle as text, in an order of its own."""
    found = {table: await db.execute(text(query), {"mutuelle": mutuelle}) for table, query in ROWS.items()}
    return {table: sorted(repr(tuple(row)) for row in rows) for table, rows in found.items()}


def in_calls(journals: Sequence[Journal], sizes: Sequence[int]) -> Iterator[Sequence[Journal]]:
    """The journals split into calls of these sizes, over and over."""
    left = list(journals)
    for size in itertools.cycle(sizes):
        if not left:
            return
        yield left[:size]
        left = left[size:]


def written(drafts: Sequence[Draft], mutuelle: str) -> list[Journal]:
    """The same journals for any mutuelle; some refer to those before them."""
    funded = [Movement(code, CONTRIBUTIONS, FUNDING_MINOR, "XOF") for code in (CASH, PAYOUTS)]
    journals = [Journal(mutuelle, "s", "funding", "k", TODAY, "worker", "why", funded)]
    for number, draft in enumerate(drafts):
        journals.append(write(draft, mutuelle, str(number), journals))
    return journals


async def live(pool: AsyncEngine, drafts: Sequence[Draft], sizes: Sequence[int]) -> tuple[list[str], Book]:
    """A mutuelle of its own posts them in calls of these sizes, each its own transaction, and folds at the end."""
    mutuelle, told = f"D{next(_tenants)}", list[Posted]()
    said = {"source": "period", "key": "close", "actor": "treasurer", "reason": "end"}
    async with pool.begin() as db:
        await open_accounts(db, chart(mutuelle))
        await close_period(db, mutuelle, TODAY.replace(year=TODAY.year - 1), Origin(**said))
    for call in in_calls(written(drafts, mutuelle), sizes):
        async with pool.begin() as db:
            told += await post(db, call)
    async with pool.begin() as db:
        while await fold(db, mutuelle, sum(sizes)):
            pass
    async with pool.connect() as db:
        return verdicts(told), await whole_book(db, mutuelle)


def test_a_batch_is_row_for_row_what_its_journals_are_one_by_one(database: Database) -> None:
    with asyncio.Runner() as runner:
        pool = create_async_engine(database.url)

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            drafts=st.lists(DRAFTS, min_size=4, max_size=24),
            sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
        )
        def alike(drafts: Sequence[Draft], sizes: Sequence[int]) -> None:
            one_by_one = runner.run(live(pool, drafts, [1]))
            assert runner.run(live(pool, drafts, [len(drafts) + 1])) == one_by_one
            assert runner.run(live(pool, drafts, sizes)) == one_by_one

        alike()
        runner.run(pool.dispose())
