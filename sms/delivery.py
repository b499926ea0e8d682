"""Delivery reports and opt-outs: stored as received, then applied to their messages.

A final state does not change, except that a proven delivery wins. A report may come late, twice, or before the send
call returns. A person's STOP ends some messages (`sms.tables.ENDED_BY_STOP`). After a STOP kept by the provider it
delivers nothing, so only replies are tried.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Row, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sms.provider import E164, OptoutAdapter, Proof, SmsAdapter
from sms.tables import ENDED_BY_STOP, OWN_STOPS, optout, report

log = logging.getLogger("keneya.sms")

REPORTS_A_PASS = 1000
LONGEST_FIELD = 200  # far more than any id or word that the provider documents
ADOPTION_WINDOW = timedelta(hours=1)  # a later report proves nothing about the message
CLOCK_SKEW = timedelta(seconds=5)  # between the process that called and the one that received the report
UNMATCHED_FOR = timedelta(days=2)  # longer than any network keeps a message


async def store_report(
    db: AsyncConnection, provider: SmsAdapter, fields: Mapping[str, str], now: datetime
) -> None:
    """Store one delivery report, whatever is in it; idempotent for the same content."""
    raw = {_clean(name): _clean(value) for name, value in fields.items()}
    read = provider.read_report(raw)
    row = {
        "provider": provider.NAME,
        "provider_message_id": read.provider_message_id,
        "status": read.status,
        "rank": read.proof,
        "phone": read.phone,
        "failure_reason": read.failure_reason,
        "raw": raw,
        "content_hash": hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).digest(),
        "received_at": now,
    }
    new = insert(report).values(row).on_conflict_do_nothing().returning(report.c.id)
    stored = await db.scalar(new)
    if stored and read.proof is Proof.UNKNOWN_WORD and not await db.scalar(_KNOWN_WORD, row | {"id": stored}):
        log.warning("sms_report_unknown_word", extra={"provider": provider.NAME, "word": read.status[:40]})


# Whether a word that nobody knows was told before: it is one alarm, however many reports bring it.
_KNOWN_WORD = text(
    "select exists (select from sms_report where provider = :provider and status = :status and rank = 0 and id <> :id)"
)


async def store_optout(
    db: AsyncConnection, provider: OptoutAdapter, fields: Mapping[str, str], now: datetime
) -> None:
    """Store that the provider no longer delivers to a phone; an impossible phone is dropped.

    It replaces the person's own STOP: a phone has one open opt-out.
    """
    phone = provider.read_optout({name: _clean(value) for name, value in fields.items()})
    if not E164.fullmatch(phone):
        log.warning("sms_optout_without_phone", extra={"provider": provider.NAME})
        return
    own = (optout.c.phone == phone) & optout.c.until.is_(None) & optout.c.source.in_(OWN_STOPS)
    await db.execute(update(optout).where(own).values(until=func.greatest(now, optout.c.since)))
    await opt_out(db, phone, provider.NAME, now)


async def opt_out(db: AsyncConnection, phone: str, source: str, now: datetime) -> bool:
    """Opt `phone` (E.164) out from now; `source` is the provider's name, or the gateway of the person's STOP.

    False if it is opted out already: the first date stays.
    """
    stop = insert(optout).values(phone=phone, source=source, since=now).on_conflict_do_nothing()
    return await db.scalar(stop.returning(optout.c.id)) is not None


async def opt_in(db: AsyncConnection, phone: str, now: datetime) -> bool:
    """End the opt-out of `phone`: from now it gets every message. False if it had none."""
    stopped = (optout.c.phone == phone) & optout.c.until.is_(None)
    until = func.greatest(now, optout.c.since)
    return (await db.execute(update(optout).where(stopped).values(until=until))).rowcount > 0


def ended_by_stop(message: str, provider: str) -> str:
    """The SQL condition that a STOP of its phone withholds `message` (an alias) from `provider` (an expression)."""
    kinds = ", ".join(f"'{kind}'" for kind in ENDED_BY_STOP)
    return f"""(not {message}.is_reply and exists (
        select from sms_optout stop where stop.phone = {message}.phone and stop.until is null
            and (stop.source = {provider} or split_part({message}.template, ',', 1) in ({kinds}))))"""


async def apply_reports(pool: AsyncEngine, now: datetime) -> int:
    """Apply the new stored reports, at most REPORTS_A_PASS; returns how many."""
    async with pool.begin() as db:
        return await apply_new_reports(db, now)


async def apply_new_reports(db: AsyncConnection, now: datetime) -> int:
    """The same inside the caller's transaction.

    1. A message in doubt has no provider id: it adopts the id of a report to its phone that fits no other message.
    2. Each message moves to what its best new report proves, if the move is legal; the reports are marked applied.
    3. Reports without a message after UNMATCHED_FOR are marked applied, without a message.
    """
    since = {"window": now - ADOPTION_WINDOW, "skew": CLOCK_SKEW}
    await db.execute(_ADOPT, since)
    applied = (await db.execute(_APPLY, {"now": now, "limit": REPORTS_A_PASS})).all()
    for row in applied:
        _log_move(row)
    await db.execute(_GIVE_UP, {"now": now, "before": now - UNMATCHED_FOR})
    return len(applied)


def _log_move(row: Row[tuple[object, ...]]) -> None:
    if row.rank == Proof.NOT_DELIVERED:
        facts = {"mutuelle": row.mutuelle_id, "sms": str(row.message_id), "status": row.status[:40]}
        log.warning("sms_not_delivered", extra=facts)


def _clean(value: str) -> str:
    """The text without characters that PostgreSQL cannot store: a report that fails is sent again for ever."""
    return value[:LONGEST_FIELD].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


# No id is adopted while another message to that phone is under way or in doubt, nor if two ids fit: a wrong guess
# would hide a lost message, and one resend does no harm.
_ADOPT = text(
    """
    with lonely as (
        select phone, min(provider) as provider, min(called_at) as called_at from sms_outbox
        where state = 'SENDING' or (state = 'IN_DOUBT' and in_doubt_at > :window)
        group by phone
        having count(*) = 1 and bool_and(state = 'IN_DOUBT' and provider_message_id is null)
    ), proof as (
        select lonely.phone, min(heard.provider_message_id) as provider_message_id
        from lonely join sms_report heard
            on heard.phone = lonely.phone and heard.provider = lonely.provider and heard.applied_at is null
            and heard.received_at >= lonely.called_at - cast(:skew as interval)
        where heard.provider_message_id <> '' and not exists (
            select from sms_outbox known where known.provider_message_id = heard.provider_message_id)
        group by lonely.phone
        having count(distinct heard.provider_message_id) = 1
    )
    update sms_outbox message set provider_message_id = proof.provider_message_id
    from proof
    where message.phone = proof.phone and message.state = 'IN_DOUBT' and message.in_doubt_at > :window
        and message.provider_message_id is null
    """
)

# Stored reports that are not applied and may change a message now. A report may come under our reference while its
# message is still being handed over: it waits for the result.
IS_NEWS = """
    heard.applied_at is null and exists (select from sms_outbox message
        where message.provider_message_id = heard.provider_message_id and message.provider = heard.provider
            and message.state not in ('DUE', 'SENDING'))
"""

# rank: see Proof. A report about a message that moved on already changes nothing, and is marked applied.
_APPLY = text(
    """
    with news as (
        select heard.id, heard.rank, heard.status, heard.failure_reason, heard.received_at,
            message.mutuelle_id, message.id as message_id
        from sms_report heard join sms_outbox message
            on message.provider_message_id = heard.provider_message_id and message.provider = heard.provider
            and message.state not in ('DUE', 'SENDING')
        where heard.applied_at is null
        order by heard.received_at
        limit :limit
        for update of heard skip locked
    ), best as (
        select distinct on (mutuelle_id, message_id) * from news
        order by mutuelle_id, message_id, rank desc, received_at desc
    ), moved as (
        update sms_outbox message set
            state = case rank when 3 then 'DELIVERED' when 2 then 'FAILED' else 'SENT' end,
            provider_status = status,
            reason = case rank when 2 then coalesce(failure_reason, status) end,
            sent_at = coalesce(message.sent_at, received_at),
            final_at = case when rank >= 2 then received_at end,
            in_doubt_at = null, lease_token = null
        from best
        where message.mutuelle_id = best.mutuelle_id and message.id = best.message_id and (
            (rank = 3 and state in ('IN_DOUBT', 'SENT', 'FAILED'))
            or (rank = 2 and state in ('IN_DOUBT', 'SENT'))
            or (rank <= 1 and state = 'IN_DOUBT'))
    )
    update sms_report heard
    set applied_at = :now, mutuelle_id = news.mutuelle_id, message_id = news.message_id
    from news where heard.id = news.id
    returning heard.mutuelle_id, heard.message_id, heard.rank, heard.status
    """
)

_GIVE_UP = text("update sms_report set applied_at = :now where applied_at is null and received_at < :before")
