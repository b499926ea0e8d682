"""Puts the parts of a long SMS together: by what its provider tells of them, or by time and phone.

A part waits in the inbox and holds up no other message. When all parts are there, one message of all their words takes
its place behind them and is played as any other; the parts are set aside. A message of which a part is missing is not
played: its phone is asked to send it again. Where the provider tells nothing, an SMS as long as the network makes a
part waits for the next one of its phone; without one it is a message of its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from prepared import Prepared
from sms.deps import InboundSms
from sms.inbox import LONGEST_TEXT
from timing import Clock

# From the last part that came on: several tries of a phone where the network is weak.
PARTS_WAIT = timedelta(minutes=3)
# Nothing tells that it is a part: a message of just its length is answered so late.
CUT_WAIT = timedelta(seconds=30)
# What comes again, or too late, is not answered once more. After this time its reference is that of another message.
LATE = timedelta(minutes=15)


class _WaitingRow(NamedTuple):
    """A row of the inbox: a part, or what came behind a part of an unknown number."""

    id: str
    part: int | None
    body: str
    received_at: datetime


async def put_together(db: AsyncConnection, received: InboundSms, clock: Clock, now: datetime) -> bool:
    """Whether `received` was a part and is dealt with; if not, it is to be answered.

    Each part is looked at when it comes, and the last one again when the wait for the others is over.
    """
    if received.part is None and not received.follows:
        return False
    key = {"provider": received.provider, "id": received.id}
    waiting = [_WaitingRow(*row) for row in await _MESSAGE.rows(db, key)]
    if received.parts:
        return await _by_reference(db, received, waiting, clock, now)
    return await _by_time(db, received, waiting, clock, now)


async def _by_reference(
    db: AsyncConnection, received: InboundSms, waiting: Sequence[_WaitingRow], clock: Clock, now: datetime
) -> bool:
    """Join the parts once all are there; of one that came twice the last counts."""
    words = {row.part or 0: row.body for row in waiting}
    is_whole = len(words) == received.parts
    if not is_whole and await _waits(db, received, waiting, clock.scaled(PARTS_WAIT), now):
        return True
    if await _is_known(db, received, waiting, now - clock.scaled(LATE), is_whole=is_whole):
        await _set_aside(db, received, waiting, now)
    elif is_whole:
        await _join(db, received, waiting, [words[number] for number in sorted(words)], now)
    else:
        await _set_aside(db, received, [row for row in waiting if row.id != received.id], now)
        return False
    return True


async def _by_time(
    db: AsyncConnection, received: InboundSms, waiting: Sequence[_WaitingRow], clock: Clock, now: datetime
) -> bool:
    """Join what came up to the first SMS that no other follows; the same again counts once."""
    ends = [nth for nth, row in enumerate(waiting, 1) if row.part is None]
    if not ends and await _waits(db, received, waiting, clock.scaled(CUT_WAIT), now):
        return True
    taken = waiting[: ends[0]] if ends else waiting
    if len(taken) == 1:
        return False
    await _join(db, received, taken, list(dict.fromkeys(row.body for row in taken)), now)
    return True


async def _waits(
    db: AsyncConnection, received: InboundSms, waiting: Sequence[_WaitingRow], wait: timedelta, now: datetime
) -> bool:
    """Whether the wait for the other parts is not over; then `received` is looked at again when it is."""
    until = max(row.received_at for row in waiting) + wait
    if until > now:
        await _WAIT.rows(db, {"provider": received.provider, "id": received.id, "until": until})
    return until > now


async def _join(
    db: AsyncConnection,
    received: InboundSms,
    taken: Sequence[_WaitingRow],
    words: Sequence[str],
    now: datetime,
) -> None:
    """Write the whole message behind all others, to be played as any other, and set its parts aside."""
    key = {"provider": received.provider, "id": received.id}
    await _WHOLE.rows(db, {"body": "".join(words)[:LONGEST_TEXT], "now": now} | key)
    await _set_aside(db, received, taken, now)


async def _is_known(
    db: AsyncConnection,
    received: InboundSms,
    waiting: Sequence[_WaitingRow],
    since: datetime,
    *,
    is_whole: bool,
) -> bool:
    """Whether these parts came before, or are the late rest of a message that its phone was asked to send again."""
    facts = {"provider": received.provider, "id": received.id, "since": since}
    earlier = await _EARLIER.rows(db, facts)
    asked = any(answered for _part, _body, answered in earlier)
    came = {(part, body) for part, body, _answered in earlier}
    return not is_whole if asked else all((row.part, row.body) in came for row in waiting)


async def _set_aside(
    db: AsyncConnection, received: InboundSms, rows: Sequence[_WaitingRow], now: datetime
) -> None:
    facts = {"provider": received.provider, "ids": [row.id for row in rows], "now": now}
    await _SET_ASIDE.rows(db, facts)


# The rows of one message: the same phone, line and provider, and the same reference or none.
_OF_ONE_MESSAGE = """
    from sms_inbox this join sms_inbox other on other.phone = this.phone
        and (other.provider, other.short_code) = (this.provider, this.short_code)
        and (other.reference, other.parts) is not distinct from (this.reference, this.parts)
    where this.provider = :provider and this.provider_message_id = :id
"""
_MESSAGE = Prepared(
    text(f"""
    select other.provider_message_id, other.part, other.body, other.received_at {_OF_ONE_MESSAGE}
        and other.state = 'WAITING'
    order by other.received_at, other.nth for update of other
    """)
)
_EARLIER = Prepared(
    text(f"""
    select other.part, other.body, other.state = 'ANSWERED' {_OF_ONE_MESSAGE} and other.handled_at > :since
    """)
)
_WHOLE = Prepared(
    text("""
    insert into sms_inbox (provider, provider_message_id, phone, short_code, body, received_at, due_at)
    select provider, provider_message_id || ' whole', phone, short_code, :body, :now, :now from sms_inbox
    where provider = :provider and provider_message_id = :id
    """)
)
_WAIT = Prepared(
    text("""
    update sms_inbox set due_at = :until
    where provider = :provider and provider_message_id = :id and state = 'WAITING'
    """)
)
_SET_ASIDE = Prepared(
    text("""
    update sms_inbox set state = 'SET_ASIDE', handled_as = 'part', handled_at = :now
    where provider = :provider and provider_message_id = any(cast(:ids as text[])) and state = 'WAITING'
    """)
)
