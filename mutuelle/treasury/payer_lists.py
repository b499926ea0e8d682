"""What each payer owes, household by household: what was received settles the oldest calls first.

The order is computed, not stored. Names of households leave the service here, for the payer who pays for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money
from mutuelle.contributions.portfolio import agreed_by_number, received_by_number
from mutuelle.cover.rules import Period, periods
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.regimes import Payer, payers_of


@dataclass(frozen=True)
class PayerDue:
    """A payer's part of one contribution call: of `due`, `received` is paid. `period`: what the call is for.

    Without a number it is what the payer owed before the mutuelle joined the service.
    """

    called_on: date
    due: Money
    received: Money
    number: str = ""
    head_name: str = ""
    members: int = 0
    regime: str = ""
    percent: int = 0
    period: Period | None = None

    @property
    def left(self) -> Money:
        return Money(self.due.amount_minor - self.received.amount_minor, self.due.currency)

    def age_days(self, today: date) -> int | None:
        """For how long what is left of it has been owed; None where it is paid."""
        return (today - self.called_on).days if self.left.amount_minor else None


@dataclass(frozen=True)
class PayerDues:
    """All that a payer was ever asked for, the oldest first, as it stands on `today`."""

    payer: Payer
    today: date
    dues: tuple[PayerDue, ...]

    @property
    def unpaid(self) -> list[PayerDue]:
        return [one for one in self.dues if one.left.amount_minor]


# What the payer owes of each call, and what it owed before: oldest first.
_DUES = text("""
select g.payer, j.effective_on, s.part_minor, s.number, h.head_name, l.members, g.name, g.percent, s.sequence
  from policy_share s
  join regime g on (g.mutuelle_id, g.code, g.since) = (s.mutuelle_id, s.regime, s.regime_since)
  join policy l on (l.mutuelle_id, l.number, l.sequence) = (s.mutuelle_id, s.number, s.sequence)
  join household h on (h.mutuelle_id, h.number) = (s.mutuelle_id, s.number)
  join ledger.request r on r.mutuelle_id = s.mutuelle_id and r.source = 'policy' and r.verdict = 'created'
       and r.key = s.number || '-' || s.sequence
  join ledger.journal j on j.mutuelle_id = r.mutuelle_id and j.id = r.journal_id
 where s.mutuelle_id = :mutuelle and j.effective_on <= :today
union all
select p.code, m.effective_on, m.amount, '', '', 0, '', 0, 0
  from payer p
  join ledger.movement m on m.mutuelle_id = p.mutuelle_id and m.debit_account = 'health:receivable:' || p.code
  join ledger.request r on r.mutuelle_id = m.mutuelle_id and r.journal_id = m.journal_id and r.source = 'opening'
 where p.mutuelle_id = :mutuelle and m.effective_on <= :today
 order by 1, 2, 4
""")
# What payers paid of what they owe, less what was taken back.
_RECEIVED = text("""
select p.code, sum(case when m.credit_account = 'health:receivable:' || p.code then m.amount else -m.amount end)::bigint
           as received
  from payer p
  join ledger.movement m on m.mutuelle_id = p.mutuelle_id and m.effective_on between :first and :last
       and 'health:receivable:' || p.code in (m.debit_account, m.credit_account)
  join ledger.request r on r.mutuelle_id = m.mutuelle_id and r.journal_id = m.journal_id and r.source = 'voucher'
 where p.mutuelle_id = :mutuelle
 group by p.code
""")


async def received_of_payers(
    db: AsyncConnection, mutuelle_id: str, first: date, last: date
) -> dict[str, int]:
    """What each payer paid from the day `first` to the end of `last`, in minor units."""
    asked = {"mutuelle": mutuelle_id, "first": first, "last": last}
    return {row.code: int(row.received) for row in await db.execute(_RECEIVED, asked)}


async def payer_dues(db: AsyncConnection, mutuelle: Mutuelle, today: date) -> list[PayerDues]:
    """What each payer owes and has paid up to the end of `today`; a payer who was never asked is left out."""
    asked = {"mutuelle": mutuelle.id, "today": today}
    rows = (await db.execute(_DUES, asked)).all()
    paid = await received_of_payers(db, mutuelle.id, date.min, today)
    dated = await _periods(db, mutuelle, {row.number for row in rows if row.number})
    found = []
    for payer in await payers_of(db, mutuelle.id):
        own = [row for row in rows if row.payer == payer.code]
        if own:
            dues = _settled(own, paid.get(payer.code, 0), dated, mutuelle.currency)
            found.append(PayerDues(payer, today, dues))
    return found


def _settled(
    rows: Sequence[Row[Any]],
    paid_minor: int,
    dated: dict[tuple[str, int], Period],
    currency: str,
) -> tuple[PayerDue, ...]:
    found = []
    for row in rows:
        received = min(paid_minor, row.part_minor)
        paid_minor -= received
        due = PayerDue(row.effective_on, Money(row.part_minor, currency), Money(received, currency))
        if row.number:
            facts = {"number": row.number, "head_name": row.head_name, "members": row.members}
            period = dated.get((row.number, row.sequence))
            due = replace(due, **facts, regime=row.name, percent=row.percent, period=period)
        found.append(due)
    return tuple(found)


async def _periods(
    db: AsyncConnection, mutuelle: Mutuelle, numbers: set[str]
) -> dict[tuple[str, int], Period]:
    """The periods of these households, by number and sequence; of closed ones none."""
    agreed = await agreed_by_number(db, mutuelle, numbers)
    received = await received_by_number(db, mutuelle, list(agreed))
    return {
        (number, period.terms.sequence): period
        for number, (terms, _product) in agreed.items()
        for period in periods(terms, received.get(number, ()))
    }
