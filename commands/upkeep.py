"""`keneya migrate`, `check` and `settings check`: migrate the schema, examine invariants, try what a start needs."""

import argparse
import json
import sys

from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

import ledger.invariants.book
import migrations
import migrations.shipped
import mutuelle.invariants
import mutuelle.scheme.sealed_records
import settings
import sms.invariants
from commands.command import (
    CommandError,
    Commands,
    address,
    command,
    database,
    environment,
    group,
    one_line,
    spoken,
)
from commands.progress import Progress
from invariants import Finding, Invariant, examine
from ledger.export import snapshot
from locales import _n
from migrations.grants import AUDITOR_ROLE
from service import redis_server
from service.start import START_FAULTS, exit_code, expect_good_start

NO_RIGHT = "the database says: permission denied"
CHECKS: tuple[Invariant, ...] = (
    *ledger.invariants.book.INVARIANTS,
    *sms.invariants.INVARIANTS,
    *mutuelle.invariants.INVARIANTS,
    mutuelle.scheme.sealed_records.DATED,
    *migrations.shipped.CHECKS,
)


def add(commands: Commands) -> None:
    migrate_ = command(commands, "migrate", migrate, "bring the schema to its newest version")
    migrate_.add_argument(
        "--auditor",
        metavar="ROLE",
        help=f"a role of the server that may read the ledger (default: {AUDITOR_ROLE}, if there is one)",
    )
    check_ = command(commands, "check", check, "check every invariant; exit 1 if one is broken")
    check_.add_argument("--json", action="store_true", help="print the findings as JSON")
    settings_ = group(commands, "settings", "the environment variables of web and worker")
    command(settings_, "check", check_settings, "read them, and try the database and Redis that they name")


async def check_settings(_arguments: argparse.Namespace) -> int:
    """Read the settings and try what they name; the exit code is the one that web and worker would end with."""
    try:
        wanted = settings.read(environment())
    except settings.SettingsError as fault:
        print("\n".join(fault.faults), file=sys.stderr)
        return 2
    print("settings: every variable can be read")
    try:
        await expect_good_start(wanted)
    except START_FAULTS as fault:
        print(fault, file=sys.stderr)
        return exit_code(fault)
    print("database: answers; its role, its schema, its clock and the routes are right")
    if fault_of_redis := await redis_fault(wanted.redis_url):
        print(f"redis: {fault_of_redis}", file=sys.stderr)
        return 1
    print("redis: answers")
    return 0


async def redis_fault(url: str) -> str | None:
    """Why Redis at `url` is of no use; None if it answers."""
    async with redis_server.connect(url) as redis:
        try:
            await redis.ping()
        except RedisError as fault:
            return f"does not answer: {fault}. Calls that change something are refused"
    return None


async def migrate(arguments: argparse.Namespace) -> int:
    """Migrate. Needs the owner's database address, and the service's for the name of its role."""
    owner_url, auditor = address("MIGRATE_DATABASE_URL"), arguments.auditor
    role = make_url(address("DATABASE_URL")).username
    if not role:
        raise CommandError("DATABASE_URL names no role", 2)
    if auditor in (role, make_url(owner_url).username):
        raise CommandError(
            f"{auditor} is the service's role or the owner's: an auditor needs one of its own", 2
        )
    try:
        unguarded = await migrations.migrate(owner_url, role, auditor_role=auditor)
    except migrations.UnknownRoleError as fault:
        raise CommandError(str(fault), 2) from None
    except migrations.UnknownSchemaError as fault:
        raise CommandError(str(fault)) from None
    print("The schema is at its newest version.")
    if unguarded:
        print(f"{unguarded} can still hold others up: let a superuser run migrations/server.sql here, once.")
    return 0


async def check(arguments: argparse.Namespace) -> int:
    """Run every invariant in one snapshot, also after a broken one; one that cannot be examined does not hold."""
    findings = []
    async with database() as db:
        await snapshot(db)
        # A search_path set in the database could put other functions before the server's own.
        await db.execute(text("set local search_path = pg_catalog, public"))
        with Progress(len(CHECKS)) as progress:
            for invariant in CHECKS:
                findings.append(await _examine(db, invariant))
                progress.advance()
    broken = [finding for finding in findings if not finding.holds]
    if arguments.json:
        print(json.dumps([_as_json(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        _print_findings(broken, len(findings))
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


def _print_findings(broken: list[Finding], count: int) -> None:
    unseen = [finding for finding in broken if finding.offenders[0].startswith(NO_RIGHT)]
    if unseen:  # an auditor's role reads the ledger only: neither broken nor proven
        print(
            spoken(
                _n(
                    "{n} of {count} invariants was not examined: this role may not read its tables.",
                    "{n} of {count} invariants were not examined: this role may not read their tables.",
                    len(unseen),
                    count=count,
                )
            )
        )
    broken, count = [finding for finding in broken if finding not in unseen], count - len(unseen)
    for finding in broken:
        print(f"BROKEN {finding.invariant.name}: {finding.invariant.meaning}")
        for offender in finding.offenders:
            print(f"    {offender}")
    if not broken:
        print(f"All {count} invariants hold.")
        return
    print(
        spoken(
            _n(
                "{n} of {count} invariants is broken.",
                "{n} of {count} invariants are broken.",
                len(broken),
                count=count,
            )
        )
    )
