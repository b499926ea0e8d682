"""`keneya report vouchers` and `grants`: the numbered papers of a time, and what became of each restricted grant."""

from collections.abc import Sequence
from datetime import date
from functools import partial

from commands.command import database
from commands.report.lists import ListWanted, write_pages
from commands.report.paper import Cell, ListPage
from locales import Money, _, _n, render
from locales.formats import written_day
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.own_money import Grant, grants_of
from mutuelle.treasury.tables import voucher
from mutuelle.treasury.voucher_rules import COMES_IN, SPOKEN_KINDS, other_side
from mutuelle.treasury.vouchers import NumberedVoucher, VoucherKind, vouchers_where


async def write_vouchers(mutuelle_id: str, first: date, last: date, wanted: ListWanted) -> int:
    """The vouchers of the days from `first` to `last`, by fund and number."""
    async with database() as db:
        mutuelle = await get_mutuelle(db, mutuelle_id)
        found = await vouchers_where(db, mutuelle_id, voucher.c.dated.between(first, last))
    in_order = sorted(found, key=lambda one: (one.fund, one.year, one.number))
    pages = [_vouchers(mutuelle, in_order, (first, last), wanted.language)] if found else []
    return write_pages(pages, _("No voucher was written in this time."), wanted)


def _vouchers(
    mutuelle: Mutuelle, found: Sequence[NumberedVoucher], days: tuple[date, date], language: str
) -> ListPage:
    say = partial(render, language=language)
    first, last = (written_day(day, language) for day in days)
    heads = (_("Number"), _("Day"), _("What for"), _("Amount"), _("To or from"), _("Signed by, reason"))
    title = _("{mutuelle}: vouchers from {first} to {last}", mutuelle=mutuelle.name, first=first, last=last)
    return ListPage(
        title=say(title),
        heads=tuple(map(say, heads)),
        rows=tuple(_row(one, language) for one in found),
        money=frozenset({3}),
        total=say(_n("{n} voucher", "{n} vouchers", len(found))),
        note=say(_("Every number is there: compare with the papers.")),
        language=language,
    )


def _row(one: NumberedVoucher, language: str) -> tuple[Cell, ...]:
    other = other_side(one)
    signed = ", ".join(name for name in (one.proposer_name, one.signed_by) if name)
    return (
        f"{one.shown_number} {one.code}",
        one.dated,
        render(SPOKEN_KINDS[one.kind], language),
        one.amount,
        other if isinstance(other, str) else render(other, language),
        f"{signed}: {one.reason}",
    )


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
