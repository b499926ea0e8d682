"""Receipt codes: one household's receipt of a mutuelle never has the code of another, whatever way the money came."""

import base64
import secrets

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.free_codes import MOST_DRAWS, NoFreeCodeError
from mutuelle.tables import payment
from mutuelle.treasury.tables import cash_receipt, group_list, group_part, money_decision, statement_line

CODE_BYTES = 4  # of which thirty bits are shown: six letters and digits
# The tables with a receipt's code.
RECEIPTS = (payment, cash_receipt, statement_line, money_decision, group_list, group_part)


def draw_receipt_code() -> str:
    """Six letters and digits that a person can read over the phone."""
    return base64.b32encode(secrets.randbelow(256**CODE_BYTES).to_bytes(CODE_BYTES))[:6].decode()


async def free_receipt_codes(db: AsyncConnection, mutuelle_id: str, count: int) -> list[str]:
    """So many codes that no receipt of the mutuelle has."""
    free: set[str] = set()
    for _draw in range(MOST_DRAWS):
        drawn = {draw_receipt_code() for _code in range(count - len(free))} - free
        free |= drawn - await _taken(db, mutuelle_id, drawn)
        if len(free) == count:
            return list(free)
    raise NoFreeCodeError("no free receipt code")


async def _taken(db: AsyncConnection, mutuelle_id: str, codes: set[str]) -> set[str]:
    asked = sa.any_(sa.literal(list(codes), sa.ARRAY(sa.Text)))
    found = sa.union_all(
        *(
            sa.select(table.c.receipt_code).where(
                table.c.mutuelle_id == mutuelle_id, table.c.receipt_code == asked
            )
            for table in RECEIPTS
        )
    )
    return set(await db.scalars(found))
