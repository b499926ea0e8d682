"""Créances et dettes par âge: who owes what since when, the oldest debt taken as settled first.

What a reversal took back never was a debt. A household that paid too much owes nothing: it has a column of its own.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.reports.columns import ACCOUNT_FIELDS
from ledger.reports.page import AMOUNT, Column, Control, Field, Part, Question, Report, plain_amount
from ledger.reports.sums import IN_ORDER, WITHIN, facts, sums
from ledger.reports.totals import Totals
from ledger.reports.voice import Voice, _

OWED_TO_US, OWED_BY_US = ("member", "receivable", "loan"), ("payable", "suspense")
BUCKETS = (_("0-30 days"), _("31-60 days"), _("61-90 days"), _("over 90 days"))

_WHOSE_DUES = _(
    "Members: contributions of which a first part was paid, late or not. The SMS DETAIL also counts those of which "
    "nothing was paid yet; the SMS RETARDS only who is late."
)


@dataclass(frozen=True)
class AgeRow:
    """What stands open on an account since up to 30, 60, 90 and more days, in minor units; `ahead` the other way round.

    `account` of a TOTAL is the head of its kind.
    """

    part: Part
    account: str
    currency: str
    owed: int = 0
    by_age: tuple[int, ...] = (0,) * len(BUCKETS)
    ahead: int = 0


# `due` grows a debt, `paid` settles it, whichever side that is; a debt is open as far as the newer ones do not
# explain what is still owed.
_AGES = """
with taken_back as (
    select unnest(array[r.id, o.id]) as id
      from ledger.journal r join ledger.journal o on o.mutuelle_id = r.mutuelle_id and o.id = r.reverses_id
     where r.mutuelle_id = :mutuelle and r.effective_on <= :last and o.effective_on <= :last
), leg as (
    select e.account, e.currency, e.journal_id, e.position, coalesce(j.occurred_on, j.effective_on) as since,
           case when split_part(e.account, ':', 2) = any(:to_us) then e.debit else e.credit end as due,
           case when split_part(e.account, ':', 2) = any(:to_us) then e.credit else e.debit end as paid
      from ledger.entry e
      join ledger.journal j on j.mutuelle_id = e.mutuelle_id and j.id = e.journal_id
     where e.mutuelle_id = :mutuelle and e.effective_on <= :last and WITHIN
       and not exists (select from taken_back t where t.id = e.journal_id)
), debt as (
    select l.account, l.currency, l.due, cast(:last as date) - l.since as days,
           sum(l.due) over (partition by l.account, l.currency order by l.since desc, l.journal_id, l.position
                            rows between unbounded preceding and current row) - l.due as newer
      from leg l where l.due > 0
), owed as (
    select l.account, l.currency, sum(l.due - l.paid) as net from leg l group by l.account, l.currency
)
select o.account, o.currency, o.net,
       coalesce(sum(least(d.due, o.net - d.newer)) filter (where d.days <= 30), 0),
       coalesce(sum(least(d.due, o.net - d.newer)) filter (where d.days between 31 and 60), 0),
       coalesce(sum(least(d.due, o.net - d.newer)) filter (where d.days between 61 and 90), 0),
       coalesce(sum(least(d.due, o.net - d.newer)) filter (where d.days > 90), 0)
  from owed o
  left join debt d on d.account = o.account and d.currency = o.currency and d.newer < o.net
 where o.net <> 0
 group by o.account, o.currency, o.net
 order by ORDER
"""


async def ages(db: AsyncConnection, question: Question, voice: Voice) -> AsyncIterator[AgeRow | Control]:
    """Every account in scope that stands open on the last day, by fund, and the sum of each kind at its end."""
    question = replace(question, kinds=OWED_TO_US + OWED_BY_US)
    kinds: dict[tuple[str, str], AgeRow] = {}
    printed, before = Totals(), ("", "")
    async for row in _accounts(db, question, voice):
        head, currency = row.account.rpartition(":")[0], row.currency
        fund = head.partition(":")[0]
        if (fund, currency) != before:
            for summed in _sums_of(before, kinds):
                yield summed
            yield AgeRow(Part.FUND, fund, currency)
        before = (fund, currency)
        yield row
        kinds[head, currency] = _added(kinds.get((head, currency)), head, row)
        printed.add(fund, currency, _net(row), 0)
    for summed in _sums_of(before, kinds):
        yield summed
    for control in printed.controls(await _expected(db, question, voice)):
        yield replace(control, has_sides=False)


async def _accounts(db: AsyncConnection, question: Question, voice: Voice) -> AsyncIterator[AgeRow]:
    asked = facts(question, voice.chart) | {"to_us": list(OWED_TO_US)}
    del asked["before"]
    query = _AGES.replace("WITHIN", WITHIN.format("e.account")).replace(
        "ORDER", IN_ORDER.format("o.account", "o.currency")
    )
    async with db.stream(text(query), asked) as rows:
        async for account, currency, net, *by_age in rows:
            owed, ahead = max(int(net), 0), max(-int(net), 0)
            yield AgeRow(Part.LINE, account, currency, owed, tuple(int(open_) for open_ in by_age), ahead)


def _added(so_far: AgeRow | None, head: str, row: AgeRow) -> AgeRow:
    if so_far is None:
        return replace(row, part=Part.TOTAL, account=head)
    by_age = tuple(a + b for a, b in zip(so_far.by_age, row.by_age, strict=True))
    return replace(so_far, owed=so_far.owed + row.owed, by_age=by_age, ahead=so_far.ahead + row.ahead)


def _sums_of(part: tuple[str, str], kinds: Mapping[tuple[str, str], AgeRow]) -> Iterator[AgeRow]:
    """The sums of the kinds of a fund in a currency."""
    return (row for (head, currency), row in kinds.items() if (head.partition(":")[0], currency) == part)


def _is_owed_to_us(account: str) -> bool:
    return account.split(":")[1] in OWED_TO_US


def _net(row: AgeRow) -> int:
    """What it means for the fund: owed to us above zero, owed by us below."""
    net = row.owed - row.ahead
    return net if _is_owed_to_us(row.account) else -net


async def _expected(db: AsyncConnection, question: Question, voice: Voice) -> Totals:
    """What the trial balance has on these kinds."""
    totals = Totals()
    async for each in sums(db, question, voice.chart, each_person=question.is_of_one):
        totals.add(each.fund, each.currency, each.closing, 0)
    return totals


def _label(row: AgeRow, voice: Voice) -> str:
    if row.part is Part.LINE:
        return voice.number(row.account)
    whose = _("owed to us") if _is_owed_to_us(row.account) else _("owed by us")
    return f"{voice.number(row.account)} {voice.label(row.account)}, {voice.word(whose)}"


def _bucket(nth: int) -> Column[AgeRow]:
    return Column(BUCKETS[nth], lambda row, voice: voice.some(row.by_age[nth], row.currency), AMOUNT)


def _field(nth: int) -> Field[AgeRow]:
    return Field(BUCKETS[nth], lambda row, _: plain_amount(row.by_age[nth], row.currency))


AGES = Report(
    title="Receivables and payables by age",
    has_period=False,
    kinds=OWED_TO_US + OWED_BY_US,
    rows=ages,
    heading=lambda row, voice: voice.fund_heading(row.account, row.currency),
    columns=(
        Column("Account", _label, -1),
        *(_bucket(nth) for nth in range(len(BUCKETS))),
        Column("Owed", lambda row, voice: voice.some(row.owed, row.currency), AMOUNT),
        Column("Paid ahead", lambda row, voice: voice.some(row.ahead, row.currency), AMOUNT),
    ),
    fields=(
        *ACCOUNT_FIELDS,
        *(_field(nth) for nth in range(len(BUCKETS))),
        Field("Owed", lambda row, _: plain_amount(row.owed, row.currency)),
        Field("Paid ahead", lambda row, _: plain_amount(row.ahead, row.currency)),
        Field("Currency", lambda row, _: row.currency),
    ),
    note=lambda _question, voice: voice.word(_WHOSE_DUES),
)
