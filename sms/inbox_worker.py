"""Answers received SMS, one transaction a message: menu, action, answer and conversation, all or nothing.

A phone's messages are played in the order of arrival, by one worker at a time; a failing one holds up only its own
phone. The menus are handed down: this file knows none.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _, render
from prepared import Prepared, savepoint, transaction
from sms.conversations import forget_expired
from sms.deps import InboundSms, SmsDeps
from sms.dispatch import SmsAnswer, dispatch
from sms.limits import DAY, Sender, is_echo, note_stranger, was_limited
from sms.outbox import Message, enqueue
from sms.parts import put_together
from sms.segments import REPLY_IN_PARTS, segments
from sms.tables import SERVICE, Arrival
from talk.limits import HOUR, begun
from talk.preferences import language_of

log = logging.getLogger("keneya.sms")

MESSAGES_A_TURN = 50
LANES = 2  # of the worker's six connections
ATTEMPTS = 5
WAITS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
FAULT = _("Something went wrong on our side: your message was not dealt with. Please send it again later.")


async def answer_waiting(deps: SmsDeps) -> int:
    """Play about MESSAGES_A_TURN waiting messages at most; returns how many were handled.

    LANES run at once: a message that waits for a lock holds up only its own phone.
    """
    lanes = await asyncio.gather(*(_lane(deps) for _nth in range(LANES)), return_exceptions=True)
    for fault in lanes:
        if isinstance(fault, BaseException):
            raise fault
    done = sum(count for count in lanes if isinstance(count, int))
    if done:
        async with deps.pool.begin() as db:
            await forget_expired(db, deps.clock())
    return done


async def _lane(deps: SmsDeps) -> int:
    done = 0
    while done < MESSAGES_A_TURN // LANES and await answer_next(deps):
        done += 1
    return done


async def answer_next(deps: SmsDeps) -> bool:
    """Play the oldest message that may be played now; False if there is none.

    1. Take it: the first waiting message of its phone, locked until the transaction ends. Parts are put together.
    2. Play it (`sms.dispatch`) and write the answer into the outbox.
    3. Mark it and commit. If the worker is killed before, nothing has happened and the message is played again.
    4. A fault rolls back step 2; the attempt is counted under the same lock, and the last of ATTEMPTS apologises.
    """
    now = deps.clock()
    async with transaction(deps.unframed) as db:
        received = await _take(db, now)
        if received is None:
            return False
        try:
            async with savepoint(db):
                if not await put_together(db, received, deps.clock, now):
                    await _answer(deps, db, received, now)
        except Exception as fault:
            await _count_fault(deps, db, received, fault, now)
    return True


async def _answer(deps: SmsDeps, db: AsyncConnection, received: InboundSms, now: datetime) -> None:
    sender = await deps.sender_of(db, received.phone, now)
    answered = await dispatch(deps, db, received, sender, now)
    since = now - deps.clock.scaled(DAY)
    if answered.text and await is_echo(db, (received.phone, received.body), answered.text, now, since):
        answered = SmsAnswer("limit")
    limited = answered.handled_as == "limit" and sender is not Sender.FOREIGN
    if limited and not await was_limited(db, received.phone, since):
        log.warning("sms_phone_limited", extra={"sms": received.id, "known": sender})
    if answered.text and sender is Sender.STRANGER:
        hour = begun(now, deps.clock.scaled(HOUR))
        await note_stranger(db, received.phone, received.id, now, since=hour, most=deps.strangers_an_hour)
    if answered.text:
        template = REPLY_IN_PARTS if segments(answered.text) > 1 else f"reply {answered.handled_as}"
        await enqueue(db, [_reply(received, answered.text, template)], now)
    state = Arrival.ANSWERED if answered.text else Arrival.SET_ASIDE
    await _MARK.rows(db, {"state": state, "handled_as": answered.handled_as, "now": now} | _key(received))
    facts = {"sms": received.id, "as": answered.handled_as, "known": sender, "answered": bool(answered.text)}
    log.info("sms_in", extra=facts)


def _reply(received: InboundSms, body: str, template: str) -> Message:
    key = f"reply {received.provider} {received.id}"
    return Message(SERVICE, key, received.phone, template, body, reply=True, provider=received.provider)


async def _take(db: AsyncConnection, now: datetime) -> InboundSms | None:
    row = await _NEXT.row(db, {"now": now})
    return InboundSms(*row) if row else None


async def _count_fault(
    deps: SmsDeps, db: AsyncConnection, received: InboundSms, fault: Exception, now: datetime
) -> None:
    """Count a failed attempt; the last one makes the message FAILED, with an apology to its sender.

    If the connection is lost this fails too and nothing is counted: the message is not the cause.
    """
    attempts = received.attempts + 1
    last = attempts >= ATTEMPTS
    if last:
        await db.execute(_FAIL, {"attempts": attempts, "now": now} | _key(received))
        sentence = render(FAULT, await language_of(db, received.phone))
        await enqueue(db, [_reply(received, sentence, "reply fault")], now)
    else:
        due_at = now + deps.clock.scaled(WAITS[attempts - 1])
        await db.execute(_AGAIN, {"attempts": attempts, "due_at": due_at} | _key(received))
    level = logging.ERROR if last else logging.WARNING
    facts = {"sms": received.id, "attempts": attempts, "fault": type(fault).__name__}
    log.log(level, "sms_in_failed" if last else "sms_in_fault", extra=facts, exc_info=_safe(fault))


def _safe(fault: Exception) -> bool:
    """Whether the traceback may be logged: a database error quotes what people wrote."""
    return not hasattr(fault, "statement")


def _key(received: InboundSms) -> dict[str, str]:
    return {"provider": received.provider, "id": received.id}


# Only the first waiting message of a phone is taken. While another worker holds its lock, the next ones are not first,
# so two workers never play one phone at once, and the order is kept. A part that waits for others holds up nothing.
MAY_BE_PLAYED = """
    message.state = 'WAITING' and message.due_at <= cast(:now as timestamptz) and not exists (
        select from sms_inbox before where before.phone = message.phone and before.state = 'WAITING'
            and (before.received_at, before.nth) < (message.received_at, message.nth)
            and (before.part is null or before.due_at <= cast(:now as timestamptz)))
"""
_NEXT = Prepared(
    text(
        """
    select provider, provider_message_id, phone, body, attempts, part, parts, exists (
        select from sms_inbox before where before.phone = message.phone and before.state = 'WAITING'
            and (before.received_at, before.nth) < (message.received_at, message.nth)
            and (before.provider, before.short_code) = (message.provider, message.short_code)
            and before.part is not null and before.parts is null)
    from sms_inbox message
    where MAY_BE_PLAYED
    order by received_at, nth limit 1
    for update skip locked
    """.replace("MAY_BE_PLAYED", MAY_BE_PLAYED)
    )
)
_MARK = Prepared(
    text("""
    update sms_inbox set state = :state, handled_as = :handled_as, handled_at = :now
    where provider = :provider and provider_message_id = :id and state = 'WAITING'
    """)
)
_AGAIN = text(
    """
    update sms_inbox set attempts = :attempts, due_at = :due_at
    where provider = :provider and provider_message_id = :id and state = 'WAITING'
    """
)
_FAIL = text(
    """
    update sms_inbox set state = 'FAILED', handled_as = 'fault', attempts = :attempts, handled_at = :now
    where provider = :provider and provider_message_id = :id and state = 'WAITING'
    """
)
