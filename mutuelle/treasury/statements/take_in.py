"""Takes a statement in: every line once, the whole file or nothing, in one transaction.

1. Lock the account's statements; leave out the lines that are kept already. A line that says otherwise is a fault.
2. Find what each credit is for: a payment that it names, else the household whose number stands in it.
3. Lock the payments, then all households, then the payouts, in one order: settlement beside it waits and no more.
4. Confirm the payments and payouts; post the households' money as after a push, the rest to suspense, the fees as fees.
5. Write the file and its lines.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, Voucher, open_accounts
from locales import Money, _
from mutuelle.contributions.operator_balances import STATEMENT, wish_balances
from mutuelle.contributions.payment_queue import lock_queued
from mutuelle.contributions.payments import PAYMENTS, PAYOUTS, Kept
from mutuelle.contributions.received_money import ReceivedMoney
from mutuelle.contributions.settlement.receive import receive_all
from mutuelle.locks import Lock, lock
from mutuelle.posting import RECEIVED, UNEXPECTED, post_all
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.sheets.faults import Fault
from mutuelle.treasury.payouts.payouts import households_of_payouts
from mutuelle.treasury.receipt_codes import free_receipt_codes
from mutuelle.treasury.statements.accounts import StatedAccount
from mutuelle.treasury.statements.files import (
    DecidedLine,
    StatementSource,
    decided,
    is_kept,
    stored_contents,
    write_lines,
)
from mutuelle.treasury.statements.lines import StatementLine
from mutuelle.treasury.statements.numbers import numbers_in
from mutuelle.treasury.statements.own_moves import NEAR, own_moves, paired
from mutuelle.treasury.statements.owners import lock_owners, owners_of
from mutuelle.treasury.statements.payments import confirm_all, named_in
from mutuelle.treasury.statements.payouts import has_payouts, recognise_payouts
from mutuelle.treasury.statements.reading import Advance, ReadStatement, unseen
from mutuelle.treasury.vouchers import lock_vouchers

SOURCE, FEE_SOURCE = (
    "statement",
    "statement fee",
)  # of the journals: a line's own, and of the fee that it tells beside
FEE = "operator fee"
POSTED_AT_ONCE = 500  # households' money of one pass


@dataclass
class TakenIn:
    """What became of a statement, in lines. `posted` is money that reached its household, or a payout that was found
    paid, by this file.

    `known`: kept before, of a payment or payout that was paid already, or booked by a treasurer. `fees` have a line or
    a column.
    `debits` are kept and not posted; `contradictions` are left to a person; `skipped` tell of no money.
    """

    lines: int
    posted: int = 0
    known: int = 0
    unmatched: int = 0
    fees: int = 0
    debits: int = 0
    contradictions: int = 0
    skipped: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Lines with a fault; if there is one, nothing of the file is kept."""
        return len({fault.line for fault in self.faults})

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name, as programs read them."""
        names = ("lines", "posted", "known", "unmatched", "fees", "refused")
        more = ("debits", "contradictions", "skipped")
        return {name: getattr(self, name) for name in names + more}


async def take_in(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    source: StatementSource,
    read: ReadStatement,
    now: datetime,
    advance: Advance = unseen,
) -> TakenIn:
    """Take the statement in, in the caller's transaction; with `faults` in the answer nothing was written."""
    taken = TakenIn(read.count, skipped=read.skipped, faults=list(read.faults))
    account = source.account
    pays_out = await has_payouts(db, account)
    if pays_out:
        await lock_vouchers(db, mutuelle.id)  # in the order in which a voucher is written
    await lock(db, Lock.STATEMENT, mutuelle.id, account.code)
    new, faults = await _new_lines(db, account, read)
    taken.faults += faults
    if taken.faults:
        return taken
    taken.known = len(read.lines) - len(new)
    if not read.lines or (not new and await is_kept(db, source)):
        return taken
    new.sort(key=lambda line: (line.on, line.at.timestamp() if line.at else 0, line.position))
    lines = await _decide(db, mutuelle, account, new, now, pays_out=pays_out)
    advance(len(read.lines) - len(new))
    await _post(db, mutuelle, account, lines, now, advance)
    await write_lines(db, source, lines, [line.on for line in read.lines], now)
    await wish_balances(db, mutuelle.id, STATEMENT, now, account.name)
    _count(taken, lines)
    return taken


async def _new_lines(
    db: AsyncConnection, account: StatedAccount, read: ReadStatement
) -> tuple[list[StatementLine], list[Fault]]:
    """The lines that are not kept yet, each id once; and those that say otherwise than a line with their id."""
    known = await stored_contents(db, account, sorted({line.line_id for line in read.lines}))
    new: list[StatementLine] = []
    faults = []
    for line in read.lines:
        content = known.get(line.line_id)
        if content is None:
            known[line.line_id] = line.content
            new.append(line)
        elif content != line.content:
            reason = _("another line has this id, and says otherwise")
            faults.append(Fault(read.name, line.position, "", reason, said=line.line_id))
    return new, faults


async def _decide(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    account: StatedAccount,
    new: Sequence[StatementLine],
    now: datetime,
    *,
    pays_out: bool,
) -> list[DecidedLine]:
    """What becomes of each line. Settles the payments and payouts that lines name.

    Locks as settlement and vouchers do: payments, then all households in one order, then payouts.
    """
    lines = [decided(account, line, _kind(line)) for line in new]
    credits_ = [one for one in lines if one.kind == "unmatched"]
    with_payment = await _naming(db, PAYMENTS, account, credits_)
    with_payout = await _naming(
        db, PAYOUTS, account, [one for one in lines if one.kind != "fee"] if pays_out else []
    )
    payments = await lock_queued(db, [(mutuelle.id, one) for _line, found in with_payment for one in found])
    naming = {id(one) for one, _found in with_payment}
    numbers = [(one, numbers_in(one.line.note, mutuelle.prefix)) for one in credits_ if id(one) not in naming]
    owners = await owners_of(db, mutuelle.id, (number for _one, found in numbers for number in found))
    paid_out = await households_of_payouts(
        db, mutuelle.id, {one for _line, found in with_payout for one in found}
    )
    await lock_owners(db, mutuelle.id, owners, {queued.number for queued in payments.values()} | paid_out)
    await recognise_payouts(db, account, mutuelle, with_payout, now)
    await confirm_all(
        db, account, mutuelle, [(one, found) for one, found in with_payment if one.kind == "unmatched"], now
    )
    for one, found in numbers:
        whose = {owners[number] for number in found if number in owners}
        if len(whose) == 1 and one.kind == "unmatched":
            one.kind, one.number = "receipt", whose.pop()
    await _recognise_own(
        db, account, [one for one in credits_ if one.kind == "unmatched" and not one.payment]
    )
    received = [one for one in credits_ if one.kind == "receipt"]
    codes = await free_receipt_codes(db, mutuelle.id, len(received))
    for one, code in zip(received, codes, strict=True):
        one.receipt_code = code
    return lines


async def _naming(
    db: AsyncConnection, kept: Kept, account: StatedAccount, lines: Sequence[DecidedLine]
) -> list[tuple[DecidedLine, set[UUID]]]:
    """The lines that name payments or payouts, each with those."""
    named = await named_in(db, kept, account, [one.line for one in lines])
    return [(lines[nth], found) for nth, found in sorted(named.items())]


async def _recognise_own(db: AsyncConnection, account: StatedAccount, lines: Sequence[DecidedLine]) -> None:
    """Decide the credits that show what a treasurer has booked herself: it is not booked again."""
    if not lines:
        return
    days = [one.line.on for one in lines]
    moves = await own_moves(db, account, min(days) - NEAR, max(days) + NEAR)
    found, _left = paired([(one, one.line.on, one.line.amount_minor) for one in lines], moves)
    for one, move in found:
        one.kind, one.own_journal = "own", move.journal_id


def _kind(line: StatementLine) -> str:
    """What a line is before it is known whose its money is."""
    return "fee" if line.is_fee else "unmatched" if line.amount_minor > 0 else "debit"


async def _post(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    account: StatedAccount,
    lines: Sequence[DecidedLine],
    now: datetime,
    advance: Advance,
) -> None:
    """Post what the lines moved, but for debits, and for payments, which have a journal already."""
    received = [one for one in lines if one.kind == "receipt"]
    codes = [account.suspense, accounts.fees()]
    await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in codes])
    await post_all(db, [journal for one in lines for journal in _journals(account, one)])
    advance(len(lines) - len(received))
    for start in range(0, len(received), POSTED_AT_ONCE):
        part = received[start : start + POSTED_AT_ONCE]
        await receive_all(db, [_money(account, one) for one in part], now)
        advance(len(part))


def _journals(account: StatedAccount, one: DecidedLine) -> list[Journal]:
    """What a line books besides the money of a household."""
    line, journals = one.line, []
    if one.kind == "unmatched" and not one.by_payment:
        money = Movement(account.code, account.suspense, line.amount_minor, line.currency)
        journals.append(_voucher(account, one, UNEXPECTED, "nobody is known whose it is").journal([money]))
    if one.kind == "fee":
        kept = Movement(accounts.fees(), account.code, -line.amount_minor, line.currency)
        journals.append(_voucher(account, one, FEE, "a fee in the statement").journal([kept]))
    if line.fee_minor:
        kept = Movement(accounts.fees(), account.code, line.fee_minor, line.currency)
        voucher = _voucher(account, one, FEE, "the fee of a line in the statement", FEE_SOURCE)
        journals.append(voucher.journal([kept]))
    return journals


def _money(account: StatedAccount, one: DecidedLine) -> ReceivedMoney:
    """The money of a line that is a household's."""
    if one.number is None or one.receipt_code is None:
        raise ValueError(f"line {one.reference} is no household's")
    return ReceivedMoney(
        number=one.number,
        amount=Money(one.line.amount_minor, one.line.currency),
        debit=account.code,
        voucher=_voucher(account, one, RECEIVED, "paid by a transfer with the member number"),
        receipt_code=one.receipt_code,
        payer_phone=one.line.payer,
    )


def _voucher(
    account: StatedAccount, one: DecidedLine, kind: str, reason: str, source: str = SOURCE
) -> Voucher:
    """The voucher of a line; its reference is the key, so that it is posted once."""
    reference = str(one.reference)
    return Voucher(
        mutuelle=account.mutuelle_id,
        source=source,
        key=reference,
        kind=kind,
        effective_on=one.line.on,
        actor=f"statement {account.name}",
        reason=reason,
        memo={"statement": reference},
    )


def _count(taken: TakenIn, lines: Sequence[DecidedLine]) -> None:
    counted = Counter(one.kind for one in lines)
    settled = sum(one.is_settled for one in lines if one.kind in ("payment", "payout"))
    taken.posted = counted["receipt"] + settled
    taken.known += counted["payment"] + counted["payout"] - settled + counted["own"]
    taken.unmatched, taken.debits = counted["unmatched"], counted["debit"]
    taken.contradictions = counted["contradiction"]
    taken.fees = counted["fee"] + sum(bool(one.line.fee_minor) for one in lines)
