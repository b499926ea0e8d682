"""The outbox: a message is written in the transaction that made it due, and `send_due` hands it to the provider.

One message a key, and one call an attempt: a message that may have been sent is in doubt, not retried. This room has
no sentences of the product: the caller gives the body, in the recipient's language.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales.letters import fold
from prepared import Prepared
from sms.in_doubt import settle_in_doubt
from sms.leases import CALL_LIMIT, IS_DUE, LEASE, Claim, claim_due, give_back, record
from sms.provider import E164, OutgoingSms, Provider, SendResult, SendStatus
from sms.routes import Routes
from sms.segments import MAX_SEGMENTS, segments
from timing import Clock
from values import value

log = logging.getLogger("keneya.sms")

# A call begun later than this after its claim could outlive the lease: two senders would have the message.
START_WITHIN_S = (LEASE - CALL_LIMIT).total_seconds() - 5


@value
class Message:
    """One SMS about one business event.

    `mutuelle` is a mutuelle's code, or `sms.tables.SERVICE`. `key` names the event: the same key is sent once.
    `template` names the sentence, for budgets and reports. `receipt_code` marks the receipt of a payment, `reply` the
    answer to a message of that phone: both have their own budget; no STOP withholds a reply.
    """

    mutuelle: str
    key: str
    phone: str
    template: str
    body: str
    receipt_code: str | None = None
    due_at: datetime | None = None  # None: at once
    reply: bool = False
    provider: str | None = None  # tried first: a reply leaves by the number that was written to


async def enqueue(db: AsyncConnection, messages: Sequence[Message], now: datetime) -> None:
    """Write `messages` in the caller's transaction; idempotent: an existing key keeps its first message.

    The body is folded to GSM-7. ValueError, and nothing is written, if a body is empty or over MAX_SEGMENTS, or if a
    phone is not E.164.
    """
    bodies = [fold(message.body) for message in messages]
    counts = [_checked_segments(message, body) for message, body in zip(messages, bodies, strict=True)]
    if not messages:
        return
    columns = {
        "mutuelles": [message.mutuelle for message in messages],
        "keys": [message.key for message in messages],
        "phones": [message.phone for message in messages],
        "templates": [message.template for message in messages],
        "bodies": bodies,
        "codes": [message.receipt_code for message in messages],
        "replies": [message.reply for message in messages],
        "counts": counts,
        "dues": [message.due_at or now for message in messages],
        "providers": [message.provider for message in messages],
    }
    await _INSERT.rows(db, {**columns, "now": now})


async def send_due(
    pool: AsyncEngine, provider: Provider, clock: Clock, routes: Routes | None = None, *, limit: int = 32
) -> int:
    """Hand over what is due at `provider`; returns how many rows it dealt with, so call it again until that is 0.

    1. Look whether there is anything, in one statement. Settle what `provider` was handed and has not ended: expired
       leases, delivery reports, the one resend (`sms.in_doubt`).
    2. Claim at most `limit` rows (and no more than the provider takes at once): SENDING, with a lease token, the
       attempt counted. In the same statement WITHHELD for a STOP or a spent budget of the phone.
    3. Commit. From here a crash leaves the rows IN_DOUBT when the lease expires, never DUE.
    4. Call the provider for each row, unless this process slept so long that another may have the lease.
    5. Record each outcome in its own transaction, with the lease token, as soon as it is known.

    A cancelled pass (shutdown) finishes its calls first.
    """
    started, clock, routes = monotonic(), clock.stopped(), routes or Routes.only(provider.name)
    async with pool.begin() as db:
        facts = {"provider": provider.name, "now": clock()}
        is_open, is_due = (await db.execute(_WORK, facts)).one()
        if is_open:
            await settle_in_doubt(db, provider.name, clock)
    if not (is_open or is_due):
        return 0
    async with pool.begin() as db:
        claims, withheld = await claim_due(db, provider, routes, clock, limit)
    sending = Sending(pool, provider, routes, clock, started)
    work = asyncio.gather(*(_hand_over(sending, claim) for claim in claims), return_exceptions=True)
    try:
        outcomes = await asyncio.shield(work)
    except asyncio.CancelledError:
        await work
        raise
    _warn_of_account(provider, [outcome for outcome in outcomes if isinstance(outcome, SendResult)])
    for fault in outcomes:
        if isinstance(fault, BaseException):
            raise fault
    return len(claims) + withheld


_WORK = text(
    """
    select exists (select from sms_outbox where state in ('SENDING', 'IN_DOUBT') and provider = :provider),
        exists (select from sms_outbox where IS_DUE)
    """.replace("IS_DUE", IS_DUE)
)


@dataclass(frozen=True)
class Sending:
    """What the rows of one pass share; `claimed_at` stands still at the claim, which `started` then (monotonic)."""

    pool: AsyncEngine
    provider: Provider
    routes: Routes
    claimed_at: Clock
    started: float


async def _hand_over(sending: Sending, claim: Claim) -> SendResult | None:
    """Steps 4 and 5 for one row."""
    if monotonic() - sending.started > START_WITHIN_S:
        async with sending.pool.begin() as db:
            await give_back(db, claim)
        return None
    message = OutgoingSms(str(claim.id), claim.phone, claim.body, sending.routes.sender(claim.phone))
    try:
        async with asyncio.timeout(CALL_LIMIT.total_seconds()):
            outcome = await sending.provider.send(message)
    except TimeoutError:
        outcome = SendResult(SendStatus.UNKNOWN, reason="no answer within the call limit")
    at = sending.claimed_at
    known_at = Clock.at(at() + timedelta(seconds=monotonic() - sending.started), at.scale)
    async with sending.pool.begin() as db:
        await record(db, claim, outcome, sending.routes, known_at)
    return outcome


def _warn_of_account(provider: Provider, outcomes: Sequence[SendResult]) -> None:
    """Log one warning a pass, however many messages wait."""
    waiting = [outcome for outcome in outcomes if outcome.answer is SendStatus.ACCOUNT]
    if waiting:
        log.warning(
            "sms_account_trouble",
            extra={"provider": provider.name, "reason": waiting[0].reason, "messages": len(waiting)},
        )


_INSERT = Prepared(
    text("""
    insert into sms_outbox
        (mutuelle_id, key, phone, template, body, receipt_code, is_reply, segments, due_at, provider, created_at)
    select *, cast(:now as timestamptz) from unnest(
        cast(:mutuelles as text[]), cast(:keys as text[]), cast(:phones as text[]),
        cast(:templates as text[]), cast(:bodies as text[]), cast(:codes as text[]),
        cast(:replies as boolean[]), cast(:counts as smallint[]), cast(:dues as timestamptz[]),
        cast(:providers as text[]))
    order by 1, 2  -- two transactions with the same keys take them in the same order
    on conflict (mutuelle_id, key) do nothing
    """)
)


def _checked_segments(message: Message, body: str) -> int:
    """The segments of `body`; ValueError names the message by its key: a body must not be in a log."""
    count = segments(body)
    if not body.strip():
        raise ValueError(f"message {message.key} ({message.template}) has an empty body")
    if count > MAX_SEGMENTS:
        raise ValueError(
            f"message {message.key} ({message.template}) takes {count} segments, over {MAX_SEGMENTS}"
        )
    if not E164.fullmatch(message.phone):
        raise ValueError(f"message {message.key} ({message.template}) has no E.164 phone")
    return count
