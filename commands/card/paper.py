"""Cards for care as A4 sheets of eight, to cut along the lines; their text can be read out of the PDF."""

from collections.abc import Sequence

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Table, TableStyle
from reportlab.platypus.flowables import Flowable, PageBreak

from commands.guide.pdf import FRAME, Edges, pdf, printed
from locales import Sentence, _, render
from mutuelle.care.cards import PrintedCard
from mutuelle.scheme.mutuelles import Mutuelle

ACROSS, DOWN = 2, 4
SIDE, TOP = 10 * mm, 10 * mm
WIDTH, HEIGHT = (A4[0] - 2 * SIDE) / ACROSS, (A4[1] - 2 * TOP - 2 * mm) / DOWN
INNER = WIDTH - 8 * mm
QR = 25 * mm
CODE_WIDTH = (INNER - QR) / 2
EDGES = Edges(A4, SIDE, TOP - FRAME, TOP - FRAME)
INDIGO, LINE, INK = (HexColor(colour) for colour in ("#27406b", "#8c8577", "#1d1a16"))
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=8, leading=9.6, textColor=INK)
SMALL = ParagraphStyle("small", BODY, fontSize=8, leading=9.4)
HEAD = ParagraphStyle("head", BODY, fontName="Helvetica-Bold", textColor=INDIGO)
HEAD_RIGHT = ParagraphStyle("head right", HEAD, alignment=2)
NAME = ParagraphStyle("name", BODY, fontName="Helvetica-Bold", fontSize=11, leading=13)
NAME_RIGHT = ParagraphStyle("name right", NAME, alignment=2)
CODE = ParagraphStyle("code", BODY, fontName="Courier-Bold", fontSize=11.5, leading=14)
UNDER_QR = ParagraphStyle("under qr", SMALL, alignment=1)


def sheets(cards: Sequence[PrintedCard], mutuelle: Mutuelle, language: str) -> bytes:
    """The PDF of the cards."""
    story: list[Flowable] = []
    faces = [_face(card, mutuelle, language) for card in cards]
    for start in range(0, len(faces), ACROSS * DOWN):
        story += [PageBreak()] if start else []
        story.append(_page(faces[start : start + ACROSS * DOWN]))
    return pdf(story, EDGES, render(TITLE, language), language)


TITLE = _("Cards for care")


def rules(phone: str) -> tuple[Sentence, ...]:
    """What stands on each card."""
    return (
        _("At the doctor's: say the member number, then one code. Strike it through: each serves once."),
        _("The codes are for every person of the household. Show them to nobody but the doctor."),
        _("Lost, or all used? Call {phone}: this card is ended, and you get another one.", phone=phone),
    )


def _page(faces: list[list[Flowable]]) -> Table:
    rows: list[list[list[Flowable] | str]] = [
        [*faces[start : start + ACROSS]] for start in range(0, len(faces), ACROSS)
    ]
    rows[-1] += [""] * (ACROSS - len(rows[-1]))
    page = Table(rows, colWidths=[WIDTH] * ACROSS, rowHeights=[HEIGHT] * len(rows))
    page.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.4, LINE, None, (2, 2)),  # where to cut
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 4 * mm),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4 * mm),
                ("TOPPADDING", (0, 0), (-1, -1), 3 * mm),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return page


def _face(card: PrintedCard, mutuelle: Mutuelle, language: str) -> list[Flowable]:
    """One card: whose it is, ten numbered codes, the number as a QR, the rules."""
    title = render(_("Card for care no. {card}", card=card.card), language)
    household = card.household
    heads = [
        [printed(mutuelle.name, HEAD), printed(title, HEAD_RIGHT)],
        [printed(household.head_name, NAME), printed(household.shown_number, NAME_RIGHT)],
    ]
    codes = [printed(f"{line}. {code}", CODE) for line, code in enumerate(card.codes, start=1)]
    half = len(codes) // 2
    square = [_qr(household.number), printed(household.number, UNDER_QR)]
    body = Table([[codes[:half], codes[half:], square]], colWidths=[CODE_WIDTH, CODE_WIDTH, QR])
    said = [printed(render(rule, language), SMALL) for rule in rules(mutuelle.complaints)]
    return [_plain(Table(heads, colWidths=[INNER * 0.67, INNER * 0.33])), _plain(body), *said]


def _plain(table: Table) -> Table:
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1 * mm),
            ]
        )
    )
    return table


def _qr(number: str) -> Drawing:
    """The member number, for a doctor who reads it with a smartphone."""
    widget = QrCodeWidget(number, barLevel="M")
    left, bottom, right, top = widget.getBounds()
    scale = QR / max(right - left, top - bottom)
    return Drawing(QR, QR, widget, transform=[scale, 0, 0, scale, 0, 0])
