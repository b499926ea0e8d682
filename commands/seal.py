"""`keneya seal …`: seal the book now; list, export, find and verify seals."""

import argparse
import sys

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import CommandError, Commands, command, database, expect_mutuelle, of_mutuelle, spoken
from commands.progress import Progress
from ledger import seals
from locales import _, _n


def add(commands: Commands) -> None:
    seal_ = command(
        commands, "seal", seal_now, "seal what was booked, now; list, export, verify and find seals"
    )
    hooks = seal_.add_subparsers(dest="seal_command", metavar="[command]", help="leave it out to seal now")
    list_ = command(hooks, "list", list_seals, "print every block and its short seal")
    export_ = command(hooks, "export", export_seals, "print the chain as CSV, for an auditor")
    verify_ = command(
        hooks, "verify", verify, "compute every block again; exit 1 if one is not as it was sealed"
    )
    of_mutuelle(seal_, list_, export_, verify_)
    find_ = command(
        hooks, "find", find, "which block a short seal is of, and whether the past up to it stands"
    )
    find_.add_argument("seal", type=short, help="as the digest told it: 4F7A-91C2")


def short(typed: str) -> str:
    """The type of an argument: a short seal, or a seal's whole root."""
    digits = typed.lower().removeprefix("sceau").removeprefix("seal").replace("-", "").replace(" ", "")
    if not 8 <= len(digits) <= 64 or digits.strip("0123456789abcdefABCDEF"):
        raise argparse.ArgumentTypeError(f"{typed!r} is not a seal such as 4F7A-91C2")
    return digits


async def seal_now(arguments: argparse.Namespace) -> int:
    """Seal all journals below the horizon; those that a transaction under way may still precede wait."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        owners = list(await db.scalars(text("select mutuelle_id from ledger.book order by mutuelle_id")))
    sealed = 0
    with Progress(len(owners)) as progress:
        for owner in owners if arguments.mutuelle is None else [arguments.mutuelle]:
            async with database() as db:
                sealed += await seals.seal(db, owner)
            progress.advance()
    done = _n("{n} journal sealed.", "{n} journals sealed.", sealed) if sealed else _("Nothing to seal.")
    print(spoken(done))
    return 0


async def list_seals(arguments: argparse.Namespace) -> int:
    await expect_mutuelle(arguments.mutuelle)
    print(f"{'mutuelle':<20} {'block':>7} {'journals':>8} {'seal':<9} sealed at")
    async with database() as db:
        async for one in seals.seals(db, arguments.mutuelle):
            print(_line(one))
    return 0


def _line(one: seals.Seal) -> str:
    at = f"{one.sealed_at:%Y-%m-%d %H:%M:%S %Z}"
    return f"{one.mutuelle:<20} {one.block:>7} {one.journals:>8} {one.short} {at}"


async def export_seals(arguments: argparse.Namespace) -> int:
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        async for line in seals.csv(db, arguments.mutuelle):
            sys.stdout.write(line)
    return 0


async def verify(arguments: argparse.Namespace) -> int:
    """Verify every block, also after a broken one."""
    await expect_mutuelle(arguments.mutuelle)
    return await _verified(arguments.mutuelle)


async def find(arguments: argparse.Namespace) -> int:
    """Find a seal. One that is not found was mistyped, or the book was changed and sealed again."""
    async with database() as db:
        found = await seals.find(db, arguments.seal)
    if not found:
        raise CommandError(
            "no block has this seal: it was mistyped, or what it stood for is no longer in the book"
        )
    codes = []
    for one in found:
        print(_line(one))
        codes.append(await _verified(one.mutuelle, through=one.block))
    return max(codes)


async def _verified(mutuelle: str | None, *, through: int | None = None) -> int:
    """Verify, print what is broken, and return the exit code."""
    blocks = journals = broken = 0
    async with database() as db:
        with Progress(through or await _blocks(db, mutuelle)) as progress:
            async for verdict in seals.verify(db, mutuelle, through=through):
                one = verdict.seal
                blocks, journals = blocks + 1, journals + one.journals
                if verdict.fault is not None:
                    broken += 1
                    print(f"BROKEN {one.mutuelle} block {one.block}: {verdict.fault}")
                progress.advance()
    print(_summed_up(blocks, journals, broken))
    return 1 if broken else 0


async def _blocks(db: AsyncConnection, mutuelle: str | None) -> int:
    counted = "select count(*) from ledger.seal where cast(:only as text) is null or mutuelle_id = :only"
    return int(await db.scalar(text(counted), {"only": mutuelle}) or 0)


def _summed_up(blocks: int, journals: int, broken: int) -> str:
    if broken:
        return f"{broken} of {blocks} blocks not as they were sealed."
    return (
        f"{blocks} blocks with {journals} journals: all as they were sealed."
        if blocks
        else "Nothing is sealed yet."
    )
