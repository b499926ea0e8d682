"""Balances of an account: today, as of a day, or as known at a seal.

For an account with day rows one statement reads the newest day row and the movements not folded yet: the answer does
not depend on the progress of the fold, nor the cost on the history. A member's few movements are summed.
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
    """The account's posted sums up to and including `as_of`; both 0 for an account without movements.

    `account` may be `fund:kind` without the sub-account, of a SUMMED kind: the control account of all of that kind.
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
    """The posted sums as of a day, of journals recorded before the tick `upto`: those of a seal (`Seal.upto`).

    Reads every movement posted since that tick.
    """
    facts = {"mutuelle": mutuelle, "account": account, "upto": upto, "as_of": as_of or date.max}
    # One statement, so one snapshot: a journal posted meanwhile is in both sums or in neither.
    query = _KNOWN.format(now=_query(account, as_of), since=_SINCE)
    debits, credits = (await db.execute(text(query), facts)).one()
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
