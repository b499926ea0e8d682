"""Seals: a hash chain over the journals of each mutuelle, in blocks; a rewritten journal breaks it.

A block is never changed and leaves no journal out: it ends at the horizon, below which no journal can appear any more
(`docs.md` says what is hashed, byte by byte). Postings do not wait for seals, nor seals for postings.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import tables
from ledger.formats import csv_line

MOST_JOURNALS = 50_000  # in a block; a larger transaction makes a larger block
EVERY = timedelta(minutes=1)  # between two blocks that the worker makes of a mutuelle
_HASH_BYTES = 32


@dataclass(frozen=True)
class Seal:
    """Block `block`, from 1, of a mutuelle: the `journals` with a tick below `upto` that no block before it holds.

    `previous` is the root of the block before, `root` the hash over it and over all the journals of this one.
    """

    mutuelle: str
    block: int
    upto: int
    journals: int
    previous: bytes
    root: bytes
    sealed_at: datetime

    @property
    def short(self) -> str:
        """The form in a treasurer's digest: `4F7A-91C2`, the first eight of its 64 hexadecimal digits."""
        digits = self.root.hex().upper()
        return f"{digits[:4]}-{digits[4:8]}"


class Sealed(NamedTuple):
    """A new block."""

    block: int
    journals: int
    root: bytes


@dataclass(frozen=True)
class SealVerdict:
    """The result of verifying a block: `fault` says in a few words what was changed since; None if nothing was."""

    seal: Seal
    fault: str | None


async def seal_block(db: AsyncConnection, mutuelle: str, most: int = MOST_JOURNALS) -> Sealed | None:
    """Seal the next block, of at most `most` journals; None if no journal below the horizon is unsealed.

    Waits for the end of another transaction that seals the same mutuelle.
    """
    query = text("select block, journals, root from ledger.seal_block(:mutuelle, :most)")
    row = (await db.execute(query, {"mutuelle": mutuelle, "most": most})).one_or_none()
    return Sealed(*row) if row else None


async def seal(db: AsyncConnection, mutuelle: str) -> int:
    """Seal all journals below the horizon, in as many blocks as needed; returns the number of journals."""
    sealed = 0
    while block := await seal_block(db, mutuelle):
        sealed += block.journals
    return sealed


async def seal_due(pool: AsyncEngine, now: datetime) -> int:
    """Seal each mutuelle whose last block is EVERY old, one transaction a block; returns the number of blocks."""
    async with pool.connect() as db:
        waiting = list(await db.scalars(text(_WAITING), {"before": now - EVERY}))
    blocks = 0
    for mutuelle in waiting:
        while block := await _seal_alone(pool, mutuelle):
            blocks += 1
            if block.journals < MOST_JOURNALS:
                break
    return blocks


async def _seal_alone(pool: AsyncEngine, mutuelle: str) -> Sealed | None:
    async with pool.begin() as db:
        return await seal_block(db, mutuelle)


async def newest(db: AsyncConnection, mutuelle: str) -> Seal | None:
    """The last block, whose root covers the whole history up to it; None if nothing is sealed yet."""
    last = _seals(mutuelle).order_by(tables.seal.c.block.desc()).limit(1)
    row = (await db.execute(last)).mappings().one_or_none()
    return _seal(row) if row else None


async def find(db: AsyncConnection, digits: str) -> list[Seal]:
    """The blocks, of any mutuelle, whose root begins with these hexadecimal digits."""
    begins = func.starts_with(func.encode(tables.seal.c.root, "hex"), digits.lower())
    rows = await db.execute(_seals(None).where(begins).order_by(tables.seal.c.mutuelle_id))
    return [_seal(row) for row in rows.mappings()]


async def seals(db: AsyncConnection, mutuelle: str | None = None) -> AsyncIterator[Seal]:
    """Every block of a mutuelle, or of all, oldest first; streamed."""
    ordered = _seals(mutuelle).order_by(tables.seal.c.mutuelle_id, tables.seal.c.block)
    async with db.stream(ordered) as rows:
        async for row in rows.mappings():
            yield _seal(row)


async def csv(db: AsyncConnection, mutuelle: str | None = None) -> AsyncIterator[str]:
    """The chain as CSV for an auditor and for `verify_seals.py`: one line a block, hashes in hexadecimal digits."""
    yield csv_line(("mutuelle", "block", "upto", "journals", "previous", "root", "sealed_at"))
    async for one in seals(db, mutuelle):
        chained = (one.previous.hex(), one.root.hex(), one.sealed_at)
        yield csv_line((one.mutuelle, one.block, one.upto, one.journals, *chained))


async def verify(
    db: AsyncConnection, mutuelle: str | None = None, *, through: int | None = None
) -> AsyncIterator[SealVerdict]:
    """Compute every block again from the rows of the book, oldest first, up to and including block `through`.

    Each block is judged alone: a sound block after a broken one has no fault.
    """
    async with db.stream(text(_VERIFY), {"mutuelle": mutuelle, "through": through}) as rows:
        async for row in rows.mappings():
            fault = _chain_fault(row)
            if fault is None and row["root_now"] != row["root"]:
                fault = await _first_fault(db, row)
            yield SealVerdict(_seal(row), fault)


def _seals(mutuelle: str | None) -> Select[*tuple[Any, ...]]:
    c = tables.seal.c
    every = select(
        c.mutuelle_id.label("mutuelle"), c.block, c.upto, c.journals, c.previous, c.root, c.sealed_at
    )
    return every if mutuelle is None else every.where(c.mutuelle_id == mutuelle)


def _seal(row: RowMapping) -> Seal:
    return Seal(**{name: row[name] for name in Seal.__dataclass_fields__})


def _chain_fault(row: RowMapping) -> str | None:
    before = row["block"] - 1
    if before and row["root_before"] is None:
        return f"block {before} is gone"
    if row["previous"] != (row["root_before"] or bytes(_HASH_BYTES)):
        return f"it does not follow from block {before}"
    return "it ends before it begins" if row["upto"] <= row["since"] else None


async def _first_fault(db: AsyncConnection, row: RowMapping) -> str:
    """Name the first journal that was changed: compares the hashes of the rows now with those stored in the seal."""
    block = {name: row[name] for name in ("mutuelle", "block", "since", "upto")}
    hashes: bytes = (await db.execute(text(_HASHES_THEN), block)).scalar_one()
    then = [hashes[at : at + _HASH_BYTES] for at in range(0, len(hashes), _HASH_BYTES)]
    now = {found.hash: found.id for found in await db.execute(text(_HASHES_NOW), block)}
    if strange := next((one for one in now if one not in set(then)), None):
        return f"journal {now[strange]} is not as it was sealed"
    if missing := next((place for place, one in enumerate(then, 1) if one not in now), None):
        return f"journal {missing} of {len(then)} is gone"
    return "its journals are as they were: the seal itself was changed"


_WAITING = """
select b.mutuelle_id
  from ledger.book b
  left join lateral (select s.upto, s.sealed_at from ledger.seal s
                      where s.mutuelle_id = b.mutuelle_id order by s.block desc limit 1) s on true
 where (s.sealed_at is null or s.sealed_at <= :before)
   and exists (select from ledger.journal j where j.mutuelle_id = b.mutuelle_id and j.xid >= coalesce(s.upto, '0'))
 order by b.mutuelle_id
"""

_VERIFY = """
select s.mutuelle_id as mutuelle, s.block, s.upto, s.journals, s.previous, s.root, s.sealed_at,
       p.root as root_before, coalesce(p.upto, '0') as since, now.root as root_now
  from ledger.seal s
  left join ledger.seal p on p.mutuelle_id = s.mutuelle_id and p.block = s.block - 1
 cross join lateral ledger.block_root(s.mutuelle_id, s.block, coalesce(p.upto, '0'), s.upto, s.previous) now
 where (cast(:mutuelle as text) is null or s.mutuelle_id = :mutuelle)
   and (cast(:through as int) is null or s.block <= :through)
 order by s.mutuelle_id, s.block
"""

_HASHES_THEN = "select hashes from ledger.seal where mutuelle_id = :mutuelle and block = :block"
_HASHES_NOW = """
select id, hash from ledger.journal_hashes(:mutuelle, cast(:since as xid8), cast(:upto as xid8)) order by xid, id
"""
