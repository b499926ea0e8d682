"""PINs: issued by the system, kept as a sealed argon2id hash, locked after wrong ones. Here are those of officers; the
PIN of a household is tried and locked in the same way (`try_kept`).

A PIN is never in a log, a message or a record. A wrong one is counted under the row's lock by the action's own
transaction, which therefore must commit: `try_pin` answers with a sentence, it does not raise.
"""

import logging
import secrets
from collections.abc import Callable
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
from talk.answers import Secret, WrongSecret, wrong_secret
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
HAS_ONE = _("You have a work PIN already. Forgotten? Ask a treasurer for a new one.")
TOO_LATE = _(
    "Your work PIN was not received within 3 days. Ask a treasurer: she dials, presses 9, 5, 4, and it is shown here."
)
UNREADABLE = _("Your work PIN cannot be checked now. Nothing was done. Please see your mutuelle.")


@dataclass(frozen=True)
class _Kept:
    """A row with a PIN, locked by this transaction."""

    sealed: bytes
    failures: int
    locked_until: datetime | None


@dataclass(frozen=True)
class PinKind:
    """A kind of PIN: what seals it, where it is kept, what is said of it.

    `locked` reads the row of `:name` under its lock; `counted` writes its failures and lock, and `sealed` and `used_at`
    where they are kept and not null.
    """

    purpose: str
    locked: Prepared
    counted: Prepared
    wrong: WrongSecret
    blocked: Sentence
    unreadable: Sentence
    still_locked: Callable[[Sentence], Sentence]


async def try_pin(db: AsyncConnection, caller: Caller, pin: Secret) -> Sentence | None:
    """None if `pin` is the caller's; else the sentence that the action returns at once, doing nothing more.

    A lock is notified to its owner by SMS.
    """
    wrong, failures = await try_kept(db, caller, WORK_PIN, caller.phone, pin)
    if failures:
        await note_pin_change(
            db, caller.phone, "locked", by=By("service", f"{failures} wrong ones", caller.at)
        )
        await notify(db, SERVICE, "pin locked", {caller.phone: pin_locked(failures)}, caller.at)
    return wrong


async def try_kept(
    db: AsyncConnection, caller: Caller, kind: PinKind, name: str, pin: Secret
) -> tuple[Sentence | None, int]:
    """None if `pin` is the one of `name`, else what is said; and how many wrong ones have locked it, if this one did.

    1. Lock the row, so that simultaneous guesses are counted one after the other.
    2. While the PIN is locked or blocked, compare and count nothing.
    3. Compare in the hashing thread; a phone without a PIN takes the same time and gets the same sentence.
    4. Right: reset the count, and seal the hash under the newest key. Wrong: count it; the third, fifth and tenth lock
       the PIN.
    """
    row = await kind.locked.row(db, {"name": name, "space": int(Lock.PIN)})
    kept = _Kept(*row) if row else None
    if kept is None:
        await pin_matches(await _dummy(), pin)
        return kind.wrong, 0
    if refusal := _closed(kind, kept, caller.at):
        return refusal, 0
    try:
        hashed = caller.keyring.open(kind.purpose, kept.sealed, name)
    except LookupError:
        log.error("pin.unreadable")
        return kind.unreadable, 0
    if not await pin_matches(hashed, pin):
        return await _count_failure(db, kind, name, kept.failures + 1, caller.at)
    await _count_success(db, caller, kind, name, (kept.sealed, hashed))
    return None, 0


async def may_receive_pin(db: AsyncConnection, caller: Caller) -> bool:
    """Whether the caller's phone may be shown a PIN now.

    Its first one within NEW_PIN_DAYS of an appointment: later the phone may be another person's, and a treasurer says
    whose it is. One that was shown and never used, for as long. Another one while it is allowed.
    """
    return await _why_no_pin(db, caller) is None


async def lacks_pin(db: AsyncConnection, caller: Caller) -> bool:
    """Whether the caller may be shown a PIN, or has none at all and is told how to get one."""
    return await _why_no_pin(db, caller) in (None, TOO_LATE)


async def refuse_pin(db: AsyncConnection, caller: Caller) -> None:
    """RefusedError where the caller may be shown none now, with what to do."""
    if why := await _why_no_pin(db, caller):
        raise RefusedError(why)


async def _why_no_pin(db: AsyncConnection, caller: Caller) -> Sentence | None:
    since = caller.at - timedelta(days=NEW_PIN_DAYS)
    row = await _DRAWABLE.row(db, {"phone": caller.phone, "at": caller.at, "since": since})
    origin, used_at, failures, is_allowed, is_new, is_awaited = row
    if origin is None:
        return None if is_awaited else TOO_LATE
    # A PIN printed on a slip is never replaced by the phone alone.
    is_unused = bool(origin == SCREEN and used_at is None and failures < BLOCKED_AT and is_new)
    return None if is_allowed or is_unused else HAS_ONE


_DRAWABLE = Prepared(
    sa.text("""
    select p.origin, p.used_at, p.failures, coalesce(p.reissue_until > :at, false), p.issued_at > :since,
           exists (select from role_change c where c.phone = :phone and c.what = 'given' and c.role <> 'doctor'
                      and c.changed_at > :since)
           or exists (select from pin_change a where a.phone = :phone and a.what = 'new one allowed'
                         and a.changed_at > :since)
      from (select 1) one left join officer_pin p on p.phone = :phone
    """)
)


async def receive_pin(db: AsyncConnection, caller: Caller) -> str:
    """A new PIN for the caller, an officer who may receive one; it is shown once and kept nowhere."""
    await lock_pin(db, caller.phone)
    if not await appointments_of(db, caller):
        raise RefusedError(HAS_ONE)
    await refuse_pin(db, caller)
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
    """Let `phone` be shown a PIN within NEW_PIN_DAYS, its first one too; an old one, and its lock, stay until then."""
    await lock_pin(db, phone)
    until = by.at + timedelta(days=NEW_PIN_DAYS)
    await db.execute(sa.update(officer_pin).where(officer_pin.c.phone == phone).values(reissue_until=until))
    await note_pin_change(db, phone, "new one allowed", by=by)
    await notify(db, SERVICE, "new pin allowed", {phone: pin_renewable(NEW_PIN_DAYS)}, by.at)


async def has_pin(db: AsyncConnection, phone: str) -> bool:
    """Whether `phone` has, or once had, a PIN."""
    return bool(await db.scalar(select(sa.exists().where(officer_pin.c.phone == phone))))


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


def _closed(kind: PinKind, kept: _Kept, now: datetime) -> Sentence | None:
    """The refusal while the PIN is locked or blocked, if it is."""
    if kept.failures >= BLOCKED_AT:
        return kind.blocked
    if kept.locked_until is None or kept.locked_until <= now:
        return None
    return _still_locked(kind, kept.locked_until - now)


def _still_locked(kind: PinKind, left: timedelta) -> Sentence:
    minutes = -(-int(left.total_seconds()) // 60)
    return kind.still_locked(counts.minutes(minutes) if minutes <= 60 else counts.hours(-(-minutes // 60)))


async def _count_failure(
    db: AsyncConnection, kind: PinKind, name: str, failures: int, at: datetime
) -> tuple[Sentence, int]:
    lock = LOCKS.get(failures)
    locked_until = at + lock if lock else None
    counted = {"failures": failures, "locked_until": locked_until, "used_at": None, "sealed": None}
    await kind.counted.rows(db, {"name": name, **counted})
    if lock is None and failures < BLOCKED_AT:
        return kind.wrong, 0
    log.warning("pin.locked", extra={"failures": failures})
    return _still_locked(kind, lock) if lock else kind.blocked, failures


async def _count_success(
    db: AsyncConnection, caller: Caller, kind: PinKind, name: str, kept: tuple[bytes, bytes]
) -> None:
    sealed, hashed = kept
    keyring = caller.keyring
    try:
        keyring.newest().open(kind.purpose, sealed, name)
    except LookupError:
        sealed = keyring.seal(kind.purpose, hashed, name)
    counted = {"failures": 0, "locked_until": None, "used_at": caller.at, "sealed": sealed}
    await kind.counted.rows(db, {"name": name, **counted})


WORK_PIN = PinKind(
    PURPOSE,
    # The lock of `lock_pin`, and the row as it is once both are held.
    Prepared(
        sa.text(
            """
    with turn as materialized (select LOCK)
    select p.sealed, p.failures, p.locked_until from turn, officer_pin p where p.phone = :name for update of p
    """.replace("LOCK", LOCK)
        )
    ),
    Prepared(
        sa.text("""
    update officer_pin set failures = :failures, locked_until = :locked_until, used_at = coalesce(:used_at, used_at),
           sealed = coalesce(:sealed, sealed)
     where phone = :name
    """)
    ),
    WRONG,
    BLOCKED,
    UNREADABLE,
    lambda wait: _("Work PIN locked after mistakes. Nothing was done. Try again in {wait}.", wait=wait),
)


_dummies: list[bytes] = []


async def _dummy() -> bytes:
    """The hash of a PIN that is nobody's."""
    if not _dummies:
        _dummies.append(await hash_pin(secrets.token_hex(8)))
    return _dummies[0]
