"""What operators say that accounts hold: wished for at the end of a day and after a statement, asked by the worker.

Nothing is posted by it. The operator's word is kept beside what the book had at that moment (`told_balances`); the
operator is asked outside any transaction.
"""

import asyncio
import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.balances import balance
from mobilemoney.accounts import known_capabilities
from mobilemoney.operator import OperatorAccount, TellingOperator
from mutuelle.contributions.collection import Round, accounts_named
from mutuelle.tables import operator_account, operator_balance
from values import value

log = logging.getLogger("keneya.operators")

END_OF_DAY, STATEMENT = "end of day", "statement"  # why a balance is wished for
AT_ONCE = 16  # asked in one round
AGAIN_AFTER = timedelta(minutes=10)
MOST_TRIES = 12  # in two hours; then the next wish comes first
its = operator_balance.c


@value
class ToldBalance:
    """An operator's word about an account, and the book's at that moment, in minor units.

    `booked_minor` is what was collected, `payouts_minor` what payouts are made from: in one wallet or in two, which
    nobody says. `less_minor` and `more_minor`: by how much the word may be smaller or greater, for what is under way.
    """

    account: str
    at: datetime
    told_minor: int
    booked_minor: int
    payouts_minor: int
    less_minor: int
    more_minor: int

    @property
    def gaps(self) -> set[int]:
        """By how much the operator says more than the book, for one wallet and for two."""
        return {self.told_minor - self.booked_minor, self.told_minor - self.booked_minor - self.payouts_minor}

    def gap_since(self, first: "ToldBalance") -> int:
        """By how much it differs that nothing explains: not what is under way, nor what differed at the `first`.

        What the wallet had before the book began stays a difference, told with it, and is no new one.
        """
        unexplained = []
        for gap in self.gaps:
            unexplained.append(_beyond(gap, -self.less_minor, self.more_minor))
            low, high = -first.more_minor - self.less_minor, first.less_minor + self.more_minor
            unexplained += [_beyond(gap - base, low, high) for base in first.gaps]
        return min(unexplained, key=abs)


def _beyond(gap: int, low: int, high: int) -> int:
    """How far outside of `low` to `high`; 0 inside."""
    return gap - high if gap > high else min(gap - low, 0)


async def wish_balances(
    db: AsyncConnection, mutuelle_id: str, cause: str, now: datetime, account: str | None = None
) -> int:
    """Wish for the balance of each account whose operator tells it, or of one; returns of how many."""
    rows = await db.execute(
        select(operator_account.c.name, operator_account.c.operator).where(
            operator_account.c.mutuelle_id == mutuelle_id,
            sa.true() if account is None else operator_account.c.name == account,
        )
    )
    telling = [row.name for row in rows if _tells(row.operator)]
    wishes = [
        {"mutuelle_id": mutuelle_id, "account": name, "wished_at": now, "cause": cause, "due_at": now}
        for name in telling
    ]
    if wishes:
        await db.execute(insert(operator_balance).on_conflict_do_nothing(), wishes)
    return len(wishes)


def _tells(operator: str) -> bool:
    can = known_capabilities(operator)
    return can is not None and can.tells_balance


async def ask_balances(house: Round) -> int:
    """Ask for the balances that are due; returns how many were told."""
    async with house.pool.begin() as db:
        wishes = await _claim(db, house)
    told = await asyncio.gather(*(_ask(house, *wish) for wish in wishes))
    return sum(told)


async def _claim(db: AsyncConnection, house: Round) -> list[tuple[OperatorAccount, datetime, "_Book"]]:
    """The wishes that are due, the newest of each account, with what the book has before the operator is asked."""
    newest = operator_balance.alias()
    is_newest = ~sa.exists().where(
        newest.c.mutuelle_id == its.mutuelle_id,
        newest.c.account == its.account,
        newest.c.wished_at > its.wished_at,
    )
    due = (
        select(its.mutuelle_id, its.account, its.wished_at)
        .join(
            operator_account,
            (operator_account.c.mutuelle_id == its.mutuelle_id) & (operator_account.c.name == its.account),
        )
        .where(its.told_at.is_(None), its.due_at <= house.clock(), its.tries < MOST_TRIES, is_newest)
        .where(operator_account.c.operator.in_(house.operators))
        .order_by(its.due_at)
        .limit(AT_ONCE)
        .with_for_update(of=operator_balance, skip_locked=True)
    )
    found = (await db.execute(due)).all()
    if not found:
        return []
    keys = [(row.mutuelle_id, row.account) for row in found]
    whose = sa.tuple_(its.mutuelle_id, its.account, its.wished_at).in_([tuple(row) for row in found])
    later = house.clock.until(AGAIN_AFTER)
    await db.execute(update(operator_balance).where(whose).values(tries=its.tries + 1, due_at=later))
    named = await accounts_named(db, keys, house.accounts.credentials)
    return [
        (named[row.mutuelle_id, row.account], row.wished_at, await _book(db, row.mutuelle_id, row.account))
        for row in found
    ]


async def _ask(house: Round, account: OperatorAccount, wished_at: datetime, before: "_Book") -> bool:
    """Ask one operator, and keep its word beside the book as it is then; False if it did not tell."""
    try:
        operator = house.accounts.connect(account)
        told = await operator.balance_minor() if isinstance(operator, TellingOperator) else None
    except Exception:
        log.exception("operator.balance_not_asked", extra={"account": account.name})
        return False
    if told is None:
        return False
    async with house.pool.begin() as db:
        after = await _book(db, account.mutuelle_id, account.name)
        moved = after.both_minor - before.both_minor
        row = {
            "told_at": house.clock(),
            "told_minor": told,
            "booked_minor": after.booked_minor,
            "payouts_minor": after.payouts_minor,
            "less_minor": before.payouts_open_minor + after.fees_minor + max(moved, 0),
            "more_minor": after.payments_open_minor + max(-moved, 0),
        }
        is_it = (its.mutuelle_id == account.mutuelle_id) & (its.account == account.name)
        await db.execute(
            update(operator_balance)
            .where(is_it, its.wished_at == wished_at, its.told_at.is_(None))
            .values(row)
        )
    return True


@value
class _Book:
    """What the book has of an account, and what is under way through it."""

    booked_minor: int
    payouts_minor: int
    payments_open_minor: int
    payouts_open_minor: int
    fees_minor: int

    @property
    def both_minor(self) -> int:
        return self.booked_minor + self.payouts_minor


async def _book(db: AsyncConnection, mutuelle_id: str, account: str) -> _Book:
    codes = accounts.collections(account), accounts.disbursement(account)
    booked, payouts = [(await balance(db, mutuelle_id, code)).net for code in codes]
    under_way = (await db.execute(_UNDER_WAY, {"mutuelle": mutuelle_id, "account": account})).one()
    return _Book(booked, payouts, *map(int, under_way))


_UNDER_WAY = sa.text(
    """
    select (select coalesce(sum(amount_minor), 0) from payment where mutuelle_id = :mutuelle and account = :account
               and state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')),
           (select coalesce(sum(amount_minor), 0) from payout where mutuelle_id = :mutuelle and account = :account
               and state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')),
           (select coalesce(sum(p.fee_minor), 0) from payment p
             where p.mutuelle_id = :mutuelle and p.account = :account and p.fee_minor > 0 and not exists (
                   select from statement_line s where s.mutuelle_id = :mutuelle and s.payment = p.reference))
    """
)


async def told_balances(
    db: AsyncConnection, mutuelle_id: str, until: datetime
) -> list[tuple[ToldBalance, ToldBalance]]:
    """The first and the last word about each account that was told before then, by account."""
    rows = await db.execute(_TOLD, {"mutuelle": mutuelle_id, "until": until})
    words = [ToldBalance(*row) for row in rows]
    return list(zip(words[::2], words[1::2], strict=True))


# Two rows of each account; the same one twice where only one word was told.
_TOLD = sa.text(
    """
    (select distinct on (account) account, told_at, told_minor, booked_minor, payouts_minor, less_minor, more_minor
       from operator_balance where mutuelle_id = :mutuelle and told_at < :until order by account, told_at)
    union all
    (select distinct on (account) account, told_at, told_minor, booked_minor, payouts_minor, less_minor, more_minor
       from operator_balance where mutuelle_id = :mutuelle and told_at < :until order by account, told_at desc)
    order by account, told_at
    """
)
