"""Limits: how many SMS of one phone are played a day, and of all strangers an hour. The rest are stored, unplayed.

Every played message costs the mutuelle an answer, so these also limit the answers to one phone.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from prepared import Prepared
from sms.leases import REPLIES_A_DAY
from sms.tables import Arrival, inbox
from talk.limits import Limited, alarm_once, note_use, uses_since
from talk.phones import region_of

DAY = timedelta(days=1)


class Sender(StrEnum):
    """Who writes: an unknown phone, the phone of a household, or that of an officer.

    FOREIGN: an unknown phone in a country without a mutuelle. It is never answered: an SMS there costs much more.
    """

    FOREIGN = "foreign"
    STRANGER = "stranger"
    MEMBER = "member"
    OFFICER = "officer"


# Joining takes eight messages; a member who pays, asks and mistypes all day stays under sixty; a doctor with a full
# waiting room checks three hundred patients.
PLAYED_A_DAY = {
    Sender.FOREIGN: 0,
    Sender.STRANGER: 20,
    Sender.MEMBER: 60,
    Sender.OFFICER: REPLIES_A_DAY - 1,
}  # the last reply says that the limit is reached
# The last of them says that it is the last, and whom to call.
HELPS_A_DAY = {Sender.FOREIGN: 0, Sender.STRANGER: 3, Sender.MEMBER: 10, Sender.OFFICER: 10}
# Two machines that answer each other cost this many replies a day.
ECHOES_A_DAY = 3
QUICK = timedelta(minutes=1)
SHORTEST_ECHO = 12  # letters: what is shorter, people do send again and again (SOLDE, VERIF and a number, 1)
HELPS = ("help", "code", "stranger", "part")
ORDERS = ("stop", "start")


async def played_since(db: AsyncConnection, phone: str, since: datetime) -> int:
    """The number of the phone's messages played after `since`, answered or not; parts are not messages."""
    count: int = await _PLAYED.value(db, {"phone": phone, "since": since})
    return count


_PLAYED = Prepared(
    text(
        "select count(*) from sms_inbox where phone = :phone and handled_at > :since"
        " and handled_as not in ('limit', 'part')"
    )
)


async def helped_since(db: AsyncConnection, phone: str, since: datetime, sender: Sender) -> int:
    """The number of helps sent to the phone; a stranger's STOP and START count too."""
    kinds = HELPS + (ORDERS if sender is Sender.STRANGER else ())
    return await _count(db, phone, since, inbox.c.handled_as.in_(kinds) & (inbox.c.state == Arrival.ANSWERED))


async def _count(db: AsyncConnection, phone: str, since: datetime, which: ColumnElement[bool]) -> int:
    mine = (inbox.c.phone == phone) & (inbox.c.handled_at > since)
    return await db.scalar(select(func.count()).select_from(inbox).where(mine, which)) or 0


async def notified_of_limit(db: AsyncConnection, phone: str, since: datetime) -> bool:
    """Whether the phone was already answered that no more is read today."""
    answered = (inbox.c.handled_as == "limit") & (inbox.c.state == Arrival.ANSWERED)
    return await _count(db, phone, since, answered) > 0


async def was_limited(db: AsyncConnection, phone: str, since: datetime) -> bool:
    """Whether a message of the phone was set aside for a limit, or as an echo, after `since`."""
    return await _count(db, phone, since, inbox.c.handled_as == "limit") > 0


async def is_echo(
    db: AsyncConnection, came: tuple[str, str], reply: str, now: datetime, since: datetime
) -> bool:
    """Whether a machine answers ours with `came` (its phone and words): `reply` would be over ECHOES_A_DAY.

    An echo says our own words back, or the same each time so soon that nobody can have read our answer, which is the
    same too. Figures do not count: a machine numbers what it says.
    """
    phone, body = came
    said = _letters(body)
    if len(said) < SHORTEST_ECHO:
        return False
    found = await _ANSWERED.rows(db, {"phone": phone, "since": since, "now": now, "quick": QUICK})
    answered = [_Earlier(_letters(words), _letters(answer), is_quick) for words, answer, is_quick in found]
    ours = {row.reply for row in answered if len(row.reply) >= SHORTEST_ECHO}
    if any(words in said for words in ours):
        echoes = [row for row in answered if any(words in row.body for words in ours)]
    else:
        echoes = [
            row for row in answered if row.is_quick and (row.body, row.reply) == (said, _letters(reply))
        ]
    return len(echoes) >= ECHOES_A_DAY


class _Earlier(NamedTuple):
    """A message of the phone that was answered, and its answer: their letters."""

    body: str
    reply: str
    is_quick: bool


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalpha())


# The last answered messages of a phone. Quick: the next one, answered or not, came within `quick`.
_ANSWERED = Prepared(
    text("""
    with came as (
        select *, coalesce(lead(received_at) over (order by received_at, nth), cast(:now as timestamptz))
            - handled_at < cast(:quick as interval) as is_quick
        from sms_inbox where phone = :phone and handled_at > :since
    )
    select came.body, answer.body, is_quick
    from came join sms_outbox answer on answer.mutuelle_id = '*'
        and answer.key = 'reply ' || came.provider || ' ' || came.provider_message_id
    where came.state = 'ANSWERED'
    order by came.handled_at desc, came.nth desc limit 60
    """)
)


async def strangers_answered(db: AsyncConnection, phone: str, since: datetime) -> int:
    """The number of answers after `since` to strangers of this phone's country: each country has its own budget."""
    return await uses_since(db, Limited.STRANGER_ANSWERED, since, subject=region_of(phone))


async def note_stranger(
    db: AsyncConnection, phone: str, message: str, now: datetime, *, since: datetime, most: int
) -> None:
    """Count an answer to a stranger; number `most` after `since` logs an event for the operator of the service."""
    country = region_of(phone)
    await note_use(db, Limited.STRANGER_ANSWERED, country, message, now)
    answered = await strangers_answered(db, phone, since)
    alarm_once("sms_strangers_stopped", answered, most, country=country)
