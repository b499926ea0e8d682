"""Lines that carry a payout's reference, ours or its operator's: they show that it was paid, or that it came back.

A line settles a payout whose operator has not answered yet. It never changes silently what an operator's answer has
said: then a case is opened.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.contributions.payments import PaymentState, open_case_of
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.payouts.payouts import Payout, lock_payout, settle_paid
from mutuelle.treasury.statements.accounts import StatedAccount
from mutuelle.treasury.statements.files import DecidedLine
from mutuelle.treasury.statements.payments import CASE, CONFIRMABLE, PROOF, SETTLED, moment_of


async def has_payouts(db: AsyncConnection, account: StatedAccount) -> bool:
    """Whether payouts go out from the account at the operator of which this statement is."""
    return bool(await db.scalar(_HAS, {"mutuelle": account.mutuelle_id, "name": account.name}))


async def recognise_payouts(
    db: AsyncConnection,
    account: StatedAccount,
    mutuelle: Mutuelle,
    named: Sequence[tuple[DecidedLine, set[UUID]]],
    now: datetime,
) -> None:
    """Decide the lines that name payouts, and settle those that wait for their operator's answer.

    The caller holds `lock_vouchers`, and has locked the payouts' households.
    """
    shown = await _shown(db, account, {reference for _line, found in named for reference in found})
    for one, references in named:
        found = await lock_payout(db, mutuelle.id, min(references))
        if found is None:
            continue
        one.payout = found.reference
        trouble = "it names several payouts" if len(references) > 1 else _trouble(one, found, shown)
        if one.kind == "payout":
            shown.add((found.reference, one.line.amount_minor > 0))
        if not trouble and found.state in CONFIRMABLE:
            by = By(f"statement {account.shown}", PROOF, now)
            paid_at = moment_of(one.line, found.asked_at, mutuelle, now)
            await settle_paid(db, found, by=by, completed_at=paid_at)
            one.is_settled = True
        if trouble:
            said = f"line {one.line.line_id} of {account.shown}, {one.line.on}, {one.line.amount_minor}"
            await open_case_of(db, found.row, CASE, f"{said} {one.line.currency}: {trouble}", now)


def _trouble(one: DecidedLine, found: Payout, shown: set[tuple[UUID, bool]]) -> str:
    """Decide what the line is; what a person must look at, "" for nothing. `shown`: payouts of which another line shows
    that they were paid, or (True) that they came back.
    """
    line, came_back = one.line, one.line.amount_minor > 0
    is_same, is_twice = (
        abs(line.amount_minor) == found.amount.amount_minor,
        (found.reference, came_back) in shown,
    )
    if came_back:
        if found.state not in SETTLED or not is_same:
            return f"money came back, and the payout is {found.state}"
        if is_twice:
            return "another line shows too that it came back"
        one.kind = "payout"
        return "it came back: take its voucher back" if found.state is PaymentState.PAID else ""
    if not is_same:
        return f"it was to be {found.amount.amount_minor}"
    if is_twice:
        return "another line shows it too"
    if found.state not in (*CONFIRMABLE, *SETTLED):
        return f"it was paid, and the payout is {found.state}"
    one.kind = "payout"
    return ""


async def _shown(
    db: AsyncConnection, account: StatedAccount, references: set[UUID]
) -> set[tuple[UUID, bool]]:
    """Of these payouts, which a line that is kept shows: as paid (False), as come back (True)."""
    asked = {"mutuelle": account.mutuelle_id, "references": list(references)}
    return {(row.payout, row.came_back) for row in await db.execute(_SHOWN, asked)}


_HAS = text("select exists (select from payout where mutuelle_id = :mutuelle and account = :name)")
_SHOWN = text(
    """
    select payout, amount_minor > 0 as came_back from statement_line
     where mutuelle_id = :mutuelle and payout = any(cast(:references as uuid[])) and kind = 'payout'
    """
)
