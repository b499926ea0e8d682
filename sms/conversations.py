"""The SMS conversation of a phone: its answers so far and its state.

A question waits for an hour: whoever writes later means something else. A confirmation waits for a day, since an SMS
may reach a phone that is off or without network; its code agrees to its exact words and to nothing else.
A phone has one: a keyword starts another in its place. An ended one keeps its keyword, to say how to begin again.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from prepared import Prepared
from sms.tables import conversation
from talk.engine import State
from talk.questions import Answer, is_confirmation
from talk.screen import View

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FORGOTTEN_AT_ONCE = 100  # rows in one round


@dataclass(frozen=True)
class Conversation:
    """`id` is that of the message that opened it, `keyword` the English source of the keyword.

    `acted`: it ended with an action. `ordered`, for the message that opens it: its keyword stands in front, it does
    not only mean the menu. `expires_at` is None until it was stored.
    """

    phone: str
    id: str
    keyword: str
    is_open: bool = True
    acted: bool = False
    state: State = field(default_factory=State)
    ordered: bool = True
    expires_at: datetime | None = None

    @property
    def life(self) -> timedelta:
        """How long it is kept from the last message on."""
        return HOUR if self.is_open and not is_confirmation(self.state.view) else DAY


async def conversation_of(db: AsyncConnection, phone: str, now: datetime) -> Conversation | None:
    """The phone's last conversation, open or ended; None once it has expired."""
    row = await _LAST.row(db, {"phone": phone, "now": now})
    if row is None:
        return None
    key, keyword, is_open, acted, answers, view, expires_at = row
    state = State(tuple(Answer(*answer) for answer in json.loads(answers)), View(**json.loads(view)))
    return Conversation(phone, key, keyword, is_open, acted, state, expires_at=expires_at)


_LAST = Prepared(
    text("""
    select id, keyword, is_open, acted, answers::text, view::text, expires_at from sms_conversation
     where phone = :phone and expires_at > :now
    """)
)


async def keep(db: AsyncConnection, talk: Conversation, expires_at: datetime) -> None:
    """Store it in place of the phone's last one; an ended one is stored without its answers."""
    said = talk.state if talk.is_open else None
    row = {
        "phone": talk.phone,
        "id": talk.id,
        "keyword": talk.keyword,
        "is_open": talk.is_open,
        "acted": talk.acted,
        "answers": json.dumps([list(answer) for answer in said.answers] if said else []),
        "view": json.dumps(asdict(said.view) if said else {}),
        "expires_at": expires_at,
    }
    await _KEEP.rows(db, row)


_KEEP = Prepared(
    text("""
    insert into sms_conversation (phone, id, keyword, is_open, acted, answers, view, expires_at)
    values (:phone, :id, :keyword, :is_open, :acted, cast(cast(:answers as text) as jsonb),
            cast(cast(:view as text) as jsonb), :expires_at)
    on conflict (phone) do update set (id, keyword, is_open, acted, answers, view, expires_at)
        = (excluded.id, excluded.keyword, excluded.is_open, excluded.acted, excluded.answers, excluded.view,
           excluded.expires_at)
    """)
)


async def forget_expired(db: AsyncConnection, now: datetime) -> None:
    """Delete expired conversations, except rows that another worker has locked."""
    expired = (
        select(conversation.c.phone)
        .where(conversation.c.expires_at <= now)
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await db.execute(delete(conversation).where(conversation.c.phone.in_(expired)))
