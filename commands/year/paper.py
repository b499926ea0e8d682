"""The report to the assembly as a PDF of two A4 pages, whose text can be read out of it."""

from typing import TYPE_CHECKING, Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Table, TableStyle
from reportlab.platypus.flowables import Flowable, PageBreak, Spacer

from commands.guide.pdf import Edges, pdf, printed

if TYPE_CHECKING:
    from commands.year.assembly import WrittenReport, WrittenSection

MARGIN = 15 * mm
WIDTH = A4[0] - 2 * MARGIN
EDGES = Edges(A4, MARGIN, 12 * mm, 12 * mm)
FIGURE = 32 * mm
FOOT, FOOT_SIZE = 9 * mm, 8
INDIGO, LINE, INK = (HexColor(colour) for colour in ("#27406b", "#d8cdbb", "#1d1a16"))
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=11.5, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=8)
RIGHT = ParagraphStyle("right", BODY, alignment=2)
BOLD = ParagraphStyle("bold", BODY, fontName="Helvetica-Bold")
BOLD_RIGHT = ParagraphStyle("bold right", BOLD, alignment=2)
TITLE = ParagraphStyle("title", BOLD, fontSize=15, leading=19, textColor=INDIGO)
HEAD = ParagraphStyle("head", BOLD, textColor=INDIGO)
HEAD_RIGHT = ParagraphStyle("head right", HEAD, alignment=2)


def paper(said: "WrittenReport") -> bytes:
    """The PDF of the report."""
    return pdf(_story(said), EDGES, said.title, said.language, foot=page_number)


def page_number(canvas: Any, document: Any) -> None:
    """At the foot of each page: sheets are not lost unseen."""
    canvas.setFont("Helvetica", FOOT_SIZE)
    canvas.drawRightString(A4[0] - MARGIN, FOOT, str(document.page))


def _story(said: "WrittenReport") -> list[Flowable]:
    story: list[Flowable] = []
    for nth, page in enumerate(said.pages):
        if nth:
            story.append(PageBreak())
        story += [printed(said.title, TITLE), printed(said.days, BODY), Spacer(0, 2 * mm)]
        for section in page:
            story += [_table(section, said.heads), Spacer(0, 2.2 * mm)]
    return [*story, printed(said.note, SMALL)]


def _table(section: "WrittenSection", heads: tuple[str, str]) -> Table:
    rows = [[printed(section.title, HEAD), *(printed(head, HEAD_RIGHT) for head in heads)]]
    for nth, (label, *figures) in enumerate(section.rows):
        left, right = (BOLD, BOLD_RIGHT) if nth in section.sums else (BODY, RIGHT)
        rows.append([printed(label, left), *(printed(figure, right) for figure in figures)])
    table = Table(rows, colWidths=[WIDTH - 2 * FIGURE, FIGURE, FIGURE])
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INDIGO),
                ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
                ("TOPPADDING", (0, 0), (-1, -1), 0.4 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0.7 * mm),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return table
