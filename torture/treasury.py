"""A small treasury in the ledger that the proof "mutants" forges: a voucher that one signed, one that two signed, one
that was taken back; a limit that two changed, a box whose difference two booked; a statement of the bank.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts
from locales import Money
from mutuelle.acts import By
from mutuelle.founding.founding import appoint_officers, found_mutuelle
from mutuelle.officers.joint_acts import ActKind, JointAct, NewJointAct
from mutuelle.officers.limit_changes import LIMIT_CHANGE, limit_change, limits_now
from mutuelle.officers.roles import Appointment, Role
from mutuelle.officers.tables import joint_act
from mutuelle.posting import post_all
from mutuelle.scheme.limits import NewLimit, write_limit
from mutuelle.treasury.cash_counts import CASH_COUNT, BoxCount, difference_of
from mutuelle.treasury.statements.accounts import StatedAccount
from mutuelle.treasury.statements.files import StatementSource
from mutuelle.treasury.statements.reading import read_statement
from mutuelle.treasury.statements.take_in import take_in
from mutuelle.treasury.voucher_acts import proposal_of
from mutuelle.treasury.voucher_kinds import NewVoucher, Signatures, VoucherKind
from mutuelle.treasury.voucher_reversals import reversal_of
from mutuelle.treasury.vouchers import reverse_voucher, write_voucher
from talk.words import Caller
from torture.town import DAN, TREASURERS

SIRA, BAKARY, _KADIATOU = TREASURERS
BANK = accounts.bank("bms")
ALONE_BELOW_MINOR, OPENED_MINOR = 25_000, 500_000


async def live(service: AsyncEngine) -> None:
    """Found the mutuelle, fill its bank, and write its vouchers."""
    now = datetime.now(UTC)
    on = DAN.today(now)
    async with service.begin() as db:
        await found_mutuelle(db, DAN, at=now)
        await appoint_officers(db, DAN, TREASURERS, since=on, at=now - timedelta(hours=1))
        by = By("torture", "a proof needs it", now - timedelta(hours=1))
        await write_limit(db, DAN.id, NewLimit("two_signatures_from_minor", ALONE_BELOW_MINOR, on), by=by)
        await _fill(db, now)
    alone = Signatures(SIRA.phone, SIRA.name, on, two_from_minor=ALONE_BELOW_MINOR)
    async with service.begin() as db:
        first = await write_voucher(db, DAN, _expense(12_000), alone, now)
        act = await proposal_of(db, _sira(now), OWN, _expense(40_000))
        await write_voucher(db, DAN, _expense(40_000), await _signed(db, act, now), now)
        back = await reversal_of(db, _sira(now), OWN, first.key, "paid twice")
        await reverse_voucher(db, DAN, first, await _signed(db, back, now), "paid twice", now)
        limits = {one.name: one for one in await limits_now(db, _sira(now), DAN.id)}
        await _carry_out(db, LIMIT_CHANGE, limit_change(limits["cash_days"], 9), now)
        count = BoxCount(Money(700, DAN.currency), Money(0, DAN.currency))
        await _carry_out(db, CASH_COUNT, difference_of(OWN, count, "under the mat"), now)
    async with service.begin() as db:
        await _take_in(db, now)


OWN = Appointment(DAN.id, DAN.name, Role.TREASURER, SIRA.phone, SIRA.name)


def _sira(now: datetime) -> Caller:
    return Caller(SIRA.phone, "fr", "torture", "a call", now)


def _expense(minor: int) -> NewVoucher:
    return NewVoucher(
        VoucherKind.EXPENSE, "health:purchases", BANK, Money(minor, DAN.currency), "cahiers", "Librairie"
    )


async def _fill(db: AsyncConnection, now: datetime) -> None:
    await open_accounts(db, [Account(DAN.id, code, DAN.currency) for code in (BANK, accounts.opening())])
    movement = Movement(BANK, accounts.opening(), OPENED_MINOR, DAN.currency)
    facts = (
        DAN.id,
        "opening",
        "balances-health",
        "opening balances",
        DAN.today(now),
        "import",
        "paper books",
    )
    await post_all(db, [Journal(*facts, [movement])])


async def _take_in(db: AsyncConnection, now: datetime) -> None:
    """Take in the bank's statement: money that nobody is known for, and a fee."""
    on = DAN.today(now)
    raw = f"date;id;payer;amount;currency;note\n{on};T1;;900;XOF;merci\n{on};T2;;-25;XOF;frais\n".encode()
    read = read_statement("bank.csv", raw, None, DAN, on)
    source = StatementSource(StatedAccount(DAN.id, BANK), "bank.csv", read.preset.name, sha256(raw).digest())
    taken = await take_in(db, DAN, source, read, now)
    if (taken.unmatched, taken.fees) != (1, 1):
        raise RuntimeError(f"the statement became {taken.counts}")


async def _carry_out(db: AsyncConnection, kind: ActKind[Any], act: NewJointAct, now: datetime) -> None:
    """Do what Sira proposes and Bakary signs."""
    signed = await _signed(db, act, now)
    matter = await kind.look_again(db, _sira(now), OWN, act.facts)
    told = JointAct(str(signed.act), DAN.id, act.kind, act.facts, act.reason, SIRA.phone, SIRA.name)
    await kind.carry_out(db, told, matter, now)


async def _signed(db: AsyncConnection, act: NewJointAct | None, now: datetime) -> Signatures:
    """The act, proposed by Sira and approved by Bakary."""
    if act is None:
        raise RuntimeError("one signature was enough")
    key = uuid4()
    row = {
        "mutuelle_id": DAN.id,
        "id": key,
        "kind": act.kind,
        "facts": act.facts,
        "reason": act.reason,
        "consent": "agreed in a proof",
        "proposed_by": SIRA.phone,
        "proposer_name": SIRA.name,
        "proposed_at": now,
        "expires_at": now + timedelta(days=7),
        "answer": "approved",
        "answered_by": BAKARY.phone,
        "answerer_name": BAKARY.name,
        "answered_at": now,
    }
    await db.execute(insert(joint_act), row)
    return Signatures(SIRA.phone, SIRA.name, DAN.today(now), act=UUID(str(key)))
