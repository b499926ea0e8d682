"""Codes drawn at random until one is free: member numbers, receipt codes, references, care codes.

They are never sequential: nobody who knows one may derive the next.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_DRAWS = 50  # enough until a mutuelle has used most of its 100 000 member numbers
Code = TypeVar("Code")


class NoFreeCodeError(RuntimeError):
    """Nearly all codes of a kind are taken."""


def draw_digits(count: int) -> str:
    """`count` random digits, zeros in front included."""
    return f"{secrets.randbelow(10**count):0{count}}"


async def draw_free(what: str, draw: Callable[[], Code], take: Callable[[Code], Awaitable[bool]]) -> Code:
    """The first drawn code that is free: `take` writes a code, or returns False where it is taken.

    `what` names the code in NoFreeCodeError.
    """
    for _draw in range(MOST_DRAWS):
        code = draw()
        if await take(code):
            return code
    raise NoFreeCodeError(f"no free {what}")


async def insert_if_free(db: AsyncConnection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert the row; False, and nothing is written, where a unique key of it is taken."""
    statement = insert(table).values(row).on_conflict_do_nothing().returning(sa.literal(True))
    return bool(await db.scalar(statement))
