"""A phone that writes SMS: stored as the gateway sends them, played as the worker does."""

import re
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from menus.by_message import menus_by_message
from menus.help import help_by_message, welcome
from mutuelle.acquaintance import known
from sms.inbound import store_sms
from sms.keywords import Phrasebook
from sms.letterbox import Letterbox
from sms.replies import answer_waiting
from sms.tables import inbox, outbox
from talk.seals import Seals
from tests.town import AWA, Clock

SEALS = Seals([b"a key of the tests, not a secret"])
CODE = re.compile(r"\b(?:OUI|YES) ([0-9A-Z]{4})\b")
_ids = count(1)


def letterbox(pool: AsyncEngine, clock: Clock, time_scale: float = 1.0) -> Letterbox:
    """The service's own menus and keywords, with the clock of the test."""
    book = Phrasebook(menus_by_message())
    return Letterbox(pool, book, help_by_message, welcome, known, SEALS, clock, time_scale)


@dataclass
class Writer:
    """`send` writes one SMS and returns what came back (empty: nothing)."""

    box: Letterbox
    phone: str = AWA
    replies: list[str] = field(default_factory=list)

    async def send(self, words: str) -> str:
        message = await self.post(words)
        await answer_waiting(self.box)
        return await self.reply_to(message)

    async def post(self, words: str) -> str:
        """Only store it, as the webhook does; its id."""
        message = f"ATXid_in_{next(_ids):06}"
        form = {"id": message, "from": self.phone, "text": words, "to": "38457"}
        async with self.box.pool.begin() as db:
            await store_sms(db, form, self.box.clock())
        return message

    async def reply_to(self, message: str) -> str:
        async with self.box.pool.connect() as db:
            found = outbox.c.key == f"reply africastalking {message}"
            return await db.scalar(select(outbox.c.body).where(found)) or ""

    async def agree(self, asked: str, yes: str = "OUI") -> str:
        """Answer a confirmation with its code."""
        return await self.send(f"{yes} {code_in(asked)}")


def code_in(asked: str) -> str:
    found = CODE.search(asked)
    assert found, f"no code in {asked!r}"
    return found[1]


async def handled(pool: AsyncEngine) -> list[tuple[str, str | None]]:
    """State and kind of every message, in the order of arrival."""
    async with pool.connect() as db:
        rows = await db.execute(select(inbox.c.state, inbox.c.handled_as).order_by(inbox.c.nth))
        return [(row.state, row.handled_as) for row in rows]
