"""`keneya report payers`: for each payer the households that it pays for, what it owes of each, and since when."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from commands.command import database, login
from commands.report.lists import ListWanted, write_pages
from commands.report.paper import Cell, ListPage
from locales import Money, Sentence, _, _n, render
from locales.formats import written_day
from mutuelle.acts import By
from mutuelle.households.member_numbers import shown_number
from mutuelle.households.support_acts import PAYER_LIST, NewSupportAct, write_act
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.payer_lists import PayerDue, PayerDues, payer_dues


async def write_payers(mutuelle_id: str, first: date, last: date, wanted: ListWanted) -> int:
    """A page for each payer: what was called from `first` to `last`, and what was older and is not paid.

    That the lists were made is written down.
    """
    now = datetime.now(UTC)
    async with database() as db:
        mutuelle = await get_mutuelle(db, mutuelle_id)
        found = await payer_dues(db, mutuelle, last)
        by = By(login(), "a list for a payer", now)
        await write_act(db, NewSupportAct(PAYER_LIST, mutuelle.id), by)
    pages = [_page(mutuelle, one, first, wanted.language) for one in found]
    return write_pages(pages, _("No payer owes or has paid anything."), wanted)


def _page(mutuelle: Mutuelle, found: PayerDues, first: date, language: str) -> ListPage:
    say = partial(render, language=language)
    heads = (
        *(
            _("Number"),
            _("Head of the household"),
            _("People"),
            _("Regime"),
            _("Share"),
            _("From"),
            _("Until"),
        ),
        *(_("Called"), _("Sum due"), _("Sum received"), _("Still to pay"), _("For days")),
    )
    listed = [one for one in found.dues if one.called_on >= first or one.left.amount_minor]
    title = _(
        "{mutuelle}: what {payer} pays for, on {day}",
        mutuelle=mutuelle.name,
        payer=found.payer.name,
        day=written_day(found.today, language),
    )
    return ListPage(
        title=say(title),
        heads=tuple(map(say, heads)),
        rows=tuple(_row(one, found.today, language) for one in listed),
        money=frozenset({8, 9, 10}),
        total=say(_total(listed, mutuelle.currency)),
        note=say(_("For the payer alone: it has names. What came settles the oldest first.")),
        language=language,
    )


def _row(one: PayerDue, today: date, language: str) -> tuple[Cell, ...]:
    age = one.age_days(today)
    period = one.period
    return (
        shown_number(one.number) if one.number else "",
        one.head_name or render(_("From before"), language),
        str(one.members or ""),
        one.regime,
        f"{one.percent} %" if one.percent else "",
        period.opened_on if period else None,
        period.expires_on if period else None,
        one.called_on,
        one.due,
        one.received,
        one.left,
        "" if age is None else str(age),
    )


def _total(listed: Sequence[PayerDue], currency: str) -> Sentence:
    due, received, left = (
        Money(sum(getattr(one, name).amount_minor for one in listed), currency)
        for name in ("due", "received", "left")
    )
    return _n(
        "{n} line: due {due}, received {received}, left {left}",
        "{n} lines: due {due}, received {received}, left {left}",
        len(listed),
        due=due,
        received=received,
        left=left,
    )
