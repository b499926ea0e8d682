"""A card as a PDF of one A5 page, whose text can be read out of it."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from xml.sax.saxutils import escape

from anyascii import anyascii
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle
from reportlab.platypus.flowables import Flowable, ListFlowable, Spacer

from commands.guide.cards import Card, Row

MARGIN = 10 * mm
FRAME = 6  # points that reportlab leaves free inside its margins
WIDTH = A5[0] - 2 * MARGIN
INDIGO, CLAY, LINE, INK = (HexColor(colour) for colour in ("#27406b", "#8a3518", "#d8cdbb", "#1d1a16"))
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=11.5, leading=14, textColor=INK)
BOLD = ParagraphStyle("bold", BODY, fontName="Helvetica-Bold")
DIGIT = ParagraphStyle("digit", BOLD, fontSize=13.5)
TITLE = ParagraphStyle("title", BOLD, fontSize=17, leading=21, textColor=white)
HEAD = ParagraphStyle("head", BOLD, fontSize=12.5, leading=16, textColor=CLAY, spaceAfter=1.5 * mm)
FOOT = ParagraphStyle("foot", BODY, fontSize=10.5)


def paper(card: Card) -> bytes:
    """The PDF of a card."""
    edges = Edges(A5, MARGIN, MARGIN - FRAME, MARGIN - FRAME)
    return pdf(_story(card), edges, card.title, card.language)


@dataclass(frozen=True)
class Edges:
    """A size of paper, and what is left free of it: at both sides, above and below."""

    size: tuple[float, float]
    side: float
    top: float
    bottom: float


def pdf(
    story: list[Flowable], edges: Edges, title: str, language: str, *, foot: Callable[..., None] | None = None
) -> bytes:
    """The story as a PDF, `foot` drawn on each page; equal stories are equal byte for byte."""
    file = BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=edges.size,
        leftMargin=edges.side - FRAME,
        rightMargin=edges.side - FRAME,
        topMargin=edges.top,
        bottomMargin=edges.bottom,
        title=title,
        author="Keneya",
        lang=language,
        invariant=1,
    )
    on_page = foot or _no_foot
    document.build(story, onFirstPage=on_page, onLaterPages=on_page)
    return file.getvalue()


def _no_foot(*_page: object) -> None:
    return None


def _story(card: Card) -> list[Flowable]:
    title = Table([[printed(card.title, TITLE)]], colWidths=[WIDTH])
    title.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), INDIGO),
                ("ROUNDEDCORNERS", [2 * mm] * 4),
                ("TOPPADDING", (0, 0), (-1, -1), 2 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3 * mm),
                ("LEFTPADDING", (0, 0), (-1, -1), 4 * mm),
            ]
        )
    )
    foot = Table([[printed(card.foot, FOOT)]], colWidths=[WIDTH])
    foot.setStyle(
        TableStyle([("LINEABOVE", (0, 0), (-1, -1), 1, INDIGO), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
    )
    advice = ListFlowable(
        [printed(sentence, BODY) for sentence in card.advice],
        bulletType="bullet",
        start="•",
        leftIndent=5 * mm,
        bulletFontSize=9,
        bulletColor=CLAY,
    )
    return [
        title,
        Spacer(0, 3.5 * mm),
        printed(card.call, HEAD),
        _table(card.calls, 9 * mm, DIGIT),
        printed(card.message, HEAD),
        _table(card.messages, 64 * mm, BOLD),
        advice,
        Spacer(0, 3 * mm),
        foot,
    ]


def _table(rows: tuple[Row, ...], first_width: float, style: ParagraphStyle) -> Table:
    cells = [[printed(typed, style), printed(does, BODY)] for typed, does in rows]
    table = Table(cells, colWidths=[first_width, WIDTH - first_width], spaceAfter=3.5 * mm)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 0.6 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.1 * mm),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return table


def printed(text: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph in letters that the PDF's fonts have."""
    return Paragraph(escape(_printable(text)), style)


def _printable(text: str) -> str:
    """`text` in the letters of the PDF's own fonts (Windows-1252); others are written as near as ASCII comes."""
    return "".join(letter if _has(letter) else anyascii(letter) for letter in text)


def _has(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
