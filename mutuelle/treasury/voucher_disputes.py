"""Who was paid by a voucher says that the money did not come: a case that the treasurers hear, as of a cash receipt.

Nothing is taken back by it: two treasurers do that, or a person closes the case.
"""

import re

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.notify import notify
from mutuelle.scheme.mutuelles import get_mutuelle, treasurers
from mutuelle.treasury.messages import voucher_disputed
from mutuelle.treasury.tables import cash_dispute
from mutuelle.treasury.tables import voucher as vouchers
from mutuelle.treasury.voucher_kinds import CODE_DIGITS, PAYS, NumberedVoucher
from mutuelle.treasury.voucher_reads import vouchers_where
from talk.answers import Kind
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller


def _code(typed: str) -> str:
    code = "".join(re.findall(r"\d", typed))
    if len(code) != CODE_DIGITS:
        raise InvalidError(_("The code of a payment has {length} figures.", length=CODE_DIGITS))
    return code


voucher_code = Kind("voucher code", _code, good=("48 29 13",), bad=("", "abc", "4829"), takes_rest=True)


async def voucher_paid_to(db: AsyncConnection, caller: Caller, code: str) -> NumberedVoucher:
    """The payment with this code to the calling phone; RefusedError for any other code."""
    rows = await db.execute(
        sa.select(vouchers.c.mutuelle_id).where(
            vouchers.c.phone == caller.phone, vouchers.c.code == code, vouchers.c.kind.in_(PAYS)
        )
    )
    for mutuelle_id in rows.scalars():
        [found] = await vouchers_where(db, mutuelle_id, vouchers.c.code == code)
        if not found.is_reversed:
            return found
    raise RefusedError(
        _("No payment to this phone has the code {code}. Please check each figure.", code=code)
    )


async def dispute_voucher(db: AsyncConnection, caller: Caller, *, code: str) -> None:
    """Open the case, once, and notify the treasurers: not the one who recorded it, unless she is alone."""
    found = await voucher_paid_to(db, caller, code)
    row = {
        "mutuelle_id": found.mutuelle_id,
        "reference": found.reference,
        "subject": "voucher",
        "phone": caller.phone,
        "disputed_at": caller.at,
    }
    statement = insert(cash_dispute).values(row).on_conflict_do_nothing().returning(cash_dispute.c.phone)
    if not await db.scalar(statement):
        return
    mutuelle = await get_mutuelle(db, found.mutuelle_id)
    in_office = [one.phone for one in await treasurers(db, mutuelle.id, mutuelle.today(caller.at))]
    others = [phone for phone in in_office if phone != found.proposed_by] or in_office
    sentence = voucher_disputed(found.party, found.amount, found.shown_number, found.proposer_name)
    await notify(db, mutuelle.id, "voucher contested", dict.fromkeys(others, sentence), caller.at)


async def disputed_vouchers(db: AsyncConnection, mutuelle_id: str) -> list[NumberedVoucher]:
    """The vouchers of which an open case says that the money did not come, the oldest first."""
    waits = sa.exists().where(
        cash_dispute.c.mutuelle_id == vouchers.c.mutuelle_id,
        cash_dispute.c.reference == vouchers.c.reference,
        cash_dispute.c.closed_at.is_(None),
    )
    return await vouchers_where(db, mutuelle_id, waits)
