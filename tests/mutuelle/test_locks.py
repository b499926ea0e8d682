"""Locks by name: each space has its own."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations
from mutuelle.locks import Lock, lock
from tests.support.town import AWA

ROOT = Path(migrations.__file__).parents[1]
# As SQL or as a function of SQLAlchemy; whether somebody may take one is asked with its types.
TAKEN = re.compile(r"pg_(try_)?advisory_(xact_)?lock(_shared)?\((?!bigint)")
PLACES = {"mutuelle/locks.py", "migrations/__init__.py"}  # where a lock is taken
ROOMS = ("commands", "ledger", "menus", "migrations", "mutuelle", "sms", "talk", "ussd")


async def test_a_name_is_locked_in_its_own_space_and_in_no_other(pool: AsyncEngine) -> None:
    async with pool.begin() as holder, pool.connect() as other:
        await lock(holder, Lock.PIN, AWA)
        await other.execute(text("set lock_timeout = '100ms'"))
        for space in set(Lock) - {Lock.PIN}:
            await lock(other, space, AWA)
        await lock(other, Lock.PIN, f"{AWA}1")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await lock(other, Lock.PIN, AWA)


async def test_no_lock_by_name_is_the_schemas(pool: AsyncEngine) -> None:
    async with pool.begin() as holder, pool.connect() as other:
        await migrations.keep_schema(holder)
        for space in Lock:
            await lock(holder, space, str(migrations.LOCK_KEY))
        kinds = "select objsubid from pg_locks where locktype = 'advisory' order by 1"
        assert list(await other.scalars(text(kinds))) == [1, *[2] * len(Lock)]


def test_nobody_else_takes_a_lock_of_a_number() -> None:
    files = set(ROOT.glob("*.py"))
    for room in ROOMS:
        files.update((ROOT / room).rglob("*.py"), (ROOT / room).rglob("*.sql"))
    takers = {path for path in files if TAKEN.search(path.read_text(encoding="utf-8"))}
    assert len(files) > 200
    assert {path.relative_to(ROOT).as_posix() for path in takers} == PLACES
