"""Unmatched money: what lies in a suspense account, by age, from every statement and operator of a mutuelle.

It stands alone: the line of a statement without a payment, or the money of an operator's answer that differed from what
was asked. Two treasurers say whose it is (`matches.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from currencies import MINOR_DIGITS
from ledger import accounts
from locales import Money, Sentence, _
from mutuelle.treasury.own_money import place_name
from talk.answers import Kind
from talk.figures import amount_in, day_in
from talk.questions import initials
from talk.trouble import InvalidError

MOST_LISTED = 5_000  # of the oldest; a search and a sum are of all of them
SHOWN_DIGITS = 4  # of a payer's phone, and the fewest letters that are looked for
LONGEST_SOUGHT = 40
DECIDED_BY_NOW = _("The owner of this money is known by now.")
OTHER_CURRENCY = _("This money is in another currency: it can only be given back.")


@dataclass(frozen=True)
class Unmatched:
    """Money that came on a day and whose owner is not known; `source` and `key` are its journal's.

    `account` is the suspense account in which it lies. `payer` is the phone that paid, as far as anybody said;
    `reference` the operator's own, `note` what the payer wrote.
    """

    mutuelle_id: str
    source: str
    key_of_journal: str
    account: str
    amount: Money
    on: date
    payer: str
    reference: str
    note: str

    @property
    def key(self) -> str:
        return f"{self.source} {self.key_of_journal}"

    @property
    def label(self) -> str:
        """In a list: the day, the amount, the end of the phone."""
        return f"{self.on:%d/%m} {self.amount} {self.payer[-SHOWN_DIGITS:]}".strip()

    @property
    def place(self) -> Sentence | str:
        """Through which account it came, in the words of people."""
        return place_name(accounts.parse(self.account).sub)

    def days(self, today: date) -> int:
        return (today - self.on).days


async def unmatched_money(db: AsyncConnection, mutuelle_id: str | None = None) -> list[Unmatched]:
    """The oldest first, of one mutuelle or of all; MOST_LISTED at most."""
    return await _read(db, mutuelle_id)


async def find_unmatched(db: AsyncConnection, mutuelle_id: str, source: str, key: str) -> Unmatched | None:
    """The money of one journal; None where somebody has decided about it."""
    found = await _read(db, mutuelle_id, source, key)
    return found[0] if found else None


async def unmatched_of(db: AsyncConnection, mutuelle_id: str, account: str, amount: Money) -> list[Unmatched]:
    """The sums of just this amount in one suspense account."""
    return [
        one
        for one in await _read(db, mutuelle_id, account=account, minor=amount.amount_minor)
        if one.amount == amount
    ]


async def _read(
    db: AsyncConnection,
    mutuelle_id: str | None,
    source: str = "",
    key: str = "",
    account: str = "",
    minor: int = 0,
) -> list[Unmatched]:
    """What is "" or 0 is not looked at."""
    asked = {"mutuelle": mutuelle_id, "source": source, "key": key, "account": account, "minor": minor}
    asked["most"] = MOST_LISTED
    return [
        Unmatched(
            mutuelle_id=row.mutuelle_id,
            source=row.source,
            key_of_journal=row.key,
            account=row.account,
            amount=Money(row.amount, row.currency),
            on=row.day,
            payer=row.payer or "",
            reference=row.said or "",
            note=row.note or "",
        )
        for row in await db.execute(_UNMATCHED, asked)
    ]


def money_sought(found: Sequence[Unmatched]) -> Kind[str]:
    """What one of `found` is looked for by; asked again where none of them is like that."""

    def parse(typed: str) -> str:
        sought = " ".join(typed.split())
        if not 2 <= len(sought) <= LONGEST_SOUGHT or not any(letter.isalnum() for letter in sought):
            raise InvalidError(_("Please type the amount, the day, the phone or the reference."))
        if not matching(found, sought):
            raise InvalidError(_("No unmatched money is like that."))
        return sought

    return Kind(
        "money sought",
        parse,
        good=(f"{found[0].on:%d/%m}",),
        bad=("", "?", "x" * 41),
        takes_rest=True,
    )


def matching(found: Sequence[Unmatched], sought: str) -> list[Unmatched]:
    """Those whose amount, day, phone (its last digits), reference or note is what was typed."""
    return [one for one in found if _is_meant(one, sought)]


def _is_meant(one: Unmatched, sought: str) -> bool:
    digits, words = re.sub(r"\D", "", sought), _letters(sought)
    shape = [one.on.day, one.on.month, one.on.year]
    return (
        amount_in(sought, MINOR_DIGITS[one.amount.currency]) == one.amount.amount_minor
        or (bool(said := day_in(sought)) and said in (shape[:1], shape[:2], shape))
        or (len(digits) >= SHOWN_DIGITS and one.payer.endswith(digits))
        or (len(words) >= SHOWN_DIGITS and words in _letters(f"{one.reference} {one.note}"))
    )


def _letters(words: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", initials(words))


# One row for each journal that put money into suspense and that nobody has decided about. Its facts are those of its
# line, and of the payment that it names.
_UNMATCHED = text("""
select q.mutuelle_id, q.source, q.key, m.credit_account as account, m.amount, m.currency,
       coalesce(j.occurred_on, j.effective_on) as day, coalesce(s.payer, p.payer_phone) as payer,
       coalesce(s.line_id, p.operator_reference) as said, s.note
  from (select mutuelle_id, 'statement' as source, reference as of from statement_line
         where kind = 'unmatched' and not by_payment and mutuelle_id = coalesce(:mutuelle, mutuelle_id)
        union all
        select mutuelle_id, 'suspense', reference from payment_case
         where kind = 'mismatch' and mutuelle_id = coalesce(:mutuelle, mutuelle_id)) came
  join ledger.request q on q.mutuelle_id = came.mutuelle_id and q.source = came.source and q.key = came.of::text
       and q.verdict = 'created'
  join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
  join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
  left join payment p on q.source = 'suspense' and p.mutuelle_id = q.mutuelle_id and p.reference = came.of
  left join statement_line s on s.mutuelle_id = q.mutuelle_id
       and case q.source when 'statement' then s.reference = came.of else s.payment = came.of and s.by_payment end
 where not exists (select from money_decision d
                    where d.mutuelle_id = q.mutuelle_id and d.source = q.source and d.key = q.key)
   and not exists (select from payout o where o.mutuelle_id = q.mutuelle_id and o.found = q.source || ' ' || q.key
                      and o.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')) -- it is being given back
   and (:key = '' or (q.source = :source and q.key = :key))
   and (:account = '' or (m.credit_account = :account and m.amount = :minor))
 order by day, q.mutuelle_id, q.key
 limit :most
""")
