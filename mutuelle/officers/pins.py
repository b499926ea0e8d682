"""PINs of officers: issued by the system, kept as a sealed argon2id hash, locked after wrong ones.

A PIN is never in a log, a message or a record. A wrong one is counted under the row's lock by the action's own
transaction, which therefore must commit: `try_pin` answers with a sentence, it does not raise.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _, counts
from mutuelle.acts import By
from mutuelle.free_codes import draw_digits
from mutuelle.locks import LOCK, Lock, lock
from mutuelle.notify import notify
from mutuelle.officers.messages import pin_locked, pin_received, pin_renewable, pin_unlocked
from mutuelle.officers.pin_hashing import hash_pin, pin_matches
from mutuelle.officers.roles import appointments_of
from mutuelle.officers.tables import officer_pin, pin_change
from prepared import Prepared
from sms.tables import SERVICE
from talk.answers import Secret, wrong_secret
from talk.keyring import Keyring
from talk.trouble import RefusedError
from talk.words import Caller

log = logging.getLogger("keneya.mutuelle")

PURPOSE = "pin"
PIN_DIGITS = 5
LOCKS = {3: timedelta(minutes=15), 5: timedelta(days=1)}  # after so many wrong ones in a row
BLOCKED_AT = 10  # from then on blocked until a person unlocks it
NEW_PIN_DAYS = 3  # so long an allowed new PIN can be received
SCREEN, SLIP = "screen", "slip"  # where a PIN was shown: to the phone itself, or on paper by the command line

WRONG = wrong_secret(_("This work PIN is not right. Nothing was done."))
BLOCKED = _("Work PIN blocked after 10 mistakes. Nothing was done. A treasurer can allow you a new one.")
UNREADABLE = _("Your work PIN cannot be checked now. Nothing was done. Please see your mutuelle.")


@dataclass(frozen=True)
class _Kept:
    """A row of officer_pin, locked by this transaction."""

    sealed: bytes
    failures: int
    locked_until: datetime | None


async def try_pin(db: AsyncConnection, caller: Caller, pin: Secret) -> Sentence | None:
    """None if `pin` is the caller's; else the sentence that the action returns at once, doing nothing more.

    1. Lock the row, so that simultaneous guesses are counted one after the other.
    2. While the PIN is locked or blocked, compare and count nothing.
    3. Compare in the hashing thread; a phone without a PIN takes the same time and gets the same sentence.
    4. Right: reset the count, and seal the hash under the newest key. Wrong: count it; the third, fifth and tenth lock
       the PIN, and its owner is notified by SMS.
    """
    kept = await _locked(db, caller.phone)
    if kept is None:
        await pin_matches(await _dummy(), pin)
        return WRONG
    if refusal := _closed(kept, caller.at):
        return refusal
    try:
        hashed = caller.keyring.open(PURPOSE, kept.sealed, caller.phone)
    except LookupError:
        log.error("pin.unreadable")
        return UNREADABLE
    if not await pin_matches(hashed, pin):
        return await _count_failure(db, caller, kept.failures + 1)
    await _count_success(db, caller, kept.sealed, hashed)
    return None


async def may_receive_pin(db: AsyncConnection, caller: Caller) -> bool:
    """Whether the caller's phone may be shown a PIN: it has none, never used its own, or was allowed a new one."""
    row = await _NOT_USED.row(db, {"phone": caller.phone})
    if row is None:
        return True
    origin, used_at, failures, reissue_until = row
    if reissue_until is not None and reissue_until > caller.at:
        return True
    # A PIN printed on a slip is never replaced by the phone alone.
    return bool(origin == SCREEN and used_at is None and failures < BLOCKED_AT)


_NOT_USED = Prepared(
    sa.text("select origin, used_at, failures, reissue_until from officer_pin where phone = :phone")
)


async def receive_pin(db: AsyncConnection, caller: Caller) -> str:
    """A new PIN for the caller, an officer who may receive one; it is shown once and kept nowhere."""
    await lock_pin(db, caller.phone)
    if not await appointments_of(db, caller) or not await may_receive_pin(db, caller):
        raise RefusedError(_("You have a work PIN already. Forgotten? Ask a treasurer for a new one."))
    return await issue_pin(
        db, caller.phone, caller.keyring, origin=SCREEN, by=By("officer", "received in my work", caller.at)
    )


async def issue_pin(db: AsyncConnection, phone: str, keyring: Keyring, *, origin: str, by: By) -> str:
    """Draw a PIN for `phone`, replace the sealed hash of any former one, and return it."""
    await lock_pin(db, phone)
    drawn = draw_pin(phone)
    kept = {
        "sealed": keyring.seal(PURPOSE, await hash_pin(drawn), phone),
        "origin": origin,
        "issued_at": by.at,
        "used_at": None,
        "failures": 0,
        "locked_until": None,
        "reissue_until": None,
    }
    statement = insert(officer_pin).values(phone=phone, **kept)
    await db.execute(statement.on_conflict_do_update(index_elements=["phone"], set_=kept))
    what = "received" if origin == SCREEN else "issued"
    await note_pin_change(db, phone, what, by=by)
    await notify(db, SERVICE, "pin issued", {phone: pin_received()}, by.at)
    return drawn


async def unlock_pin(db: AsyncConnection, phone: str, *, by: By) -> bool:
    """Unlock the PIN of `phone` and reset its count; False if it has none."""
    await lock_pin(db, phone)
    changed = await db.execute(
        sa.update(officer_pin).where(officer_pin.c.phone == phone).values(failures=0, locked_until=None)
    )
    if not changed.rowcount:
        return False
    await note_pin_change(db, phone, "unlocked", by=by)
    await notify(db, SERVICE, "pin unlocked", {phone: pin_unlocked()}, by.at)
    return True


async def allow_new_pin(db: AsyncConnection, phone: str, *, by: By) -> None:
    """Let `phone` be shown a new PIN within NEW_PIN_DAYS; the old one, and its lock, stay until then."""
    await lock_pin(db, phone)
    until = by.at + timedelta(days=NEW_PIN_DAYS)
    changed = await db.execute(
        sa.update(officer_pin).where(officer_pin.c.phone == phone).values(reissue_until=until)
    )
    if changed.rowcount:
        await note_pin_change(db, phone, "new one allowed", by=by)
        await notify(db, SERVICE, "new pin allowed", {phone: pin_renewable(NEW_PIN_DAYS)}, by.at)


async def lock_pin(db: AsyncConnection, phone: str) -> None:
    """Lock the PIN of `phone`, existing or not, until the transaction ends."""
    await lock(db, Lock.PIN, phone)


async def note_pin_change(db: AsyncConnection, phone: str, what: str, *, by: By) -> None:
    """Write down what happened to a PIN; the caller holds its lock."""
    before = select(sa.func.count()).select_from(pin_change).where(pin_change.c.phone == phone)
    row = {
        "phone": phone,
        "position": ((await db.scalar(before)) or 0) + 1,
        "what": what,
        "actor": by.actor,
        "reason": by.reason,
        "changed_at": by.at,
    }
    await db.execute(insert(pin_change), row)


def draw_pin(phone: str) -> str:
    """Five random digits, neither trivial nor a part of the phone's own number."""
    while True:
        drawn = draw_digits(PIN_DIGITS)
        if not is_trivial(drawn) and drawn not in phone:
            return drawn


def is_trivial(pin: str) -> bool:
    """Whether it has few different digits, runs up or down, or is a palindrome."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(set(pin)) < 3 or len(steps) == 1 or pin == pin[::-1]


async def _locked(db: AsyncConnection, phone: str) -> _Kept | None:
    row = await _LOCKED.row(db, {"phone": phone, "space": int(Lock.PIN), "name": phone})
    return _Kept(*row) if row else None


# The lock of `lock_pin`, and the row as it is once both are held.
_LOCKED = Prepared(
    sa.text(
        """
    with turn as materialized (select LOCK)
    select p.sealed, p.failures, p.locked_until from turn, officer_pin p where p.phone = :phone for update of p
    """.replace("LOCK", LOCK)
    )
)


def _closed(kept: _Kept, now: datetime) -> Sentence | None:
    """The refusal while the PIN is locked or blocked, if it is."""
    if kept.failures >= BLOCKED_AT:
        return BLOCKED
    if kept.locked_until is None or kept.locked_until <= now:
        return None
    return _still_locked(kept.locked_until - now)


def _still_locked(left: timedelta) -> Sentence:
    minutes = -(-int(left.total_seconds()) // 60)
    wait = counts.minutes(minutes) if minutes <= 60 else counts.hours(-(-minutes // 60))
    return _("Work PIN locked after mistakes. Nothing was done. Try again in {wait}.", wait=wait)


async def _count_failure(db: AsyncConnection, caller: Caller, failures: int) -> Sentence:
    lock = LOCKS.get(failures)
    locked_until = caller.at + lock if lock else None
    counted = {"failures": failures, "locked_until": locked_until, "used_at": None, "sealed": None}
    await _COUNT.rows(db, {"phone": caller.phone, **counted})
    if lock is None and failures < BLOCKED_AT:
        return WRONG
    log.warning("pin.locked", extra={"failures": failures})
    await note_pin_change(db, caller.phone, "locked", by=By("service", f"{failures} wrong ones", caller.at))
    await notify(db, SERVICE, "pin locked", {caller.phone: pin_locked(failures)}, caller.at)
    return _still_locked(lock) if lock else BLOCKED


async def _count_success(db: AsyncConnection, caller: Caller, sealed: bytes, hashed: bytes) -> None:
    keyring = caller.keyring
    try:
        keyring.newest().open(PURPOSE, sealed, caller.phone)
    except LookupError:
        sealed = keyring.seal(PURPOSE, hashed, caller.phone)
    counted = {"failures": 0, "locked_until": None, "used_at": caller.at, "sealed": sealed}
    await _COUNT.rows(db, {"phone": caller.phone, **counted})


_COUNT = Prepared(
    sa.text("""
    update officer_pin set failures = :failures, locked_until = :locked_until, used_at = coalesce(:used_at, used_at),
           sealed = coalesce(:sealed, sealed)
     where phone = :phone
    """)
)


_dummies: list[bytes] = []


async def _dummy() -> bytes:
    """The hash of a PIN that is nobody's."""
    if not _dummies:
        _dummies.append(await hash_pin(secrets.token_hex(8)))
    return _dummies[0]
