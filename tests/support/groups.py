"""A group pays one sum for many households: it came by a statement, and a person of the service types the list."""

import re
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from commands.group import receipt_of, result_of
from locales import Sentence, render
from mutuelle.acts import By
from mutuelle.households.households import Household
from mutuelle.imports.group_lists import NewGroup, TakenGroup, take_list
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.unmatched.group_acts import group_payment
from mutuelle.treasury.unmatched.groups import GroupList
from tests.support.statements import TODAY, line, taken
from tests.support.town import NOON, join
from tests.support.unmatched import DAY, both

PAYER = "SOTRAMA"
HEAD = "numéro;montant;nom"
CODE = re.compile(r"\b(?<=liste |.REÇU )[A-Z2-7]{6}\b|[A-Z2-7]{6}$")
CAME = TODAY - 5 * DAY


async def homes(pool: AsyncEngine, count: int, *, at: datetime = NOON - 10 * DAY) -> list[Household]:
    """So many households that owe 12 000 F each."""
    return [
        await join(pool, f"+223760001{nth:02}", at=at, name=f"Awa Koné {chr(65 + nth)}", cash=True)
        for nth in range(count)
    ]


async def comes(pool: AsyncEngine, minor: int, nth: int = 1, payer: str = "") -> None:
    """The sum comes without a number."""
    assert (await taken(pool, [line(nth, minor, "SOTRAMA cotisations", payer=payer, on=CAME)])).unmatched == 1


async def lists(
    pool: AsyncEngine,
    rows: str,
    *,
    money: str = "",
    names_differ: bool = False,
    dry: bool = False,
    payer: str = PAYER,
    head: str = HEAD,
    actor: str = "Kadidia",
    at: datetime = NOON,
) -> TakenGroup:
    """What becomes of a list of these lines, as `keneya group pay` takes it; faults and trials leave nothing."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "liste.csv"
        path.write_text(f"{head}\n{rows}\n")
        async with pool.connect() as db:
            new, by = NewGroup(payer, money, names_differ, dry), By(actor, "salaires de novembre", at)
            found = await take_list(db, await get_mutuelle(db, "BEN"), path, new, by)
            await (db.rollback() if found.faults or dry else db.commit())
    return found


async def listed(
    pool: AsyncEngine, parts: dict[str, int], *, money: str = "", payer: str = PAYER, actor: str = "Kadidia"
) -> GroupList:
    """A list without a fault."""
    found = await lists(
        pool,
        "\n".join(f"{number};{minor};" for number, minor in parts.items()),
        money=money,
        payer=payer,
        actor=actor,
    )
    assert found.listed, faults_in(found)
    return found.listed


def faults_in(found: TakenGroup) -> list[str]:
    return [render(fault.sentence, "en") for fault in found.faults]


async def split(pool: AsyncEngine, parts: dict[str, int]) -> GroupList:
    """The sum of these parts comes, and two treasurers split it by its list."""
    await comes(pool, sum(parts.values()))
    found = await listed(pool, parts)
    await both(pool, group_payment(found))
    return found


async def group_typed(pool: AsyncEngine, words: str, at: datetime) -> list[str]:
    """What a person of the service types, and reads: `[--dry-run] PAYER NUMBER=AMOUNT …`, or `receipt`."""
    said: list[Sentence | str]
    if words == "receipt":
        async with pool.connect() as db:
            code = await db.scalar(text("select list from money_decision where list is not null"))
            said = await receipt_of(db, await get_mutuelle(db, "BEN"), str(code))
    else:
        _before, dry, rest = words.rpartition("--dry-run ")
        payer, *parts = rest.split()
        rows = "\n".join(f"{part.replace('=', ';')};" for part in parts)
        said = [*result_of(await lists(pool, rows, payer=payer, dry=bool(dry), at=at))]
    lines = [render(one, "fr") if isinstance(one, Sentence) else one for one in said]
    return [CODE.sub("ABC234", line) for line in lines]
