"""The digest's second form: how households stand, what is owed both ways, what was spent, what waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.positions import Debts, debts_on
from locales import Fact, Money, Sentence, _, _n, counts, render
from locales.letters import fold, septets
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.cover.rules import COVERED_STATES, CoverState
from mutuelle.officers.joint_acts import acts_to_sign
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.arrears import listed
from mutuelle.treasury.cash_counts import last_count
from mutuelle.treasury.cash_in_hand import CashInHand, collectors_cash_in_hand
from mutuelle.treasury.reconciliation import differing
from sms.confirmations import ROOM, ROOM_IN_PARTS
from sms.segments import MAX_SEGMENTS
from talk.layout import longest
from talk.words import Caller

OLD_DAYS = 30  # money that waits for longer has its own figure


@dataclass(frozen=True)
class Detail:
    """How the households of a mutuelle stand, what waits for the caller's signature, what collectors hold, its debts.

    `owing` households owe `total`, for covers that they agreed to; of these `late` ones owe `late_total`, and are those
    whom `arrears_by_place` names.
    """

    mutuelle: Mutuelle
    covered: int
    waiting: int
    others: int  # neither covered nor waiting
    owing: int
    total: Money
    late: int
    late_total: Money
    to_sign: int
    counted_on: date | None  # when a box was last counted
    collectors: tuple[CashInHand, ...]
    days: tuple[int, ...]  # for how long each collector has held the oldest of it
    debts: Debts
    differs: tuple[int, int]  # how many things of statements differ, and how many days ago the oldest was
    today: date


async def detail_of(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> Detail:
    """The digest's second form, as of now."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    today = mutuelle.today(caller.at)
    insured = list((await portfolio(db, mutuelle, today)).values())
    states = [one.cover.state for one in insured]
    collectors = sorted(
        await collectors_cash_in_hand(db, mutuelle_id), key=lambda one: -one.held.amount_minor
    )
    late = [one for one in insured if one.is_late(today)]
    return Detail(
        mutuelle,
        sum(state in COVERED_STATES for state in states),
        states.count(CoverState.WAITING),
        sum(state not in (*COVERED_STATES, CoverState.WAITING) for state in states),
        sum(one.due.amount_minor > 0 for one in insured),
        _due_in_all(insured, mutuelle),
        len(late),
        _due_in_all(late, mutuelle),
        len(await acts_to_sign(db, caller, mutuelle_id)),
        await last_count(db, mutuelle),
        tuple(collectors),
        tuple(one.days(today) for one in collectors),
        await debts_on(db, mutuelle.id, mutuelle.currency, today),
        await differing(db, mutuelle, today),
        today,
    )


def _due_in_all(insured: Sequence[Insured], mutuelle: Mutuelle) -> Money:
    return Money(sum(one.due.amount_minor for one in insured), mutuelle.currency)


def detail_in_parts(found: Detail, language: str, more: Sentence | None = None) -> Sentence:
    """All of it, and `more` where there is room, in at most three segments."""
    households = longest(detail_words(found), language, ROOM)
    whole = [_("{one} {other}", one=households, other=money) for money in money_words(found)]
    if more:
        whole = [*(_("{one} {other}", one=one, other=more) for one in whole), *whole]
    return longest(whole, language, ROOM_IN_PARTS[MAX_SEGMENTS])


def detail_pages(found: Detail, language: str, room: int) -> list[Sentence]:
    """The same for a call, in pages of so many septets: who owes, households, money, collectors."""
    signed = _("To sign: {n}.", n=found.to_sign)
    if found.counted_on:
        day = f"{found.counted_on:%d/%m}"
        signed = _("To sign: {n}. Box counted {day}.", n=found.to_sign, day=day)
    owed = _("{due}. {signed}", due=_owed(found), signed=signed)
    money = [longest(form, language, room) for form in (_debts(found), _waiting(found))]
    lines = _collectors(found)
    if (stated := statement_words(found)) is not None:
        money.append(stated)
    held = [*listed(_("Collectors (days)"), lines)] if lines else [_("No collector holds cash.")]
    head = _("{head}.", head=_households(found, found.mutuelle.id))
    return [owed, *_packed([head, *money, longest(held, language, room)], language, room)]


def _packed(said: Sequence[Sentence], language: str, room: int) -> list[Sentence]:
    """The same on as few pages as hold it."""
    pages = [said[0]]
    for one in said[1:]:
        both = _("{one} {other}", one=pages[-1], other=one)
        if septets(fold(render(both, language))) <= room:
            pages[-1] = both
        else:
            pages.append(one)
    return pages


def money_words(found: Detail) -> list[Sentence]:
    """The money in one sentence, with and without its currency."""
    pairs = [
        _("{one} {other}", one=debts, other=waiting)
        for debts, waiting in zip(_debts(found), _waiting(found), strict=True)
    ]
    if (stated := statement_words(found)) is None:
        return pairs
    return [_("{one} {other}", one=pairs[0], other=stated), *pairs]


def statement_words(found: Detail) -> Sentence | None:
    """What statements do not agree with; nothing where they agree, or never came."""
    n, days = found.differs
    if not n:
        return None
    return _n(
        "Statements: {n} difference, of {age} ago.",
        "Statements: {n} differences, the oldest of {age} ago.",
        n,
        age=counts.age(days),
    )


def _debts(found: Detail) -> list[Sentence]:
    """What is owed to facilities, what the State and others owe, and what was spent this year."""
    debts, forms = found.debts, []
    if not any((debts.payable_minor, debts.state_minor, debts.others_minor, debts.spent_minor)):
        return [_("Nothing to pay to facilities, nothing spent.")] * 2
    for bare in (False, True):
        facts: dict[str, Fact] = {
            "amount": _sum(found, debts.payable_minor, bare),
            "state": _sum(found, debts.state_minor, bare),
            "year": str(found.today.year),
            "spent": _sum(found, debts.spent_minor, bare),
        }
        if debts.others_minor:
            others = _sum(found, debts.others_minor, bare)
            said = _(
                "To pay to facilities {amount}; the State owes {state}, others {others}. Spent in {year}: {spent}.",
                others=others,
                **facts,
            )
        else:
            said = _(
                "To pay to facilities {amount}; the State owes {state}. Spent in {year}: {spent}.", **facts
            )
        forms.append(said)
    return forms


def _waiting(found: Detail) -> list[Sentence]:
    """The money whose owner is not known, by age."""
    waits = found.debts.waits
    if not waits:
        return [_("All money has its owner.")] * 2
    minor = sum(minor for _day, minor in waits)
    old_minor = sum(minor for day, minor in waits if (found.today - day).days > OLD_DAYS)
    forms = []
    for bare in (False, True):
        facts: dict[str, Fact] = {
            "amount": _sum(found, minor, bare),
            "age": counts.age((found.today - waits[0][0]).days),
        }
        if old_minor:
            said = _(
                "Owner not known: {amount}, the oldest for {age}, {old} for over {days}.",
                **facts,
                old=_sum(found, old_minor, bare),
                days=counts.days(OLD_DAYS),
            )
        else:
            said = _("Owner not known: {amount}, the oldest for {age}.", **facts)
        forms.append(said)
    return forms


def _sum(found: Detail, minor: int, bare: bool) -> Money | str:
    money = Money(minor, found.mutuelle.currency)
    return money.bare if bare else money


def _collectors(found: Detail) -> list[str]:
    """Each collector with what he holds, and for how many days."""
    held = zip(found.collectors, found.days, strict=True)
    return [f"{one.name} {one.held.bare} ({days})" for one, days in held]


def detail_words(found: Detail) -> list[Sentence]:
    """The part of one segment: from the mutuelle's name and all collectors to its code and none of them by name."""
    lines = _collectors(found)
    named, coded = (_detail_head(found, name) for name in (found.mutuelle.name, found.mutuelle.id))
    heads, alone = [named, coded], [_("{head}.", head=coded)]
    if found.counted_on:
        heads = [_("{head}. Box counted {day}", head=head, day=f"{found.counted_on:%d/%m}") for head in heads]
        alone = [_("{head}.", head=heads[1]), *alone]
    if not lines:
        return [*(_("{head}. No collector holds cash.", head=head) for head in heads), *alone]
    long, short = ([*listed(_("{head}. Collectors (days)", head=head), lines)][:-1] for head in heads)
    return [long[0], *short, *alone]


def _households(found: Detail, name: str) -> Sentence:
    return _(
        "{mutuelle}, households: {covered} covered, {waiting} waiting, {others} not covered",
        mutuelle=name,
        covered=found.covered,
        waiting=found.waiting,
        others=found.others,
    )


def _detail_head(found: Detail, name: str) -> Sentence:
    head = _("{households}. {due}", households=_households(found, name), due=_owed(found))
    if found.to_sign:
        head = _("{head}. To sign: {n}", head=head, n=found.to_sign)
    return head


def _owed(found: Detail) -> Sentence | str:
    """Who owes, and who of them is late: the figures of the arrears by place."""
    if not found.owing:
        return _("Nobody owes")
    if not found.late:
        return _n("{n} owes {total}, not late", "{n} owe {total}, none late", found.owing, total=found.total)
    facts: dict[str, Fact] = {"total": found.total, "late": found.late, "late_total": found.late_total}
    return _n(
        "{n} owes {total}, of them {late} late ({late_total})",
        "{n} owe {total}, of them {late} late ({late_total})",
        found.owing,
        **facts,
    )
