"""Acts of support as written in a transcript, one a line, as `keneya` does them."""

import re
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mutuelle.acts import By
from mutuelle.households.support_acts import SupportError
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support import changes, merging, who
from mutuelle.year_end.closing import YearEndError, close_year

DRAWN = re.compile(r"receipt [A-Z2-7]{6}\b(, [0-9a-f-]{36})?")


async def play(pool: AsyncEngine, typed: str, at: datetime) -> list[str]:
    """Do the act of one line; returns what support reads, or the one line of a fault."""
    try:
        async with pool.begin() as db:
            lines = await _act(db, typed.split(), By("Kadidia", "she came to the office", at))
    except (SupportError, YearEndError) as fault:
        return [f"keneya: {fault}"]
    return [DRAWN.sub("receipt ABC234", line) for line in lines]


async def _act(db: AsyncConnection, typed: list[str], by: By) -> list[str]:
    match typed:
        case ["who", number] if len(number) == 9:
            return await who.about_household(db, number, by)
        case ["who", phone]:
            return await who.about_phone(db, phone, by)
        case ["phone", number, new]:
            await changes.change_phone(db, number, by, new=new, old=None)
        case ["head", number, rank, *name]:
            await changes.change_head(db, number, by, name=" ".join(name), rank=int(rank), left=True)
        case ["merge", number, into]:
            await merging.merge_households(db, number, into, by)
        case ["close", number]:
            await changes.close_household(db, number, by, although_covered=False)
        case ["reopen", number]:
            await merging.reopen_household(db, number, by)
        case ["year", year]:
            return await _close_year(db, int(year), by)
        case _:
            raise AssertionError(f"support cannot {' '.join(typed)!r}")
    return []


async def _close_year(db: AsyncConnection, year: int, by: By) -> list[str]:
    closed = await close_year(db, await get_mutuelle(db, "BEN"), year, by)
    return [
        f"{closed.year} is closed: {closed.members.households} household, {closed.members.covered} covered"
    ]
