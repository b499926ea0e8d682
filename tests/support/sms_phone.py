"""A phone that writes SMS, stored as the webhook does and played as the worker does."""

import re
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from menus.by_message import menus_by_message, opened_without_keyword
from menus.help import help_by_message, last_word, not_understood
from mutuelle.households.sender_profile import roles_of, sender_of
from sms import africastalking
from sms.deps import SmsDeps
from sms.inbox import store_sms
from sms.inbox_worker import answer_waiting
from sms.keywords import Phrasebook
from sms.tables import inbox, outbox
from talk.keyring import Keyring
from tests.support.town import AWA, Clock

SEALS = Keyring([b"a key of the tests, not a secret"])
CODE = re.compile(r"\b(?:OUI|YES) ([0-9]{4})\b")
_ids = count(1)


BOOK = Phrasebook(menus_by_message())


def sms_deps(pool: AsyncEngine, clock: Clock) -> SmsDeps:
    """The service's menus and keywords, with the test's clock."""
    who = (sender_of, SEALS, timing.Clock(clock), roles_of, opened_without_keyword)
    return SmsDeps(pool, BOOK, help_by_message, not_understood, last_word, *who)


@dataclass
class Writer:
    """`send` writes one SMS and returns the answer ("": none)."""

    deps: SmsDeps
    phone: str = AWA
    replies: list[str] = field(default_factory=list)

    async def send(self, words: str) -> str:
        message = await self.post(words)
        await answer_waiting(self.deps)
        return await self.reply_to(message)

    async def post(self, words: str) -> str:
        """Store an SMS without playing it; returns its id."""
        message = f"ATXid_in_{next(_ids):06}"
        form = {"id": message, "from": self.phone, "text": words, "to": "38457"}
        async with self.deps.pool.begin() as db:
            await store_sms(db, africastalking, form, self.deps.clock())
        return message

    async def reply_to(self, message: str) -> str:
        async with self.deps.pool.connect() as db:
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
