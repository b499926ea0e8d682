"""`keneya report vouchers` and `grants`: the numbered papers of a time, and what became of each restricted grant."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial

from commands.command import database
from commands.report.lists import ListWanted, write_pages
from commands.report.paper import Cell, ListPage
from ledger.accounts import parse
from locales import Money, Sentence, _, _n, render
from locales.formats import written_day
from mutuelle.scheme.mutuelles import Mutuelle, Officer, get_mutuelle
from mutuelle.treasury.cash_in_hand import holders_of_cash
from mutuelle.treasury.own_money import OWN, Grant, account_name, grants_of
from mutuelle.treasury.tables import voucher
from mutuelle.treasury.voucher_kinds import PAYS, NumberedVoucher, VoucherKind
from mutuelle.treasury.voucher_reads import vouchers_where
from mutuelle.treasury.voucher_rules import COMES_IN, EXPENSES, SPOKEN_KINDS, other_side


async def write_vouchers(mutuelle_id: str, first: date, last: date, wanted: ListWanted) -> int:
    """The vouchers of the days from `first` to `last`, by fund and number."""
    async with database() as db:
        mutuelle = await get_mutuelle(db, mutuelle_id)
        found = await vouchers_where(db, mutuelle_id, voucher.c.dated.between(first, last))
        boxes = await holders_of_cash(db, mutuelle_id)
    in_order = sorted(found, key=lambda one: (one.fund, one.year, one.number))
    pages = [_vouchers(mutuelle, in_order, boxes, (first, last), wanted.language)] if found else []
    return write_pages(pages, _("No voucher was written in this time."), wanted)


def _vouchers(
    mutuelle: Mutuelle,
    found: Sequence[NumberedVoucher],
    boxes: Mapping[str, Officer],
    days: tuple[date, date],
    language: str,
) -> ListPage:
    say = partial(render, language=language)
    first, last = (written_day(day, language) for day in days)
    of_paper = (_("Number"), _("Code"), _("Day"), _("What for"), _("Amount"))
    heads = (*of_paper, _("Account"), _("To or from"), _("Signed by"), _("Reason"))
    title = _("{mutuelle}: vouchers from {first} to {last}", mutuelle=mutuelle.name, first=first, last=last)
    return ListPage(
        title=say(title),
        heads=tuple(map(say, heads)),
        rows=tuple(_row(one, boxes, language) for one in found),
        money=frozenset({4}),
        total=say(
            _n(
                "{n} voucher; without what was taken back: came {came}, paid {paid}",
                "{n} vouchers; without what was taken back: came {came}, paid {paid}",
                len(found),
                came=Money(_sum(found, COMES_IN), mutuelle.currency),
                paid=Money(_sum(found, PAYS), mutuelle.currency),
            )
        ),
        note=say(_("Every number is there: compare with the papers.")),
        language=language,
    )


def _row(one: NumberedVoucher, boxes: Mapping[str, Officer], language: str) -> tuple[Cell, ...]:
    """With our own account, from which the money went or into which it came; a bank's paper is no reason."""
    own = next((code for code in (one.credit, one.debit) if parse(code).kind.name in OWN), "")
    account = _("box of {name}", name=boxes[own].name) if own in boxes else own and account_name(own)
    reason = _("paper {slip}", slip=one.slip) if one.slip and one.reason == one.slip else one.reason
    return (
        one.shown_number,
        one.code,
        one.dated,
        _said(_what_for(one), language),
        one.amount,
        _said(account, language),
        _said(other_side(one), language),
        ", ".join(name for name in (one.proposer_name, one.signed_by) if name),
        _said(reason, language),
    )


def _sum(found: Sequence[NumberedVoucher], kinds: Collection[VoucherKind]) -> int:
    return sum(one.amount.amount_minor for one in found if one.kind in kinds and not one.is_reversed)


def _what_for(one: NumberedVoucher) -> Sentence:
    """The kind; of an expense, which."""
    if one.kind is VoucherKind.EXPENSE:
        return EXPENSES[parse(one.debit).kind.name]
    return SPOKEN_KINDS[one.kind]


def _said(words: Sentence | str, language: str) -> str:
    return words if isinstance(words, str) else render(words, language)


async def write_grants(mutuelle_id: str, wanted: ListWanted) -> int:
    """A page for each restricted grant, for its donor: what came, what it was spent for, what is left."""
    async with database() as db:
        mutuelle = await get_mutuelle(db, mutuelle_id)
        grants = await grants_of(db, mutuelle_id)
        every = await vouchers_where(db, mutuelle_id, voucher.c.of_grant.is_not(None))
    pages = [
        _grant(mutuelle, one, [part for part in every if str(part.of_grant) == one.key], wanted.language)
        for one in grants
    ]
    return write_pages(pages, _("There is no restricted grant."), wanted)


def _grant(mutuelle: Mutuelle, grant: Grant, parts: Sequence[NumberedVoucher], language: str) -> ListPage:
    say = partial(render, language=language)
    heads = (_("Day"), _("Voucher"), _("To or from"), _("Reason"), _("Came"), _("Spent"))
    facts = {"mutuelle": mutuelle.name, "donor": grant.donor, "purpose": grant.purpose}
    return ListPage(
        title=say(_("{mutuelle}: {purpose}, a grant of {donor}", **facts)),
        heads=tuple(map(say, heads)),
        rows=tuple(
            (one.dated, one.shown_number, one.party, one.reason, *_sides(one))
            for one in parts
            if one.kind in (VoucherKind.GRANT, VoucherKind.EXPENSE, VoucherKind.REVERSAL)
        ),
        money=frozenset({4, 5}),
        total=say(
            _(
                "Received {received}, spent {spent}, left {left}",
                received=grant.received,
                spent=grant.spent,
                left=grant.left,
            )
        ),
        note="",
        language=language,
    )


def _sides(one: NumberedVoucher) -> tuple[Money | None, Money | None]:
    """What came and what was spent; taken back, it stands below zero on the side where it stood."""
    came = one.kind in COMES_IN or (one.reverses is not None and one.debit.endswith(":subsidies"))
    amount = Money(-one.amount.amount_minor, one.amount.currency) if one.reverses else one.amount
    return (amount, None) if came else (None, amount)
