"""One sum that somebody (an employer, a tontine, an association) paid for many households, and the list that splits it.

The sum came by a statement and lies in suspense. A person of the service types the payer's list: it is checked row by
row, written once, and moves nothing until two treasurers sign it (`group_acts.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, Sentence, _, counts
from mutuelle.acts import By
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.contributions.standing import payer_of_all
from mutuelle.cover.policies import policies_of
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import Household, lock_households
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.tables import joint_act
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import products_of
from mutuelle.scheme.regimes import Share
from mutuelle.sheets.letters import name_words
from mutuelle.tables import beneficiary
from mutuelle.treasury.receipt_codes import free_receipt_codes
from mutuelle.treasury.statements.owners import owners_of
from mutuelle.treasury.tables import group_list, group_part, money_decision
from mutuelle.treasury.unmatched.money import OTHER_CURRENCY, Unmatched, unmatched_money
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

MOST_PAYER = 24  # letters: it stands in the receipt of each household
GROUP_PAYMENT = "group payment"  # the kind of its act
MOST_HOUSEHOLDS = 5_000  # of a list: what a signature splits in some seconds


@value
class GroupRow:
    """A line of a list: so much for a household. `name` is only compared, "" where the list has none."""

    line: int
    number: str
    amount_minor: int
    name: str = ""


@value
class RowFault:
    """What is wrong with a line (0: the whole list), in which column."""

    line: int
    column: str
    reason: Sentence


@dataclass(frozen=True)
class GroupPart:
    """What one household gets: `reference` is the key of its journal."""

    number: str
    amount: Money
    reference: UUID
    receipt_code: str


@dataclass(frozen=True)
class GroupList:
    """A list that `actor` typed. `code` is the payer's receipt; (`source`, `key_of_journal`) is the sum's journal."""

    mutuelle_id: str
    code: str
    source: str
    key_of_journal: str
    payer: str
    amount: Money
    households: int
    actor: str
    reason: str
    listed_at: datetime

    @property
    def key(self) -> str:
        return self.code

    @property
    def label(self) -> Sentence:
        return group_label(self.payer, self.amount, self.households)


def group_label(payer: str, amount: Money, households: int) -> Sentence:
    return _(
        "{payer}: {amount}, {households}",
        payer=payer,
        amount=amount,
        households=counts.households(households),
    )


async def money_of_group(db: AsyncConnection, mutuelle: Mutuelle, said: str, total_minor: int) -> Unmatched:
    """The sum in suspense that is called `said` (its reference in the statement, or its key); "": of that amount.

    RefusedError where there is none, or several, or it is in another currency.
    """
    waiting, total = await unmatched_money(db, mutuelle.id), Money(total_minor, mutuelle.currency)
    if said:
        found = [one for one in waiting if said in (one.reference, one.key_of_journal)]
    else:
        found = [one for one in waiting if one.amount == total]
    if len(found) == 1:
        if found[0].amount.currency != mutuelle.currency:
            raise RefusedError(OTHER_CURRENCY)
        return found[0]
    if not found and said:
        raise RefusedError(_("No money without an owner is called {said}: see keneya unmatched.", said=said))
    if not found:
        raise RefusedError(
            _(
                "The list is {total} in all: no money without an owner is that. See keneya unmatched.",
                total=total,
            )
        )
    keys = ", ".join(f"{one.key_of_journal} ({one.on:%d/%m/%Y} {one.reference})".rstrip() for one in found)
    raise RefusedError(_("Which money? Say one of these with --money: {keys}", keys=keys))


async def faults_of(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    money: Unmatched,
    rows: Sequence[GroupRow],
    today: date,
    *,
    names: bool,
) -> list[RowFault]:
    """All that is wrong with a list of numbers that differ; `names`: one that is nobody's in its household too.

    Locks the households.
    """
    numbers = [row.number for row in rows]
    owners = await owners_of(db, mutuelle.id, numbers)
    locked = await lock_households(db, {HouseholdKey(mutuelle.id, number) for number in owners})
    still_open = [household for household, is_closed in locked if not is_closed]
    there = {household.number for household in still_open}
    found = [
        RowFault(row.line, "number", reason)
        for row in rows
        if (reason := _not_here(row.number, owners, there))
    ]
    paid_by = await _paid_by_others(db, mutuelle, still_open, today)
    found += [
        RowFault(
            row.line,
            "number",
            _("{payer} pays for this household: it owes nothing", payer=paid_by[row.number]),
        )
        for row in rows
        if row.number in paid_by
    ]
    if names:
        found += await _strange_names(db, mutuelle.id, rows, still_open)
    if len(rows) < 2:
        found.append(
            RowFault(0, "", _("a list has two households or more: money of one is matched by phone, 9, 8, 8"))
        )
    total = Money(sum(row.amount_minor for row in rows), mutuelle.currency)
    if total != money.amount:
        reason = _("the list is {total} in all, the money is {amount}", total=total, amount=money.amount)
        found.append(RowFault(0, "", reason))
    return sorted(found, key=lambda fault: fault.line)


def _not_here(number: str, owners: dict[str, str], still_open: set[str]) -> Sentence | None:
    if number not in owners:
        return _("no household of this mutuelle has this number")
    if owners[number] != number:
        return _(
            "this household was joined with {number}: write that number", number=shown_number(owners[number])
        )
    return None if number in still_open else _("this household is closed")


async def _paid_by_others(
    db: AsyncConnection, mutuelle: Mutuelle, households: Sequence[Household], today: date
) -> dict[str, str]:
    """The payer's name of each of these households for which another pays all that it could be asked for."""
    insured = await portfolio(db, mutuelle, today, [household.number for household in households])
    products = await products_of(db, [mutuelle.id])
    shares = [policies[-1].share for policies in await policies_of(db, households, products)]
    payers = {
        household.number: _payer(insured[household.number], share)
        for household, share in zip(households, shares, strict=True)
    }
    return {number: payer for number, payer in payers.items() if payer}


def _payer(one: Insured, share: Share | None) -> str:
    regime = payer_of_all(one.due, one.cover, one.renewal, one.regime, share)
    return regime.payer_name if regime else ""


async def _strange_names(
    db: AsyncConnection, mutuelle_id: str, rows: Sequence[GroupRow], households: Sequence[Household]
) -> list[RowFault]:
    """The lines with a name of which no word is in a name of the household. Its own names are not said."""
    known = {household.number: name_words(household.head_name) for household in households}
    b = beneficiary.c
    mine = b.number == sa.any_(sa.literal(list(known), sa.ARRAY(sa.Text)))
    people = select(b.number, b.name).where(b.mutuelle_id == mutuelle_id, mine, b.removed_on.is_(None))
    for number, name in await db.execute(people.where(b.name.is_not(None))):
        known[number] |= name_words(name)
    reason = _("nobody in this household has that name: look again, or say --although-names-differ")
    return [
        RowFault(row.line, "name", reason)
        for row in rows
        if row.name and row.number in known and not name_words(row.name) & known[row.number]
    ]


async def write_list(
    db: AsyncConnection, money: Unmatched, payer: str, rows: Sequence[GroupRow], by: By
) -> GroupList:
    """Write the list down for two treasurers; the caller has found no fault."""
    code, *codes = await free_receipt_codes(db, money.mutuelle_id, len(rows) + 1)
    listed = GroupList(
        money.mutuelle_id,
        code,
        money.source,
        money.key_of_journal,
        payer,
        money.amount,
        len(rows),
        by.actor,
        by.reason,
        by.at,
    )
    g = group_list.c
    before = select(sa.func.count()).where(
        g.mutuelle_id == money.mutuelle_id, g.source == money.source, g.key == money.key_of_journal
    )
    await db.execute(
        insert(group_list).values(
            mutuelle_id=listed.mutuelle_id,
            receipt_code=code,
            source=listed.source,
            key=listed.key_of_journal,
            nth=before.scalar_subquery() + 1,
            payer=payer,
            amount_minor=listed.amount.amount_minor,
            currency=listed.amount.currency,
            households=listed.households,
            actor=by.actor,
            reason=by.reason,
            listed_at=by.at,
        )
    )
    parts = {
        "mutuelle": listed.mutuelle_id,
        "list": code,
        "currency": listed.amount.currency,
        "numbers": [row.number for row in rows],
        "amounts": [row.amount_minor for row in rows],
        "references": [uuid4() for _row in rows],
        "codes": codes,
    }
    await db.execute(_WRITE_PARTS, parts)
    return listed


async def parts_of(db: AsyncConnection, listed: GroupList) -> list[GroupPart]:
    """What each household gets, by number."""
    p = group_part.c
    rows = await db.execute(
        select(p.number, p.amount_minor, p.currency, p.reference, p.receipt_code)
        .where(p.mutuelle_id == listed.mutuelle_id, p.list == listed.code)
        .order_by(p.number)
    )
    return [GroupPart(number, Money(minor, currency), *rest) for number, minor, currency, *rest in rows]


@dataclass(frozen=True)
class SignedList:
    """Who proposed a list and who signed it, when; `money_of` is the day of the sum."""

    proposer: str
    answerer: str
    at: datetime
    money_of: date


async def signed_by(db: AsyncConnection, listed: GroupList) -> SignedList | None:
    """None while its sum is not split by it."""
    d, a = money_decision.c, joint_act.c
    row = (
        await db.execute(
            select(a.proposer_name, a.answerer_name, d.decided_at, d.occurred_on)
            .join_from(money_decision, joint_act, (a.mutuelle_id == d.mutuelle_id) & (a.id == d.act))
            .where(d.mutuelle_id == listed.mutuelle_id, d.list == listed.code)
        )
    ).one_or_none()
    return SignedList(*row) if row else None


async def find_list(db: AsyncConnection, mutuelle_id: str, code: str) -> GroupList | None:
    """The list whose payer has the receipt `code`, whatever became of it."""
    found = await _lists(db, mutuelle_id, code=code)
    return found[0] if found else None


async def list_for(db: AsyncConnection, money: Unmatched) -> GroupList | None:
    """The newest list for this money, that a newer one replaces; None where there is none."""
    lists = await _lists(db, money.mutuelle_id, current=True)
    its = money.source, money.key_of_journal
    return next((one for one in lists if (one.source, one.key_of_journal) == its), None)


async def current_list(db: AsyncConnection, mutuelle_id: str, code: str) -> GroupList | None:
    """The same, if it is the newest for its sum and nobody has decided about that."""
    found = await _lists(db, mutuelle_id, code=code, current=True)
    return found[0] if found else None


async def lists_to_propose(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[GroupList]:
    """The current lists that no treasurer has proposed, or whose proposal has lapsed; the oldest first."""
    return await _lists(db, mutuelle_id, current=True, unproposed_at=caller.at)


async def _lists(
    db: AsyncConnection,
    mutuelle_id: str,
    *,
    code: str = "",
    current: bool = False,
    unproposed_at: datetime | None = None,
) -> list[GroupList]:
    asked = {
        "mutuelle": mutuelle_id,
        "code": code,
        "current": current,
        "at": unproposed_at,
        "kind": GROUP_PAYMENT,
    }
    return [
        GroupList(mutuelle_id, code, source, key, payer, Money(minor, currency), *rest)
        for code, source, key, payer, minor, currency, *rest in await db.execute(_LISTS, asked)
    ]


_LISTS = text("""
select l.receipt_code, l.source, l.key, l.payer, l.amount_minor, l.currency, l.households, l.actor, l.reason,
       l.listed_at
  from group_list l
 where l.mutuelle_id = :mutuelle and (:code = '' or l.receipt_code = :code)
   and (not cast(:current as boolean) or (
        not exists (select from money_decision d
                     where d.mutuelle_id = l.mutuelle_id and d.source = l.source and d.key = l.key)
        and not exists (select from group_list later
                         where later.mutuelle_id = l.mutuelle_id and later.source = l.source and later.key = l.key
                           and later.nth > l.nth)))
   and (cast(:at as timestamptz) is null or not exists (
        select from joint_act a where a.mutuelle_id = l.mutuelle_id and a.kind = :kind
           and a.facts ->> 'list' = l.receipt_code and (a.answer is not null or a.expires_at > :at)))
 order by l.listed_at, l.receipt_code
""")
_WRITE_PARTS = text("""
insert into group_part (mutuelle_id, list, currency, number, amount_minor, reference, receipt_code)
select :mutuelle, :list, :currency, part.* from unnest(cast(:numbers as text[]), cast(:amounts as bigint[]),
       cast(:references as uuid[]), cast(:codes as text[])) as part
""")
