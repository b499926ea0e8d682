"""A year of a small mutuelle with a movement on every kind of account, in five funds."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts as a
from ledger.book import Account, Journal, Movement, open_accounts, post
from ledger.charts import charts
from ledger.reports import REPORTS, Control, Question
from ledger.reports.general_ledger import LedgerRow
from ledger.reports.page import Part, ReportRow
from ledger.reports.sums import widest
from ledger.reports.table import write_csv
from ledger.reports.text import write_text
from ledger.reports.voice import Voice
from ledger.transfers import Transfer
from locales import catalogue, locale_of
from tests.support.ledger_scene import SIK

AWA, MOUSSA = "101482937", "101482945"
NEW_YEAR, YEAR_END = date(2026, 1, 1), date(2026, 12, 31)
MM, PAYOUTS, BOX, BANK = a.collections("om-ML"), "health:disbursement:om-ML", a.cash("office"), a.bank("bms")
BUS = a.cash("bus", a.TRANSPORT)


def day(month: int, of_month: int) -> date:
    return date(2026, month, of_month)


def booked(
    on: date,
    kind: str,
    *moves: tuple[str, str, int],
    reason: str = "as agreed",
    takes_back: Journal | None = None,
) -> Journal:
    """A journal of SIK in francs; its key is unique on its day."""
    movements = [Movement(debit, credit, amount, "XOF") for debit, credit, amount in moves]
    key = f"{on} {kind} {moves[0]}"
    reverses = takes_back.id if takes_back else None
    return Journal(SIK, "desk", key, kind, on, "treasurer office", reason, movements, reverses)


WRONG = booked(
    day(3, 9), "contribution received", (MM, a.member(MOUSSA), 1_000), reason="paid by mobile money"
)
TO_TRANSPORT = Transfer(BOX, BUS, 2_500, "XOF").movements()

YEAR: tuple[Journal, ...] = (
    booked(
        date(2025, 12, 31), "opening balances", (BOX, a.opening(), 40_000), (a.opening(), a.reserve(), 10_000)
    ),
    booked(date(2025, 12, 31), "opening balances", (BUS, a.opening(a.TRANSPORT), 7_000)),
    booked(
        day(1, 5),
        "contribution called",
        (a.member(AWA), a.contributions(), 6_000),
        (a.member(AWA), a.registration(), 1_000),
    ),
    booked(day(1, 5), "contribution received", (MM, a.member(AWA), 2_000), reason="paid by mobile money"),
    booked(
        day(2, 2),
        "contribution called",
        (a.member(MOUSSA), a.contributions(), 9_000),
        (a.member(MOUSSA), "health:assembly", 500),
    ),
    booked(day(2, 3), "contribution received", (BOX, a.member(AWA), 4_000), reason="paid in cash"),
    WRONG,
    booked(
        day(3, 10), "reversal", (a.member(MOUSSA), MM, 1_000), takes_back=WRONG, reason="a wrong household"
    ),
    booked(day(3, 11), "contribution received", (MM, a.member(AWA), 1_700), reason="paid by mobile money"),
    booked(
        day(4, 1), "unexpected payment", (MM, a.suspense("om-ML"), 750), reason="answer differs in amount"
    ),
    booked(day(4, 2), "operator fee", (a.fees(), MM, 45)),
    booked(day(4, 3), "float to bank", ("health:transit", MM, 1_500)),
    booked(day(4, 5), "float to bank", (BANK, "health:transit", 1_500)),
    booked(day(4, 6), "payout account filled", (PAYOUTS, BOX, 12_000)),
    booked(day(5, 4), "subsidy due", ("health:receivable:etat", "health:subsidies", 20_000)),
    booked(day(6, 8), "subsidy received", (BANK, "health:receivable:etat", 15_000)),
    booked(day(5, 20), "invoice received", ("health:benefits", "health:payable:cscom-1", 8_000)),
    booked(day(6, 1), "invoice received", ("health:benefits", "health:payable:cscom-1", 3_000)),
    booked(day(6, 2), "medical rejection", ("health:payable:cscom-1", "health:benefits", 500)),
    booked(day(6, 15), "provider paid", ("health:payable:cscom-1", PAYOUTS, 9_000)),
    booked(
        day(7, 1),
        "running costs",
        *(
            (cost, BOX, 100 + nth)
            for nth, cost in enumerate(
                (
                    "health:purchases",
                    "health:travel",
                    "health:services",
                    "health:taxes",
                    "health:staff",
                    "health:costs",
                )
            )
        ),
    ),
    booked(day(7, 2), "gift", (BOX, "health:gifts", 5_000)),
    booked(day(7, 3), "guarantee fund", (a.result(), "health:guarantee", 600)),
    booked(day(8, 1), "transfer", *((m.debit, m.credit, m.amount_minor) for m in TO_TRANSPORT)),
    booked(day(8, 2), "tickets", ("transport:travel", BUS, 1_200)),
    booked(
        day(9, 1),
        "tontine turn",
        (a.cash("tontine", a.TONTINE), f"tontine:deposit:{AWA}", 500),
        (a.cash("tontine", a.TONTINE), f"tontine:deposit:{MOUSSA}", 500),
    ),
    booked(day(9, 2), "tontine pot", (f"tontine:deposit:{MOUSSA}", a.cash("tontine", a.TONTINE), 800)),
    booked(day(9, 3), "grant received", (a.bank("bms", a.GRANTS), "grants:subsidies", 50_000)),
    booked(day(9, 4), "gift", (a.cash("loans", a.LOANS), "loans:gifts", 30_000)),
    booked(day(9, 5), "clinic loan", ("loans:loan:cscom-1", a.cash("loans", a.LOANS), 25_000)),
    booked(day(10, 5), "clinic loan repaid", (a.cash("loans", a.LOANS), "loans:loan:cscom-1", 4_000)),
)


def codes(journals: Sequence[Journal]) -> set[str]:
    return {code for journal in journals for m in journal.movements for code in (m.debit, m.credit)}


async def live(pool: AsyncEngine, journals: Sequence[Journal] = YEAR) -> None:
    """Open the accounts of the journals and post them in the order of their days; all must be created."""
    async with pool.begin() as db:
        await open_accounts(
            db, [Account(journals[0].mutuelle, code, "XOF") for code in sorted(codes(journals))]
        )
        for posted in await post(db, sorted(journals, key=lambda journal: journal.effective_on)):
            assert posted.stands, posted.reason


def asking(
    first: date = NEW_YEAR,
    last: date = YEAR_END,
    *,
    fund: str | None = None,
    account: str | None = None,
    detail: bool = False,
) -> Question:
    return Question(SIK, first, last, fund, account, detail)


def voice(language: str = "fr", frame: str = "SYCEBNL", width: int = 100) -> Voice:
    known = catalogue(language)
    return Voice(charts()[frame].translated(known), known, locale_of(language), width)


async def rows_of(db: AsyncConnection, name: str, question: Question) -> list[ReportRow | Control]:
    return [row async for row in REPORTS[name].rows(db, question, voice())]


async def text_of(db: AsyncConnection, name: str, question: Question, spoken: Voice | None = None) -> str:
    spoken = (spoken or voice()).wide_enough_for(await widest(db, question), "XOF")
    rows = REPORTS[name].rows(db, question, spoken)
    pieces = write_text(REPORTS[name], rows, question, spoken, "Mutuelle Benkadi")
    return "".join([piece async for piece in pieces])


async def csv_of(db: AsyncConnection, name: str, question: Question, spoken: Voice | None = None) -> str:
    rows = REPORTS[name].rows(db, question, spoken or voice())
    return "".join([line async for line in write_csv(REPORTS[name], rows, spoken or voice())])


def printed(said: str) -> str:
    """The text with plain spaces for narrow and non-breaking ones, as in the tests."""
    return said.replace("\u202f", " ").replace("\u00a0", " ")


def moved(rows: list[ReportRow | Control]) -> list[int]:
    """The change of the balance in each of an account's rows."""
    lines = [row for row in rows if isinstance(row, LedgerRow) and row.part is Part.LINE]
    return [(row.debit or 0) - (row.credit or 0) for row in lines]
