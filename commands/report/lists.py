"""`keneya report who-owes` and `cash-count`: lists for a meeting, as text, CSV or a PDF to print.

Who owes is read out in the village: it has names and sums, and nothing else that the service knows of a household.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import CommandError, database, login
from commands.report.paper import Cell, ListPage, paper, shown
from currencies import MINOR_DIGITS
from ledger.formats import Sheet, csv_line
from locales import Money, Sentence, _, _n, render
from locales.formats import written_day
from mutuelle.acts import By
from mutuelle.households.support_acts import WHO_OWES, NewSupportAct, write_act
from mutuelle.scheme.mutuelles import Mutuelle, PlaceNear, get_mutuelle, places_named, places_of
from mutuelle.treasury.arrears import Arrears, Owing, late_in
from mutuelle.treasury.cash_counts import CountDone, counts_between


@dataclass(frozen=True)
class ListWanted:
    """How a list is asked for: in which language, as CSV for whom, or into which PDF."""

    language: str
    sheet: Sheet | None = None
    pdf: Path | None = None


async def write_who_owes(mutuelle_id: str, place: str | None, wanted: ListWanted) -> int:
    """The households of a place, or of every place, that are late; that the list was made is written down."""
    now = datetime.now(UTC)
    async with database() as db:
        mutuelle = await get_mutuelle(db, mutuelle_id)
        asked = await _places(db, mutuelle, place)
        today = mutuelle.today(now)
        owed = await late_in(db, mutuelle, asked, today) if asked else []
        by = By(login(), "a list of who owes, to print", now)
        await write_act(db, NewSupportAct(WHO_OWES, f"{mutuelle.id} {place or ''}".strip()), by)
    pages = [_who_owes(mutuelle, one, today, wanted.language) for one in owed]
    nobody = _("{where}: nobody is late.", where=place or mutuelle.name)
    return write_pages(pages, nobody, wanted)


async def _places(db: AsyncConnection, mutuelle: Mutuelle, typed: str | None) -> list[PlaceNear]:
    """CommandError where no place, or more than one, is called so."""
    places = await places_of(db, [mutuelle.id])
    found = places_named(places, typed) if typed else places
    if typed and len(found) != 1:
        known = ", ".join(one.name for one in found or places)
        raise CommandError(f"{typed!r} is no one place of {mutuelle.id}: {known}", 2)
    return list(found)


def _who_owes(mutuelle: Mutuelle, found: Arrears, today: date, language: str) -> ListPage:
    alike = Counter(one.head_name for one in found.owing)
    facts = {"mutuelle": mutuelle.name, "place": found.place.name, "day": written_day(today, language)}
    return ListPage(
        title=render(_("{mutuelle}, {place}: who is late on {day}", **facts), language),
        heads=(render(_("Head of the household"), language), render(_("Still to pay"), language)),
        rows=tuple((_called(one, alike), one.due) for one in found.owing),
        money=frozenset({1}),
        total=render(
            _n("{n} household, {total}", "{n} households, {total}", len(found.owing), total=found.total),
            language,
        ),
        note=render(_("To be read at the meeting, not to be put up. Destroy it afterwards."), language),
        language=language,
        tick=render(_("Paid"), language),
    )


def _called(one: Owing, alike: Counter[str]) -> str:
    """The name; of two that are called alike the end of the number too."""
    return one.head_name if alike[one.head_name] == 1 else f"{one.head_name} ({one.number[-3:]})"


async def write_cash_counts(mutuelle_id: str, first: date, last: date, wanted: ListWanted) -> int:
    """The counts of the treasurers' boxes from `first` to `last`."""
    async with database() as db:
        mutuelle = await get_mutuelle(db, mutuelle_id)
        found = await counts_between(db, mutuelle, first, last)
    pages = [_cash_counts(mutuelle, found, (first, last), wanted.language)] if found else []
    return write_pages(pages, _("No box was counted in this time."), wanted)


def _cash_counts(
    mutuelle: Mutuelle, found: Sequence[CountDone], days: tuple[date, date], language: str
) -> ListPage:
    first, last = (written_day(day, language) for day in days)
    heads = (_("Day"), _("Treasurer"), _("Counted"), _("Book"), _("Difference"), _("Signed by, reason"))
    lost = -sum(min(one.difference_minor, 0) for one in found)
    gained = sum(max(one.difference_minor, 0) for one in found)
    return ListPage(
        title=render(
            _(
                "{mutuelle}: counts of the boxes from {first} to {last}",
                mutuelle=mutuelle.name,
                first=first,
                last=last,
            ),
            language,
        ),
        heads=tuple(render(head, language) for head in heads),
        rows=tuple(
            (
                mutuelle.today(one.at),
                one.name,
                one.counted,
                one.held,
                Money(one.difference_minor, mutuelle.currency) if one.difference_minor else None,
                ", ".join(said for said in (one.signed_by, one.reason) if said),
            )
            for one in found
        ),
        money=frozenset({2, 3, 4}),
        total=render(
            _n(
                "{n} count; missing {lost}, found {gained}",
                "{n} counts; missing {lost}, found {gained}",
                len(found),
                lost=Money(lost, mutuelle.currency),
                gained=Money(gained, mutuelle.currency),
            ),
            language,
        ),
        note="",
        language=language,
    )


def write_pages(pages: Sequence[ListPage], nothing: Sentence, wanted: ListWanted) -> int:
    """Print the pages, or write them into the PDF; `nothing` is said where there is none."""
    if wanted.pdf and pages:
        try:
            wanted.pdf.write_bytes(paper(pages))
        except OSError as fault:
            raise CommandError(f"{wanted.pdf}: {fault.strerror}") from fault
        print(wanted.pdf)
        return 0
    if wanted.sheet and pages:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # independent of the terminal
        print("".join(as_csv(pages, wanted.sheet)), end="")
        return 0
    print("\n\n".join(as_text(page) for page in pages) if pages else render(nothing, wanted.language))
    return 0


def as_csv(pages: Sequence[ListPage], sheet: Sheet) -> Iterator[str]:
    """The rows of all pages below one line of heads; amounts without a sign, the title in the first column."""
    yield sheet.head + csv_line([render(_("List"), pages[0].language), *pages[0].heads], sheet)
    for page in pages:
        for row in page.rows:
            yield csv_line([page.title, *(_plain(cell) for cell in row)], sheet)


def _plain(cell: Cell) -> object:
    if isinstance(cell, Money):
        return Decimal(cell.amount_minor).scaleb(-MINOR_DIGITS[cell.currency])
    return "" if cell is None else cell


def as_text(page: ListPage) -> str:
    """The page in columns; amounts on the right."""
    lines = [page.heads, *([shown(cell, page.language) for cell in row] for row in page.rows)]
    widths = [max(len(line[nth]) for line in lines) for nth in range(len(page.heads))]
    said = [
        "  ".join(
            cell.rjust(width) if nth in page.money else cell.ljust(width)
            for nth, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    below = [page.total, page.note] if page.note else [page.total]
    return "\n".join([page.title, "", said[0], rule, *said[1:], rule, *below])
