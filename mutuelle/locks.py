"""Locks of something without a row that can be locked: a phone, the roles of a mutuelle, an officer's cash.

They are PostgreSQL's advisory locks of two numbers. The first is the space, so that one thing's lock is never another
thing's; the second is a hash of the name. (Two names with one hash wait for each other, no more. The schema's own lock,
`migrations.LOCK_KEY`, is of one number: PostgreSQL keeps those apart.) A row that can be locked needs nothing here.
"""

from enum import IntEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from prepared import Prepared


class Lock(IntEnum):
    """The spaces, as `classid` of `pg_locks` shows them, and what names a lock of each."""

    PHONE = 1  # the phone
    PIN = 2  # the officer's phone
    ROLES = 3  # the mutuelle
    CASH = 4  # mutuelle, role and phone of the officer
    CHECKS = 5  # mutuelle and facility
    DIGEST_ANSWERS = 6  # mutuelle, phone and hour of the digest
    IMPORT = 7  # the mutuelle
    VOUCHERS = 8  # the mutuelle
    STATEMENT = 9  # mutuelle and account
    OPERATORS = 10  # nothing: their health is judged by one worker at a time


# What `lock` asks for, to stand in a larger statement: `:space` as a number, and `:name`.
LOCK = "pg_advisory_xact_lock(:space, hashtext(:name))"


async def lock(db: AsyncConnection, space: Lock, *name: str) -> None:
    """Wait for this lock, and hold it until the transaction ends."""
    await _LOCK.rows(db, {"space": int(space), "name": " ".join(name)})


_LOCK = Prepared(sa.text(f"select {LOCK}"))
