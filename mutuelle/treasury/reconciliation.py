"""Three lists that must agree: the ledger, our payments and payouts, the statements; what differs, by kind and age.

A day of an account is compared only if a statement of it came: before that nothing is known to differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.balances import balance, balance_before
from locales import Money
from mutuelle.contributions.operator_balances import ToldBalance, told_balances
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.statements.accounts import StatedAccount, stated_accounts
from mutuelle.treasury.statements.own_moves import NEAR, OwnMove, own_moves, paired
from mutuelle.treasury.statements.presets import presets
from values import value

CURRENT = timedelta(days=90)  # what a treasurer is told of: `keneya reconcile` has all that ever differed
SHOWN = timedelta(days=7)  # days that are shown though nothing differs, where no day was asked for
# The kinds of differences, in words.
PAYMENT_UNSTATED = "payment not in the statement"
PAYOUT_UNSTATED = "payout not in the statement"
PAYOUT_CAME_BACK = "payout that came back, not taken back in the book"
PAYMENT_UNBOOKED = "payment not in the ledger"
MOVE_UNSTATED = "booked, not in the statement"
LINE_UNBOOKED = "in the statement, not booked"
CONTRADICTION = "the statement contradicts a payment"
FEE_DIFFERS = "the statement has another fee than the operator's answer"
BALANCE_DIFFERS = "the operator's balance is another than the book's"


@value
class Difference:
    """One thing that is in one list and not in another, or there with another amount; `what` names it."""

    mutuelle_id: str
    account: str
    kind: str
    on: date
    amount: Money
    what: str

    def age_days(self, today: date) -> int:
        return (today - self.on).days


@value
class AccountDay:
    """The three lists of one account on one day, in minor units: what came in and went out by each.

    `is_stated`: a statement has this day.
    """

    account: str
    on: date
    booked_in_minor: int
    booked_out_minor: int
    payments_minor: int
    stated_in_minor: int
    stated_out_minor: int
    is_stated: bool


@value
class AccountBalance:
    """What an account holds by the book, by the operator and by its statements, in minor units.

    `told` is the operator's last word, beside the book at that moment; `before_minor` by how much it was more when it
    was first asked. `stated_minor` is what the statements come to on the day `stated_on`, if no day is missing between
    them: the book before the first one, and every line; `booked_then_minor` the book on that day.
    """

    account: str
    told: ToldBalance
    before_minor: int
    unexplained_minor: int
    stated_on: date | None = None
    stated_minor: int | None = None
    booked_then_minor: int | None = None


@dataclass(frozen=True)
class Reconciliation:
    """What was compared of one mutuelle. `waiting`: accounts without a statement of the day, and the last that came.

    `balances`: of the accounts whose operator tells them.
    """

    mutuelle: Mutuelle
    days: list[AccountDay]
    differences: list[Difference]
    waiting: list[tuple[str, date | None]]
    balances: list[AccountBalance]


async def reconcile(
    db: AsyncConnection, mutuelle: Mutuelle, now: datetime, day: date | None = None
) -> Reconciliation:
    """Compare one day of all accounts of a mutuelle at operators and banks; without `day` all that ever differed."""
    today = mutuelle.today(now)
    first, last = (day, day) if day else (date(2000, 1, 1), today)
    stated = await stated_accounts(db, mutuelle.id)
    balances = await _balances(db, mutuelle, last)
    differences = await _differences(db, mutuelle, stated, first, last)
    differences += [
        Difference(
            mutuelle.id, one.account, BALANCE_DIFFERS, on, money, f"told {one.told.at:%Y-%m-%d %H:%M} UTC"
        )
        for one in balances
        if (money := Money(one.unexplained_minor, mutuelle.currency)).amount_minor
        and first <= (on := mutuelle.today(one.told.at))
    ]
    if day is None:
        first = min([today - SHOWN, *(one.on for one in differences)])
    shown = {(one.account, one.on) for one in differences}
    days = [
        one
        for one in await _days(db, mutuelle, first, last)
        if day or one.on > today - SHOWN or (one.account, one.on) in shown
    ]
    return Reconciliation(mutuelle, days, differences, await _waiting(db, stated, day or today), balances)


async def differing(db: AsyncConnection, mutuelle: Mutuelle, today: date) -> tuple[int, int]:
    """How many things of the last CURRENT differ, and how many days ago the oldest was. (0, 0): all agrees.

    Only accounts of which a statement came: of the others nothing is known to differ.
    """
    codes = set(await db.scalars(_STATED_ACCOUNTS, {"mutuelle": mutuelle.id}))
    stated = [StatedAccount(mutuelle.id, code) for code in sorted(codes)]
    found = await _differences(db, mutuelle, stated, today - CURRENT, today)
    return len(found), max((one.age_days(today) for one in found), default=0)


async def _differences(
    db: AsyncConnection, mutuelle: Mutuelle, stated: Sequence[StatedAccount], first: date, last: date
) -> list[Difference]:
    differences: list[Difference] = []
    for account in stated:
        differences += await _of_payments(db, mutuelle, account, first, last)
        differences += await _of_payouts(db, mutuelle, account, first, last)
        differences += await _of_moves(db, mutuelle, account, first, last)
    return sorted(differences, key=lambda one: (one.on, one.account, one.kind, one.what))


async def _balances(db: AsyncConnection, mutuelle: Mutuelle, last: date) -> list[AccountBalance]:
    """What was told of each account until the end of the day `last`, beside the book and the statements."""
    end = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(mutuelle.timezone))
    found = []
    for first, told in await told_balances(db, mutuelle.id, end):
        code = accounts.collections(told.account)
        facts = {"mutuelle": mutuelle.id, "account": code, "last": last}
        began_on, stated_on, moved, is_whole = (await db.execute(_CLOSING, facts)).one()
        stated: tuple[date, int, int] | None = None
        if is_whole:
            before = (await balance_before(db, mutuelle.id, code, began_on)).net
            then = (await balance(db, mutuelle.id, code, stated_on)).net
            stated = stated_on, before + int(moved), then
        gaps = min(first.gaps, key=abs), told.gap_since(first)
        found.append(AccountBalance(told.account, told, *gaps, *(stated or ())))
    return found


async def _of_payments(
    db: AsyncConnection, mutuelle: Mutuelle, account: StatedAccount, first: date, last: date
) -> list[Difference]:
    rows = await db.execute(_PAYMENTS, _facts(mutuelle, account, first, last))
    return [
        Difference(mutuelle.id, account.shown, kind, on, Money(amount_minor, mutuelle.currency), what)
        for kind, on, amount_minor, what in rows
    ]


async def _of_payouts(
    db: AsyncConnection, mutuelle: Mutuelle, account: StatedAccount, first: date, last: date
) -> list[Difference]:
    """Payouts of this account that no line shows; and those of which a line shows that they came back."""
    rows = await db.execute(_PAYOUTS, _facts(mutuelle, account, first, last))
    return [
        Difference(mutuelle.id, account.shown, kind, on, Money(amount_minor, mutuelle.currency), what)
        for kind, on, amount_minor, what in rows
    ]


async def _of_moves(
    db: AsyncConnection, mutuelle: Mutuelle, account: StatedAccount, first: date, last: date
) -> list[Difference]:
    """Lines of money that went out without a booking, and what treasurers booked without a line."""
    facts = _facts(mutuelle, account, first - NEAR, last + NEAR)
    debits = [((line_id, on, amount), on, amount) for line_id, on, amount in await db.execute(_DEBITS, facts)]
    stated = [tuple(row) for row in await db.execute(_FILES, facts)]
    moves = await own_moves(db, account, first - 2 * NEAR, last + 2 * NEAR)
    found, unstated = paired(debits, moves)
    booked = {line for line, _move in found}
    lines = [
        (LINE_UNBOOKED, on, amount, line_id)
        for (line_id, on, amount), _on, _amount in debits
        if (line_id, on, amount) not in booked
    ]
    apart = await db.scalar(_HAS_FILE, {**facts, "account": accounts.disbursement(account.name)})
    own = [
        (MOVE_UNSTATED, one.on, one.amount_minor, one.kind)
        for one in unstated
        if _expected(one, stated) and (apart or not one.within)
    ]
    return [
        Difference(mutuelle.id, account.shown, kind, on, Money(amount, mutuelle.currency), what)
        for kind, on, amount, what in (*lines, *own)
        if first <= on <= last
    ]


def _expected(move: OwnMove, files: Sequence[tuple[date, date, datetime]]) -> bool:
    """Whether a statement should have this movement: it has the day, and came after the movement was booked."""
    return any(
        first <= move.on <= last and (move.on < last or move.recorded_at <= taken_at)
        for first, last, taken_at in files
    )


async def _days(db: AsyncConnection, mutuelle: Mutuelle, first: date, last: date) -> list[AccountDay]:
    facts = {"mutuelle": mutuelle.id, "zone": mutuelle.timezone, "first": first, "last": last}
    return [AccountDay(*row) for row in await db.execute(_DAYS, facts)]


async def _waiting(
    db: AsyncConnection, stated: Sequence[StatedAccount], day: date
) -> list[tuple[str, date | None]]:
    """The accounts whose statements do not have this day."""
    found: list[tuple[str, date | None]] = []
    for account in stated:
        facts = {"mutuelle": account.mutuelle_id, "account": account.code, "day": day}
        has, last = (await db.execute(_LAST, facts)).one()
        if not has and (
            last or not account.is_for_payouts
        ):  # whose lines may be in the other one's statement
            found.append((account.shown, last))
    return found


def _facts(mutuelle: Mutuelle, account: StatedAccount, first: date, last: date) -> dict[str, object]:
    return {
        "mutuelle": mutuelle.id,
        "account": account.code,
        "name": account.name,
        "zone": mutuelle.timezone,
        "first": max(first, date(1999, 1, 1)),
        "last": last,
        "unstated": PAYMENT_UNSTATED,
        "unbooked": PAYMENT_UNBOOKED,
        "contradiction": CONTRADICTION,
        "fee_differs": FEE_DIFFERS,
        "with_fees": [name for name, one in presets().items() if "fee" in one.columns.keys() - one.optional],
        "payout_unstated": PAYOUT_UNSTATED,
        "came_back": PAYOUT_CAME_BACK,
    }


# Whether a statement of the account should have what happened on a day and was known at a moment.
_STATED = """exists (select from statement_file f where f.mutuelle_id = :mutuelle and f.account = :account
              and DAY between f.first_on and f.last_on and (DAY < f.last_on or AT <= f.taken_at))"""
_PAYMENTS = text(
    """
    with paid as (
        select p.reference, p.amount_minor, p.completed_at, (p.completed_at at time zone :zone)::date as on_day
          from payment p
         where p.mutuelle_id = :mutuelle and p.account = :name
           and 'health:float:' || :name = :account and p.state in ('PAID', 'REVERSED')
           and (p.completed_at at time zone :zone)::date between :first and :last
    )
    select cast(:unstated as text), p.on_day, p.amount_minor, p.reference::text from paid p
     where not exists (select from statement_line s where s.mutuelle_id = :mutuelle and s.payment = p.reference)
       and STATED
    union all
    select :unbooked, p.on_day, p.amount_minor, p.reference::text from paid p
     where not exists (select from ledger.request q where q.mutuelle_id = :mutuelle
             and q.source in ('payment', 'suspense') and q.key = p.reference::text and q.verdict = 'created')
    union all
    select :fee_differs, s.occurred_on, s.fee_minor - p.fee_minor, p.reference::text || ', told ' || p.fee_minor
      from statement_line s
      join statement_file f on f.mutuelle_id = s.mutuelle_id and f.file = s.file
      join payment p on p.mutuelle_id = s.mutuelle_id and p.reference = s.payment
     where s.mutuelle_id = :mutuelle and s.account = :account and s.occurred_on between :first and :last
       and p.fee_minor <> s.fee_minor and (s.fee_minor > 0 or f.preset = any(:with_fees))
    union all
    select :contradiction, s.occurred_on, s.amount_minor, s.line_id || ' ' || s.payment
      from statement_line s
     where s.mutuelle_id = :mutuelle and s.account = :account and s.payment is not null
       and s.occurred_on between :first and :last
       and (s.kind in ('contradiction', 'unmatched') and not s.by_payment)
       and exists (select from payment_case c where c.mutuelle_id = :mutuelle and c.reference = s.payment
             and c.closed_at is null)
    """.replace("STATED", _STATED.replace("DAY", "p.on_day").replace("AT", "p.completed_at"))
)
# A payout is expected in a statement of its account for payouts; in one of the collections of the same name only where
# such statements show payouts: then both are one wallet.
_PAYOUTS = text(
    """
    select cast(:payout_unstated as text), p.on_day, -p.amount_minor, p.reference::text
      from (select *, (completed_at at time zone :zone)::date as on_day from payout
             where mutuelle_id = :mutuelle and account = :name and state in ('PAID', 'REVERSED')) p
     where p.on_day between :first and :last
       and not exists (select from statement_line s where s.mutuelle_id = :mutuelle and s.payout = p.reference
                          and s.amount_minor < 0)
       and (:account = p.credit or exists (select from statement_line s
                where s.mutuelle_id = :mutuelle and s.account = :account and s.kind = 'payout'))
       and STATED
    union all
    select :came_back, s.occurred_on, s.amount_minor, s.line_id || ' ' || s.payout
      from statement_line s join payout p on p.mutuelle_id = s.mutuelle_id and p.reference = s.payout
     where s.mutuelle_id = :mutuelle and s.account = :account and s.amount_minor > 0 and s.kind = 'payout'
       and p.state = 'PAID' and s.occurred_on between :first and :last
    """.replace("STATED", _STATED.replace("DAY", "p.on_day").replace("AT", "p.completed_at"))
)
# The days of an account's statements until a day, what their lines moved, and whether no day is missing between them.
_CLOSING = text(
    """
    select f.first_on, f.last_on,
           (select coalesce(sum(s.amount_minor - s.fee_minor), 0) from statement_line s
             where s.mutuelle_id = :mutuelle and s.account = :account and s.occurred_on <= f.last_on),
           coalesce(f.parts = 1, false)
      from (select min(first_on) as first_on, max(last_on) as last_on,
                   (select count(*) from unnest(range_agg(daterange(first_on, last_on, '[]')))) as parts
              from statement_file where mutuelle_id = :mutuelle and account = :account and last_on <= :last) f
    """
)
_HAS_FILE = text(
    "select exists (select from statement_file where mutuelle_id = :mutuelle and account = :account)"
)
_DEBITS = text(
    """
    select line_id, occurred_on, amount_minor from statement_line s
     where mutuelle_id = :mutuelle and account = :account and kind = 'debit' and occurred_on between :first and :last
       and not exists (select from payout p where p.mutuelle_id = s.mutuelle_id and p.reference = s.payout
             and p.state in ('PAID', 'REVERSED') and p.amount_minor = -s.amount_minor)
     order by occurred_on, line_id
    """
)
_FILES = text(
    "select first_on, last_on, taken_at from statement_file where mutuelle_id = :mutuelle and account = :account"
)
_STATED_ACCOUNTS = text("select distinct account from statement_file where mutuelle_id = :mutuelle")
_LAST = text(
    """
    select coalesce(bool_or(:day between f.first_on and f.last_on), false), max(f.last_on)
      from statement_file f where f.mutuelle_id = :mutuelle and f.account = :account
    """
)
_DAYS = text(
    """
    with moved as (
        select e.account, coalesce(j.occurred_on, j.effective_on) as on_day, sum(e.debit) as came, sum(e.credit) as went
          from ledger.account a
          join ledger.entry e on e.mutuelle_id = a.mutuelle_id and e.account = a.code
          join ledger.journal j on j.mutuelle_id = e.mutuelle_id and j.id = e.journal_id
         where a.mutuelle_id = :mutuelle and a.fund = 'health' and a.kind in ('float', 'bank', 'disbursement')
           and coalesce(j.occurred_on, j.effective_on) between :first and :last
         group by 1, 2
    ), paid as (
        select 'health:float:' || p.account as account,
               (p.completed_at at time zone :zone)::date as on_day, sum(p.amount_minor) as paid
          from payment p
         where p.mutuelle_id = :mutuelle and p.state = 'PAID'
           and (p.completed_at at time zone :zone)::date between :first and :last
         group by 1, 2
    ), stated as (
        select s.account, s.occurred_on as on_day, sum(greatest(s.amount_minor, 0)) as came,
               sum(greatest(-s.amount_minor, 0) + s.fee_minor) as went
          from statement_line s where s.mutuelle_id = :mutuelle and s.occurred_on between :first and :last
         group by 1, 2
    )
    select replace(regexp_replace(account, '^health:(float|bank):', ''), 'health:', ''), on_day,
           coalesce(m.came, 0)::bigint, coalesce(m.went, 0)::bigint,
           coalesce(p.paid, 0)::bigint, coalesce(s.came, 0)::bigint, coalesce(s.went, 0)::bigint,
           exists (select from statement_file f where f.mutuelle_id = :mutuelle and f.account = account
                      and on_day between f.first_on and f.last_on)
      from moved m full join paid p using (account, on_day) full join stated s using (account, on_day)
     order by 2, 1
    """
)
