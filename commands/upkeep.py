"""`keneya migrate` and `keneya check`: the schema brought forward, every invariant looked at."""

import argparse
import json

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

import ledger.checks
import migrations
import mutuelle.checks
import sms.checks
from commands.ground import Commands, Fault, address, command, database, one_line
from invariants import Finding, Invariant, examine
from progress import Progress

CHECKS: tuple[Invariant, ...] = (*ledger.checks.CHECKS, *sms.checks.CHECKS, *mutuelle.checks.CHECKS)


def add(commands: Commands) -> None:
    command(commands, "migrate", migrate, "bring the schema to its newest version")
    check_ = command(commands, "check", check, "check every invariant; exit 1 if one is broken")
    check_.add_argument("--json", action="store_true", help="print the findings as JSON")


async def migrate(arguments: argparse.Namespace) -> int:
    """Needs the owner's address, and the service's for the name of its role."""
    owner_url, service_url = address("MIGRATE_DATABASE_URL"), address("DATABASE_URL")
    role = make_url(service_url).username
    if not role:
        raise Fault("DATABASE_URL names no role", 2)
    await migrations.migrate(owner_url, role)
    print("The schema is at its newest version.")
    return 0


async def check(arguments: argparse.Namespace) -> int:
    """Run every invariant in one snapshot, also after a broken one."""
    findings = []
    async with database() as db:
        await db.execute(text("set transaction isolation level repeatable read, read only"))
        with Progress(len(CHECKS)) as progress:
            for invariant in CHECKS:
                findings.append(await _examine(db, invariant))
                progress.advance()
    broken = [finding for finding in findings if not finding.holds]
    if arguments.json:
        print(json.dumps([_as_json(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        _tell(broken, len(findings))
    return 1 if broken else 0


async def _examine(db: AsyncConnection, invariant: Invariant) -> Finding:
    try:
        async with db.begin_nested():
            return (await examine(db, [invariant]))[0]
    except DBAPIError as fault:  # what cannot be checked does not hold
        return Finding(invariant, (one_line(fault),))


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.invariant.name,
        "meaning": finding.invariant.meaning,
        "holds": finding.holds,
        "offenders": list(finding.offenders),
    }


def _tell(broken: list[Finding], count: int) -> None:
    for finding in broken:
        print(f"BROKEN {finding.invariant.name}: {finding.invariant.meaning}")
        for offender in finding.offenders:
            print(f"    {offender}")
    print(f"{len(broken)} of {count} invariants are broken." if broken else f"All {count} invariants hold.")
