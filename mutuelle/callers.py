"""What home must know of a caller to draw itself, in one question: every hop of every call asks it.

It says only which doors there are. What is behind a door reads for itself, and every deed once more.
"""

from functools import cache
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.confirmation import waiting_for_phone
from mutuelle.households import OF_PHONE
from mutuelle.staff.roles import offices_by
from talk.words import Caller


class Known(NamedTuple):
    """`is_asked`: a household waits for this phone's word; `has_office`: one is in force today."""

    is_asked: bool
    is_member: bool
    has_office: bool


async def known_of(db: AsyncConnection, caller: Caller) -> Known:
    """Who the calling phone is to the mutuelles today."""
    facts = {"phone": caller.phone, "value": caller.phone, "at": caller.at}
    return Known(*(await db.execute(_known(), facts)).one())


@cache  # made once
def _known() -> Select[bool, bool, bool]:
    return select(
        sa.exists(waiting_for_phone()), sa.exists(OF_PHONE.order_by(None)), sa.exists(offices_by("phone"))
    )
