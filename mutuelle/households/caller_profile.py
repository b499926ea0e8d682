"""The caller profile: what the home menu must know of a caller, in one query; every hop of every call runs it.

It only decides which menus are offered. Each menu reads for itself, and each action checks again.
"""

from functools import cache
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.households.confirmation import waiting_for_phone
from mutuelle.households.households import OF_PHONE
from mutuelle.officers.roles import appointments_by
from talk.words import Caller


class CallerProfile(NamedTuple):
    """`is_asked`: a household waits for this phone's confirmation; `has_appointment`: one is in force today."""

    is_asked: bool
    is_member: bool
    has_appointment: bool


async def caller_profile(db: AsyncConnection, caller: Caller) -> CallerProfile:
    """Who the calling phone is to the mutuelles today."""
    facts = {"phone": caller.phone, "value": caller.phone, "at": caller.at}
    return CallerProfile(*(await db.execute(_profile(), facts)).one())


@cache  # made once
def _profile() -> Select[bool, bool, bool]:
    return select(
        sa.exists(waiting_for_phone()),
        sa.exists(OF_PHONE.order_by(None)),
        sa.exists(appointments_by("phone")),
    )
