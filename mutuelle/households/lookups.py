"""Officers look up members of their own mutuelle, by name or by place: each look-up is one row, and limited a day."""

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from talk.limits import DAY, Limited, alarm_once, begun, is_noted, note_use, uses_since
from talk.trouble import RefusedError
from talk.words import Caller

LOOKUPS_A_DAY = 80  # of one officer: more than a collector visits


async def note_lookup(db: AsyncConnection, caller: Caller, what: str) -> None:
    """Write down that the calling officer looks up `what` today (UTC), once; RefusedError past the day's limit.

    What was written down today is never refused: a call looks it up again before each confirmation.
    """
    today = begun(caller.at, DAY)
    mine = (Limited.MEMBER_LOOKED_UP, caller.phone, f"{today:%Y-%m-%d} {what}")
    used = await uses_since(db, Limited.MEMBER_LOOKED_UP, today, subject=caller.phone)
    if used >= LOOKUPS_A_DAY and not await is_noted(db, *mine):
        raise RefusedError(_("You have looked up many households today. Please go on tomorrow."))
    if await note_use(db, *mine, caller.at):
        alarm_once("members_looked_up_by_one", used + 1, LOOKUPS_A_DAY, phone=caller.phone)
