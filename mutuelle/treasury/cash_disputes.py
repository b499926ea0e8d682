"""Cash disputes: a household disputes cash that an officer recorded; the treasurers are notified at once.

Nothing is reversed by it: a person hears both sides, and closes the case or cancels the receipt in the book.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from rapidfuzz.distance import OSA
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Origin, PostVerdict, reverse
from ledger.tables import request
from locales import Money, _
from mutuelle.acts import By
from mutuelle.contributions.standing import standing
from mutuelle.household_key import same_household
from mutuelle.households.holders import notices
from mutuelle.households.households import Household, find_household, lock_household
from mutuelle.households.support_acts import CLOSE, MERGE, REOPEN, last_act
from mutuelle.notify import notify
from mutuelle.officers.roles import Appointment, Role
from mutuelle.scheme.mutuelles import Mutuelle, Officer, get_mutuelle, treasurers
from mutuelle.tables import household_phone, officer
from mutuelle.tables import mutuelle as mutuelles
from mutuelle.treasury.cash_in_hand import REVERSAL, cash_in_hand_of, is_cancelled, lock_cash_in_hand
from mutuelle.treasury.messages import cash_cancelled, cash_disputed
from mutuelle.treasury.tables import cash_dispute, cash_holder, cash_receipt, voucher
from talk.answers import Kind
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller

CODE_LETTERS = 6
LISTED_DAYS, MOST_LISTED = 30, 80  # the most in a treasurer's list
AMOUNT = re.compile("[0-9]+(F|FR|FRS|CFA|FCFA|FRANCS?|K)")
MISREAD = str.maketrans({"0": "O", "1": "I", "8": "B"})  # digits in no receipt code, and what is meant
UNKNOWN = _("No receipt of your household has this code. Please check each letter.")


@dataclass(frozen=True)
class CashReceipt:
    """Cash that an officer received for a household on the day `on`; `recorded_on` is that day or a later one."""

    mutuelle_id: str
    reference: UUID
    number: str
    amount: Money
    on: date
    recorded_on: date
    code: str
    taken_by: Officer
    contested: bool


def _receipt_code(typed: str) -> str:
    code = "".join(c for c in typed.upper() if c.isalnum()).translate(MISREAD)
    if len(code) != CODE_LETTERS or not code.isascii():
        raise InvalidError(_("The code of the receipt has {length} letters.", length=CODE_LETTERS))
    return code


receipt_code_kind = Kind(
    "receipt code", _receipt_code, good=("abc 234",), bad=("", "abc", "abcd2345"), takes_rest=True
)


async def cash_receipt_of(db: AsyncConnection, caller: Caller, code: str) -> CashReceipt:
    """The receipt with this code of a household of the calling phone; RefusedError, in one sentence, for any other."""
    found = await cash_receipts(db, (cash_receipt.c.receipt_code == code) & _of_phone(caller.phone))
    if not found:
        raise RefusedError(UNKNOWN)
    return found[0]


async def own_receipt_code(db: AsyncConnection, caller: Caller, typed: str) -> str:
    """The code of a receipt of a household of the calling phone in what was typed; "" for other words."""
    try:
        code = _receipt_code(typed)
        await cash_receipt_of(db, caller, code)
    except (InvalidError, RefusedError):
        return ""
    return code


async def nearly_a_code(db: AsyncConnection, caller: Caller, typed: str) -> bool:
    """Whether what was typed is meant as a receipt's code: letters with figures, of about its length, or near an own
    one. Other words are a remark.
    """
    code = "".join(c for c in typed.upper() if c.isalnum())
    if len(typed.split()) > 2 or abs(len(code) - CODE_LETTERS) > 1:
        return False
    if re.search("[0-9]", code) and re.search("[A-Z]", code) and not AMOUNT.fullmatch(code):
        return True
    own = await cash_receipts(db, _of_phone(caller.phone))
    return any(OSA.distance(code, receipt.code, score_cutoff=2) <= 2 for receipt in own)


async def open_disputes(db: AsyncConnection, mutuelle_id: str) -> list[CashReceipt]:
    """The open disputes, the oldest receipt first."""
    waits = sa.exists().where(
        cash_dispute.c.mutuelle_id == cash_receipt.c.mutuelle_id,
        cash_dispute.c.reference == cash_receipt.c.reference,
        cash_dispute.c.closed_at.is_(None),
    )
    return await cash_receipts(db, (cash_receipt.c.mutuelle_id == mutuelle_id) & waits)


async def last_cash(db: AsyncConnection, mutuelle_id: str, at: datetime) -> list[CashReceipt]:
    """The receipts recorded in the last LISTED_DAYS and not cancelled, the newest first, MOST_LISTED at most."""
    lately = cash_receipt.c.received_at > at - timedelta(days=LISTED_DAYS)
    of_mutuelle = (cash_receipt.c.mutuelle_id == mutuelle_id) & lately & ~is_cancelled()
    return await cash_receipts(db, of_mutuelle, newest=MOST_LISTED)


async def dispute_cash(db: AsyncConnection, caller: Caller, *, code: str) -> None:
    """Open the case, once, and notify the treasurers other than the one who recorded it."""
    found = await cash_receipt_of(db, caller, code)
    row = {
        "mutuelle_id": found.mutuelle_id,
        "reference": found.reference,
        "phone": caller.phone,
        "disputed_at": caller.at,
    }
    statement = insert(cash_dispute).values(row).on_conflict_do_nothing().returning(cash_dispute.c.phone)
    if not await db.scalar(statement):
        return
    mutuelle = await get_mutuelle(db, found.mutuelle_id)
    sentence = cash_disputed(found.number, found.amount, code, found.taken_by)
    in_office = await treasurers(db, mutuelle.id, mutuelle.today(caller.at))
    sentences = {t.phone: sentence for t in in_office if t.phone != found.taken_by.phone}
    await notify(db, mutuelle.id, "cash contested", sentences, caller.at)


async def close_dispute(db: AsyncConnection, mutuelle_id: str, code: str, *, by: By) -> bool:
    """Close a dispute, its outcome being the reason; False if no open case has this code of a receipt or voucher."""
    of_code = (
        select(cash_receipt.c.reference)
        .where(cash_receipt.c.mutuelle_id == mutuelle_id, cash_receipt.c.receipt_code == code)
        .union(
            select(voucher.c.reference).where(voucher.c.mutuelle_id == mutuelle_id, voucher.c.code == code)
        )
    )
    changed = await db.execute(
        sa.update(cash_dispute)
        .where(
            cash_dispute.c.mutuelle_id == mutuelle_id,
            cash_dispute.c.reference.in_(of_code),
            cash_dispute.c.closed_at.is_(None),
        )
        .values(closed_at=by.at, closed_by=by.actor, outcome=by.reason)
    )
    return bool(changed.rowcount)


async def cancel_cash(db: AsyncConnection, mutuelle_id: str, code: str, *, by: By) -> CashReceipt:
    """Reverse a receipt in the book, close its case (opened by `actor` if there is none), notify the household.

    RefusedError where the officer no longer holds the money, a merge has moved it, or it was cancelled before.
    """
    found = await cash_receipts(
        db, (cash_receipt.c.mutuelle_id == mutuelle_id) & (cash_receipt.c.receipt_code == code)
    )
    if not found:
        raise RefusedError(_("There is no cash receipt {code}.", code=code))
    receipt, mutuelle = found[0], await get_mutuelle(db, mutuelle_id)
    await lock_household(db, receipt.number)
    household = await find_household(db, receipt.number, closed=True)
    if household is None:
        raise LookupError(receipt.number)
    await expect_not_merged(db, household)
    who = receipt.taken_by
    appointment = Appointment(mutuelle.id, mutuelle.name, Role(who.role), who.phone, who.name)
    await lock_cash_in_hand(db, appointment)
    if receipt.amount > (cash_in_hand := await cash_in_hand_of(db, appointment)).held:
        raise RefusedError(
            _(
                "{name} holds only {held}: this receipt cannot be cancelled.",
                name=who.name,
                held=cash_in_hand.held,
            )
        )
    await _reverse(db, mutuelle, receipt, by.at)
    case = {"mutuelle_id": mutuelle_id, "reference": receipt.reference, "phone": None, "disputed_at": by.at}
    await db.execute(insert(cash_dispute).values(case).on_conflict_do_nothing())
    await close_dispute(db, mutuelle_id, code, by=by)
    due = (await standing(db, household, by.at)).due
    sentence = cash_cancelled(mutuelle, receipt.amount, code, due)
    sentences = await notices(db, household, sentence, by.at, unconfirmed=True)
    await notify(db, mutuelle.id, "cash cancelled", sentences, by.at)
    return receipt


async def expect_not_merged(db: AsyncConnection, household: Household) -> None:
    """Refused where a merge has moved its money to another household: reversed here, it would still cover there."""
    closing = await last_act(db, household, MERGE, CLOSE, REOPEN)
    if closing is not None and closing.act == MERGE and closing.facts["journal"]:
        raise RefusedError(
            _("Household {number} was joined with another: reopen it first.", number=household.shown_number)
        )


async def _reverse(db: AsyncConnection, mutuelle: Mutuelle, receipt: CashReceipt, at: datetime) -> None:
    of_receipt = select(request.c.journal_id).where(
        request.c.mutuelle_id == mutuelle.id,
        request.c.source == "cash",
        request.c.key == str(receipt.reference),
        request.c.verdict == PostVerdict.CREATED,
    )
    journal_id = (await db.execute(of_receipt)).scalar_one()
    origin = Origin(REVERSAL, str(receipt.reference), "command line", "the cash receipt was cancelled")
    posted = await reverse(db, mutuelle.id, journal_id, mutuelle.today(at), origin)
    if posted.verdict is not PostVerdict.CREATED:
        raise RefusedError(_("The cash receipt {code} was cancelled before.", code=receipt.code))


def _of_phone(phone: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        same_household(household_phone, cash_receipt),
        household_phone.c.phone == phone,
    )


async def cash_receipts(
    db: AsyncConnection, where: sa.ColumnElement[bool], *, newest: int | None = None
) -> list[CashReceipt]:
    """The cash receipts that `where` selects, each with who took it: the oldest first, or the `newest` so many."""
    r = cash_receipt.c
    of_holder = (cash_holder.c.mutuelle_id == r.mutuelle_id) & (cash_holder.c.holder == r.holder)
    of_officer = (
        (officer.c.mutuelle_id == cash_holder.c.mutuelle_id)
        & (officer.c.role == cash_holder.c.role)
        & (officer.c.phone == cash_holder.c.phone)
    )
    is_disputed = sa.exists().where(
        cash_dispute.c.mutuelle_id == r.mutuelle_id, cash_dispute.c.reference == r.reference
    )
    recorded_on = sa.cast(sa.func.timezone(mutuelles.c.timezone, r.received_at), sa.Date).label("recorded_on")
    order = r.received_at.desc() if newest else r.received_at
    rows = await db.execute(
        select(
            cash_receipt,
            officer.c.name,
            cash_holder.c.phone,
            cash_holder.c.role,
            is_disputed.label("contested"),
            recorded_on,
        )
        .join_from(cash_receipt, cash_holder, of_holder)
        .join(officer, of_officer)
        .join(mutuelles, mutuelles.c.id == r.mutuelle_id)
        .where(where)
        .order_by(order, r.reference)
        .limit(newest)
    )
    return [
        CashReceipt(
            mutuelle_id=row.mutuelle_id,
            reference=row.reference,
            number=row.number,
            amount=Money(row.amount_minor, row.currency),
            on=row.received_on,
            recorded_on=row.recorded_on,
            code=row.receipt_code,
            taken_by=Officer(row.role, row.phone, row.name),
            contested=row.contested,
        )
        for row in rows.all()
    ]
