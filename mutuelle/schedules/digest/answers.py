"""Treasurers' answers to a digest: OK, or ERR and why. An answer is never changed; a later one follows it.

Where no digest was sent in the last days an answer is about the balance of its day: nobody's remark is lost. An ERR
stays on the list of remarks until its author answers OK, to that summary or a later one.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.dates import local_date
from mutuelle.locks import Lock, lock
from mutuelle.notify import notify
from mutuelle.officers.roles import Appointment, Role, appointment_of, appointments_of, officers_of
from mutuelle.schedules.tables import digest, digest_answer
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelles
from mutuelle.tables import mutuelle
from talk.answers import Kind
from talk.questions import initials, words_of
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller

OK, ERR = "OK", "ERR"
ANSWERED_WITHIN = timedelta(days=7)
MOST_ANSWERS = 10  # to one digest: each remark is an SMS to every other treasurer
REMARKS_KEPT = timedelta(days=90)
WITH_OK = _("THANK THANKS YOU ALL IS RIGHT GOOD FINE VERY RECEIVED MADAM SIR CORRECT AGREED")


@dataclass(frozen=True)
class Summary:
    """What a treasurer of one mutuelle answers: her last digest, or the balance of today; `on` is its day there.

    `fired_for` is when the digest was due, or when the day of the balance began.
    """

    mutuelle_id: str
    mutuelle_name: str
    fired_for: datetime
    on: date
    of_balance: bool = False

    @property
    def key(self) -> str:
        return f"{self.mutuelle_id} {self.fired_for.isoformat()}"

    @property
    def label(self) -> str:
        return self.mutuelle_name


@dataclass(frozen=True)
class Remark:
    """An ERR that its author has not taken back by an OK; `on` is the day of the summary it is about."""

    name: str
    on: date
    reason: str
    answered_at: datetime
    timezone: str
    position: int

    @property
    def key(self) -> str:
        return f"{self.name} {self.on} {self.position}"

    @property
    def label(self) -> str:
        return f"{self.answered_on:%d/%m} {self.name}"

    @property
    def answered_on(self) -> date:
        return local_date(self.answered_at, self.timezone)


async def summaries_to_answer(db: AsyncConnection, caller: Caller) -> list[Summary]:
    """For each mutuelle whose treasurer the caller is: her last digest, if it was sent within a week; else today's
    balance.
    """
    sent = {digest.mutuelle_id: digest for digest in await digests_to_answer(db, caller)}
    kept = {
        appointment.mutuelle_id
        for appointment in await appointments_of(db, caller)
        if appointment.role is Role.TREASURER
    }
    mutuelles = await get_mutuelles(db, kept - sent.keys())
    return [sent.get(code) or _balance_today(mutuelles[code], caller.at) for code in sorted(kept)]


def _balance_today(mutuelle: Mutuelle, at: datetime) -> Summary:
    today = mutuelle.today(at)
    begun = datetime.combine(today, time(), ZoneInfo(mutuelle.timezone))
    return Summary(mutuelle.id, mutuelle.name, begun, today, of_balance=True)


async def digests_to_answer(db: AsyncConnection, caller: Caller) -> list[Summary]:
    """The last digest of each mutuelle that was sent to the caller within a week."""
    rows = await db.execute(
        select(
            digest.c.mutuelle_id, mutuelle.c.name, digest.c.fired_for, digest.c.sent_at, mutuelle.c.timezone
        )
        .join(mutuelle, mutuelle.c.id == digest.c.mutuelle_id)
        .ext(distinct_on(digest.c.mutuelle_id))
        .where(digest.c.phone == caller.phone, digest.c.sent_at > caller.at - ANSWERED_WITHIN)
        .order_by(digest.c.mutuelle_id, digest.c.sent_at.desc())
    )
    return [Summary(row[0], row[1], row[2], local_date(row[3], row[4])) for row in rows]


async def answer_digest(
    db: AsyncConnection, caller: Caller, *, mutuelle_id: str, digest_of: str, verdict: str, reason: str | None
) -> None:
    """Keep the answer to the summary of `digest_of` (its `fired_for`, ISO 8601); notify the other treasurers of an ERR.

    RefusedError if it is no longer the last one, or too old, or the appointment has ended.
    """
    appointment = await appointment_of(db, caller, mutuelle_id, Role.TREASURER)
    fired_for = datetime.fromisoformat(digest_of)
    last = {found.mutuelle_id: found for found in await summaries_to_answer(db, caller)}.get(mutuelle_id)
    if last is None or last.fired_for != fired_for:
        raise RefusedError(_("Another summary has been sent since. Please answer the last one."))
    await _lock(db, appointment, fired_for)
    key = {"mutuelle_id": mutuelle_id, "phone": caller.phone, "fired_for": fired_for}
    of_digest = sa.and_(*(digest_answer.c[name] == value for name, value in key.items()))
    position = (await db.scalar(select(sa.func.count()).select_from(digest_answer).where(of_digest)) or 0) + 1
    if reason is not None and position > MOST_ANSWERS:
        raise RefusedError(_("You have answered this summary enough. Please see the other treasurers."))
    said = {"verdict": verdict, "reason": reason, "name": appointment.name, "channel": caller.gateway}
    row = {**key, **said, "position": position, "answered_at": caller.at, "of_balance": last.of_balance}
    await db.execute(insert(digest_answer), row)
    if reason is not None:
        await _notify_others(db, appointment, last, reason, caller.at)


async def _lock(db: AsyncConnection, appointment: Appointment, fired_for: datetime) -> None:
    """Lock out simultaneous answers. The digest's own row is a record that nobody may lock for writing."""
    await lock(db, Lock.DIGEST_ANSWERS, appointment.mutuelle_id, appointment.phone, fired_for.isoformat())


async def _notify_others(
    db: AsyncConnection, appointment: Appointment, about: Summary, reason: str, now: datetime
) -> None:
    others = [
        officer.phone
        for officer in await officers_of(db, appointment.mutuelle_id, now)
        if officer.role is Role.TREASURER and officer.phone != appointment.phone
    ]
    sentences = dict.fromkeys(
        others, digest_disputed(appointment.mutuelle_name, appointment.name, about.on, reason)
    )
    await notify(db, appointment.mutuelle_id, "digest disputed", sentences, now)


def digest_disputed(mutuelle_name: str, name: str, on: date, reason: str) -> Sentence:
    """To the other treasurers: one of them reports wrong figures."""
    return _(
        "{mutuelle}: {name} says the summary of {day} is wrong: {reason}",
        mutuelle=mutuelle_name,
        name=name,
        day=f"{on:%d/%m}",
        reason=reason,
    )


async def remarks(db: AsyncConnection, mutuelle_id: str, at: datetime) -> list[Remark]:
    """The remarks of the last three months that their authors have not taken back, the newest first."""
    later = digest_answer.alias("later")
    taken_back = sa.exists().where(
        later.c.mutuelle_id == digest_answer.c.mutuelle_id,
        later.c.phone == digest_answer.c.phone,
        later.c.verdict == OK,
        sa.tuple_(later.c.fired_for, later.c.position)
        > sa.tuple_(digest_answer.c.fired_for, digest_answer.c.position),
    )
    of_digest = (
        (digest.c.mutuelle_id == digest_answer.c.mutuelle_id)
        & (digest.c.phone == digest_answer.c.phone)
        & (digest.c.fired_for == digest_answer.c.fired_for)
    )
    rows = await db.execute(
        select(
            digest_answer,
            sa.func.coalesce(digest.c.sent_at, digest_answer.c.fired_for).label("sent_at"),
            mutuelle.c.timezone,
        )
        .outerjoin(digest, of_digest)
        .join(mutuelle, mutuelle.c.id == digest_answer.c.mutuelle_id)
        .where(
            digest_answer.c.mutuelle_id == mutuelle_id,
            digest_answer.c.verdict == ERR,
            digest_answer.c.answered_at > at - REMARKS_KEPT,
            sa.not_(taken_back),
        )
        .order_by(digest_answer.c.answered_at.desc(), digest_answer.c.phone, digest_answer.c.position.desc())
    )
    return [_remark(row) for row in rows]


def _remark(row: Row[tuple[object, ...]]) -> Remark:
    on = local_date(row.sent_at, row.timezone)
    return Remark(row.name, on, row.reason, row.answered_at, row.timezone, row.position)


def _nothing_else(typed: str) -> str:
    said = set(initials(typed).split())
    if said - {*words_of(WITH_OK)}:
        raise InvalidError(_("Nothing was kept."))
    return ""


# What may stand behind an OK. An OK with other words (but, missing) is none.
alone = Kind(
    "nothing else", _nothing_else, good=("merci",), bad=("mais", "5000"), takes_rest=True, optional=True
)
