"""Balances: of an account today, as of a day, or as it was known at a seal.

An account with day rows costs the same whatever its history: its newest day row, and in the same statement what is
not folded yet, so that no answer depends on how far the fold has come. A member's few movements are summed.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import KINDS, Keeping


@dataclass(frozen=True)
class Balance:
    """Sums of all posted movements, in minor units."""

    debits: int
    credits: int

    @property
    def net(self) -> int:
        """Debits less credits: positive when the account is in debit."""
        return self.debits - self.credits


async def balance(db: AsyncConnection, mutuelle: str, account: str, as_of: date | None = None) -> Balance:
    """The account's posted sums up to and including `as_of`; both 0 for an account that nothing moved.

    `account` may also be the head `fund:kind` of a kind whose accounts are summed: the control account of them all.
    """
    facts = {"mutuelle": mutuelle, "account": account, "as_of": as_of or date.max}
    debits, credits = (await db.execute(text(_query(account, as_of)), facts)).one()
    return Balance(int(debits), int(credits))


async def balance_before(db: AsyncConnection, mutuelle: str, account: str, day: date) -> Balance:
    """The account's posted sums before `day`."""
    return Balance(0, 0) if day == date.min else await balance(db, mutuelle, account, day - timedelta(days=1))


async def balance_as_known(
    db: AsyncConnection, mutuelle: str, account: str, upto: int, as_of: date | None = None
) -> Balance:
    """The posted sums as of a day, as the book knew them before the tick `upto`: what a seal sealed (`Seal.upto`).

    Costs as much as was posted since.
    """
    facts = {"mutuelle": mutuelle, "account": account, "upto": upto, "as_of": as_of or date.max}
    # One statement: what is posted meanwhile is in both, or in neither.
    known = _KNOWN.format(now=_query(account, as_of), since=_SINCE)
    debits, credits = (await db.execute(text(known), facts)).one()
    return Balance(int(debits), int(credits))


def _query(account: str, as_of: date | None) -> str:
    _fund, _, rest = account.partition(":")
    kind, _, sub = rest.partition(":")
    keeping = KINDS[kind].keeping if sub and kind in KINDS else Keeping.FOLDED
    if keeping is Keeping.LIMITED and as_of is None:
        return _LIMITED
    return _SUMMED if keeping is Keeping.SUMMED else _FOLDED


_LIMITED = """
select coalesce(max(debits_posted), 0), coalesce(max(credits_posted), 0)
  from ledger.balance where mutuelle_id = :mutuelle and account = :account
"""
_SUMMED = """
select coalesce((select sum(amount) from ledger.movement
                  where mutuelle_id = :mutuelle and debit_account = :account and effective_on <= :as_of
                    and phase in ('single', 'post')), 0),
       coalesce((select sum(amount) from ledger.movement
                  where mutuelle_id = :mutuelle and credit_account = :account and effective_on <= :as_of
                    and phase in ('single', 'post')), 0)
"""
_FOLDED = """
select coalesce(day.cum_debits, 0) + coalesce(tail.debits, 0), coalesce(day.cum_credits, 0) + coalesce(tail.credits, 0)
  from (values (1)) one
  left join lateral (
       select cum_debits, cum_credits from ledger.account_day
        where mutuelle_id = :mutuelle and account = :account and day <= :as_of order by day desc limit 1) day on true
  left join lateral (
       select sum(d.debits) as debits, sum(d.credits) as credits
         from ledger.fold f cross join lateral ledger.day_deltas(:mutuelle, f.upto, '18446744073709551615') d
        where f.mutuelle_id = :mutuelle and d.account = :account and d.day <= :as_of) tail on true
"""
_SINCE = """
select coalesce(sum(amount) filter (where :account in (debit_account, ledger.head(debit_account))), 0),
       coalesce(sum(amount) filter (where :account in (credit_account, ledger.head(credit_account))), 0)
  from ledger.moved(:mutuelle, :upto, '18446744073709551615') where effective_on <= :as_of
"""
_KNOWN = """
select now.debits - since.debits, now.credits - since.credits
  from ({now}) now (debits, credits), ({since}) since (debits, credits)
"""
