"""Lists on paper: each begins a page of A4 and goes on with its heads; the text can be read out of the PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Table, TableStyle
from reportlab.platypus.flowables import Flowable, PageBreak, Spacer

from commands.guide.pdf import Edges, pdf, printed
from commands.year.paper import (
    BODY,
    HEAD,
    HEAD_RIGHT,
    INDIGO,
    LINE,
    MARGIN,
    RIGHT,
    SMALL,
    TITLE,
    WIDTH,
    page_number,
)
from locales import Money
from locales.formats import written_day

AMOUNT, DAY, TICK = 26 * mm, 22 * mm, 30 * mm  # widths of columns; the others share what is left
FEWEST_LETTERS, MOST_LETTERS = 8, 24  # for which a column of words is made wide
BOX = ParagraphStyle("box", BODY, fontName="Helvetica-Bold", spaceBefore=2 * mm)
EDGES = Edges(A4, MARGIN, 12 * mm, 16 * mm)

Cell = str | date | Money | None


@dataclass(frozen=True)
class ListPage:
    """One list: `heads` above the columns, of which `money` are amounts; `total` below them, `note` at the end.

    `tick`: on paper a last column is left empty, to be marked by hand.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    money: frozenset[int]
    total: str
    note: str
    language: str
    tick: str = ""


def shown(cell: Cell, language: str) -> str:
    """A cell as people read it."""
    if isinstance(cell, Money):
        return str(cell)
    return written_day(cell, language) if isinstance(cell, date) else cell or ""


def paper(pages: Sequence[ListPage]) -> bytes:
    """The PDF of the lists."""
    story: list[Flowable] = []
    for nth, page in enumerate(pages):
        story += [PageBreak()] if nth else []
        story += [printed(page.title, TITLE), Spacer(0, 3 * mm), _table(page), printed(page.total, BOX)]
        story += [Spacer(0, 2 * mm), printed(page.note, SMALL)] if page.note else []
    return pdf(story, EDGES, pages[0].title, pages[0].language, foot=page_number)


def _table(page: ListPage) -> Table:
    right = [nth in page.money for nth in range(len(page.heads))]
    heads = [
        printed(head, HEAD_RIGHT if is_right else HEAD)
        for head, is_right in zip(page.heads, right, strict=True)
    ]
    rows: list[list[Flowable | str]] = [
        [
            printed(shown(cell, page.language), RIGHT if is_right else BODY)
            for cell, is_right in zip(row, right, strict=True)
        ]
        for row in page.rows
    ]
    if page.tick:
        heads.append(printed(page.tick, HEAD))
        rows = [[*row, ""] for row in rows]
    table = Table([heads, *rows], colWidths=_widths(page, right), repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INDIGO),
                ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
                *([("BOX", (-1, 1), (-1, -1), 0.3, LINE)] if page.tick else []),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 1.2 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6 * mm),
                ("LEFTPADDING", (0, 0), (-1, -1), 1 * mm),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3 * mm),
            ]
        )
    )
    return table


def _widths(page: ListPage, right: Sequence[bool]) -> list[float]:
    """Amounts and days as wide as they are, the rest of the page shared by the words: more where there are more."""
    is_day = [not isinstance(cell, str) and not right[nth] for nth, cell in enumerate(page.rows[0])]
    known = [AMOUNT if money else DAY if day else 0.0 for money, day in zip(right, is_day, strict=True)]
    tick = [TICK] if page.tick else []
    letters = [
        0 if known[nth] else min(max(len(shown(row[nth], page.language)) for row in page.rows), MOST_LETTERS)
        for nth in range(len(known))
    ]
    letters = [0 if width else max(one, FEWEST_LETTERS) for width, one in zip(known, letters, strict=True)]
    share = (WIDTH - sum(known) - sum(tick)) / max(sum(letters), 1)
    return [*(width or share * one for width, one in zip(known, letters, strict=True)), *tick]
