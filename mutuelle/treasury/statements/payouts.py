"""Lines that carry a payout's reference, ours or its operator's: they show that it was paid, or that it came back.

A line settles a payout whose operator has not answered yet. It never changes silently what an operator's answer has
said: then a case is opened.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.contributions.payments import PaymentState, open_case_of
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.payouts.payouts import Payout, lock_payout, settle_paid
from mutuelle.treasury.statements.accounts import StatedAccount
from mutuelle.treasury.statements.files import AT_ONCE, DecidedLine
from mutuelle.treasury.statements.lines import StatementLine
from mutuelle.treasury.statements.numbers import references_in
from mutuelle.treasury.statements.payments import CASE, CONFIRMABLE, PROOF, SETTLED
from mutuelle.treasury.statements.reading import BETWEEN


async def has_payouts(db: AsyncConnection, account: StatedAccount) -> bool:
    """Whether payouts go out from the account at the operator of which this statement is."""
    return bool(await db.scalar(_HAS, {"mutuelle": account.mutuelle_id, "name": account.name}))


async def recognise_payouts(
    db: AsyncConnection,
    account: StatedAccount,
    mutuelle: Mutuelle,
    lines: Sequence[DecidedLine],
    now: datetime,
) -> None:
    """Decide the lines that name payouts, and settle those that wait for their operator's answer.

    The caller holds `lock_vouchers`.
    """
    named = await _named(db, account, [one.line for one in lines])
    for nth, references in sorted(named.items()):
        one, found = lines[nth], await lock_payout(db, mutuelle.id, min(references))
        if found is not None:
            one.payout = found.reference
            shown = any(other.kind == "payout" and other.payout == one.payout for other in lines)
            trouble = await _trouble(db, one, found, shown=shown)
            if not trouble and found.state in CONFIRMABLE:
                by = By(f"statement {account.shown}", PROOF, now)
                await settle_paid(db, found, by=by, completed_at=_at(one.line, found, mutuelle, now))
                one.is_settled = True
            if trouble:
                said = f"line {one.line.line_id} of {account.shown}, {one.line.on}, {one.line.amount_minor}"
                await open_case_of(db, found.row, CASE, f"{said} {one.line.currency}: {trouble}", now)


async def _trouble(db: AsyncConnection, one: DecidedLine, found: Payout, *, shown: bool) -> str:
    """Decide what the line is; what a person must look at, "" for nothing. `shown`: another line of this file shows the
    payout.
    """
    line, is_same = one.line, abs(one.line.amount_minor) == found.amount.amount_minor
    if line.amount_minor > 0:
        if found.state not in SETTLED or not is_same:
            return f"money came back, and the payout is {found.state}"
        one.kind = "payout"
        return "it came back: take its voucher back" if found.state is PaymentState.PAID else ""
    if not is_same:
        return f"it was to be {found.amount.amount_minor}"
    if shown or await db.scalar(_SHOWN, {"mutuelle": found.mutuelle_id, "reference": found.reference}):
        return "another line shows it too"
    if found.state not in (*CONFIRMABLE, *SETTLED):
        return f"it was paid, and the payout is {found.state}"
    one.kind = "payout"
    return ""


def _at(line: StatementLine, found: Payout, mutuelle: Mutuelle, now: datetime) -> datetime:
    """When it was paid; of a day without a time, the likeliest moment."""
    begins = datetime.combine(line.on, time(), ZoneInfo(mutuelle.timezone)).astimezone(UTC)
    return line.at or min(max(found.asked_at, begins), begins + timedelta(days=1), now)


async def _named(
    db: AsyncConnection, account: StatedAccount, lines: Sequence[StatementLine]
) -> dict[int, set[UUID]]:
    """The payouts of this account that each line names, by its place in `lines`."""
    found: dict[int, set[UUID]] = {}
    for start in range(0, len(lines), AT_ONCE):
        said = [
            (nth, str(one))
            for nth, line in enumerate(lines[start : start + AT_ONCE])
            for one in (
                *references_in(f"{line.line_id} {line.note}"),
                line.line_id,
                *line.note.split(BETWEEN),
            )
        ]
        facts: dict[str, object] = {"mutuelle": account.mutuelle_id, "name": account.name}
        facts |= {"said_of": [nth for nth, _one in said], "said": [one for _nth, one in said]}
        for nth, reference in await db.execute(_NAMED, facts):
            found.setdefault(start + nth, set()).add(reference)
    return found


_HAS = text("select exists (select from payout where mutuelle_id = :mutuelle and account = :name)")
_SHOWN = text(
    """
    select exists (select from statement_line where mutuelle_id = :mutuelle and payout = :reference
                      and kind = 'payout' and amount_minor < 0)
    """
)
_NAMED = text(
    """
    select asked.nth, p.reference from payout p
      join unnest(cast(:said_of as int[]), cast(:said as text[])) as asked (nth, said)
           on asked.said in (p.reference::text, p.operator_reference)
     where p.mutuelle_id = :mutuelle and p.account = :name
    """
)
