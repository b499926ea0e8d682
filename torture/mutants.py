"""The proof "mutants": the ledger is spoilt in one way after another, and each time somebody must notice.

A spoilt function is for the tests (`battery.py`); spoilt rows are for `keneya check`, for the seals, for the verifier
that shares no code with them or, where a forger has sealed everything anew, for the seal that a treasurer was told.
A change that does not apply breaks the proof.
"""

import asyncio
import sys
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import migrations
from bench.databases import as_superuser
from bench.engine import engine_of
from engines.cluster import OWNER_ROLE, SERVICE_ROLE
from engines.embedded import Engines, start_engines
from invariants import examine
from ledger import verify_seals
from ledger.export import csv as book_csv
from ledger.invariants.book import INVARIANTS
from ledger.seals import csv as seals_csv
from ledger.seals import find, newest, verify
from mutuelle.officers.invariants import INVARIANTS as OFFICERS
from mutuelle.treasury.invariants import COUNTS
from mutuelle.treasury.statements.invariants import INVARIANTS as STATEMENTS
from mutuelle.treasury.voucher_invariants import VOUCHERS
from torture import battery, treasury
from torture.battery_steps import TOWN
from torture.place import program
from torture.story import Verdict

LIST = Path(__file__).with_name("mutants.toml")
SOUND, LIVED = "sound", "lived"  # a chart and nothing else; a story that was played, folded and sealed
BESIDE = ("voucher", "joint_act", "mutuelle_limit", "cash_count", "statement_file", "statement_line")
GUARDS = """
select tgrelid::regclass::text as tab, tgname as name from pg_trigger
 where tgenabled = 'A' and tgrelid in (select oid from pg_class where relnamespace = 'ledger'::regnamespace)
"""


class MutantError(Exception):
    """A change that cannot be made: one line for a person."""


@dataclass(frozen=True)
class Mutant:
    """One change: of a function (`old` to `new`), SQL `also` by the owner, or SQL on the `rows`."""

    name: str
    function: str = ""
    old: str = ""
    new: str = ""
    times: int = 1
    also: str = ""
    rows: str = ""


@dataclass
class MutantPlace:
    """The server, and what the treasurer was told before anybody forged."""

    home: Path
    engines: Engines
    told: str = ""
    blamed: list[str] = field(default_factory=list)  # of the ledger that is not spoilt
    made: list[str] = field(default_factory=list)


def read_mutants() -> list[Mutant]:
    """The list."""
    said = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [Mutant(**one | _forged(one, said["forgery"])) for one in said["mutant"]]


def _forged(one: Mapping[str, str], forgery: Mapping[str, str]) -> dict[str, str]:
    rows = one.get("rows", "")
    for word, sql in forgery.items():
        rows = rows.replace("{" + word + "}", sql)
    return {"rows": rows}


async def prove(seed: int, home: Path) -> Verdict:
    """Every mutant in a database of its own; nothing is drawn, `seed` only names the run."""
    began = monotonic()
    caught: Counter[str] = Counter()
    broken: list[str] = []
    mutants = read_mutants()
    async with started(home) as place:
        broken += place.blamed
        for mutant in mutants:
            try:
                who = await catchers(place, mutant)
            except MutantError as fault:
                broken.append(f"{mutant.name}: {fault}")
                continue
            caught.update([*who, "caught"] if who else [])
            broken += [] if who else [f"nobody noticed: {mutant.name}"]
    counts = {"tried": len(mutants), "caught": caught.pop("caught", 0)} | dict(caught)
    return Verdict("mutants", seed, counts | {"seconds": round(monotonic() - began)}, broken)


@asynccontextmanager
async def started(home: Path) -> AsyncIterator[MutantPlace]:
    """A server with a sound ledger and one that has lived, to be copied."""
    with start_engines(
        home / "var", postgres_bin=program("POSTGRES_BIN"), wanted=["postgres"], durable=False
    ) as engines:
        place = MutantPlace(home, engines)
        await _create(place, SOUND, "template1")
        await migrations.migrate(engines.url("owner", SOUND), SERVICE_ROLE)
        async with (
            engine_of(engines.url("service", SOUND), pooled=True) as service,
            engine_of(engines.url("owner", SOUND)) as owner,
        ):
            await battery.begin(service, owner)
        await _create(place, LIVED, SOUND)
        place.blamed += await _live(place)
        yield place


async def _live(place: MutantPlace) -> list[str]:
    """Play the story, and what anybody has to say about it; the treasurer is told its last seal."""
    async with engine_of(place.engines.url("service", LIVED), pooled=True) as service:
        told = await battery.play(service)
        await treasury.live(service)
        async with service.connect() as db:
            last = await newest(db, TOWN)
            place.told = last.root.hex() if last else ""
            told += await _unsound(db) + await _seal_faults(db, place.told)
        told += ["the verifier complains"] if await _verifier_complains(service, place.home) else []
    return [f"not spoilt: {line}" for line in told]


async def catchers(place: MutantPlace, mutant: Mutant) -> list[str]:
    """Who noticed: tests, check, seals, verifier, told."""
    name = f"mutant_{len(place.made)}"
    await _create(place, name, LIVED if mutant.rows else SOUND)
    change = _change_rows if mutant.rows else _change_function
    await change(place, name, mutant)
    async with engine_of(place.engines.url("service", name), pooled=True) as service:
        tests = [] if mutant.rows else await battery.play(service)
        async with service.connect() as db:
            unsound = await _unsound(db)
            seals = await _seal_faults(db, "")
            told = not mutant.rows or await find(db, place.told)
        verifier = await _verifier_complains(service, place.home)
    await as_superuser(place.engines, f"drop database {name} with (force)")
    seals += [line for line in unsound if line.startswith("ledger_seals")]
    noticed = {
        "tests": tests,
        "check": [line for line in unsound if not line.startswith("ledger_seals")],
        "seals": seals,
        "verifier": verifier,
        "told": not told,
    }
    return [who for who, found in noticed.items() if found]


async def _verifier_complains(service: AsyncEngine, home: Path) -> bool:
    """What `verify_seals.py` finds in the exported book and seals, as an auditor runs it."""
    for name, lines in (("seals.csv", seals_csv), ("book.csv", book_csv)):
        async with service.connect() as db:
            written = "".join([line async for line in lines(db, TOWN)])
        (home / name).write_text(written, encoding="utf-8", newline="")
    command = (sys.executable, "-I", "-S", str(verify_seals.__file__), "book.csv", "seals.csv")
    child = await asyncio.create_subprocess_exec(*command, cwd=home, stdout=asyncio.subprocess.PIPE)
    await child.communicate()
    return child.returncode != 0


async def _unsound(db: AsyncConnection) -> list[str]:
    found = await examine(db, (*INVARIANTS, *VOUCHERS, *OFFICERS, *COUNTS, *STATEMENTS))
    return [f"{f.invariant.name}: {', '.join(f.offenders)}" for f in found if not f.holds]


async def _seal_faults(db: AsyncConnection, told: str) -> list[str]:
    faults = [f"seal {v.seal.block}: {v.fault}" async for v in verify(db, TOWN) if v.fault]
    return faults if not told or await find(db, told) else [*faults, "the seal that was told is not there"]


async def _change_function(place: MutantPlace, name: str, mutant: Mutant) -> None:
    async with engine_of(place.engines.url("owner", name)) as owner, owner.begin() as db:
        await db.execute(text("select 1"))  # opens the transaction: the driver below would not
        if mutant.function:
            await _run(db, await _changed(db, mutant))
        if mutant.also:
            await _run(db, mutant.also)


async def _changed(db: AsyncConnection, mutant: Mutant) -> str:
    asked = text("select pg_get_functiondef(cast(:name as regprocedure))")
    definition = str(await db.scalar(asked, {"name": mutant.function}))
    if definition.count(mutant.old) != mutant.times:
        raise MutantError(f"{mutant.function} has its text {definition.count(mutant.old)} times")
    return definition.replace(mutant.old, mutant.new)


async def _change_rows(place: MutantPlace, name: str, mutant: Mutant) -> None:
    """With every guard down, and up again afterwards."""
    url = make_url(place.engines.superuser_url).set(database=name)
    async with engine_of(url.render_as_string(hide_password=False)) as superuser, superuser.begin() as db:
        guards = (await db.execute(text(GUARDS))).all()
        for tab in {guard.tab for guard in guards} | {"ledger.book", "ledger.fold", "ledger.balance"}:
            await _run(db, f"alter table {tab} disable trigger all")
        before = await _fingerprint(db)
        await _run(db, mutant.rows)
        if await _fingerprint(db) == before:
            raise MutantError("it changes nothing")
        for tab in {guard.tab for guard in guards} | {"ledger.book", "ledger.fold", "ledger.balance"}:
            await _run(db, f"alter table {tab} enable trigger all")
        for guard in guards:
            await _run(db, f"alter table {guard.tab} enable always trigger {guard.name}")


async def _fingerprint(db: AsyncConnection) -> list[object]:
    """All that stands in the ledger's tables, in vouchers, counts, limits, statements and acts of two people."""
    tables = await db.scalars(text("select tablename from pg_tables where schemaname = 'ledger' order by 1"))
    names = [*(f"ledger.{table}" for table in tables), *BESIDE]
    rows = func.md5(func.string_agg(literal_column("t::text"), literal_column("'|' order by t::text")))
    return [await db.scalar(select(rows).select_from(text(f"{name} t"))) for name in names]


async def _run(db: AsyncConnection, script: str) -> None:
    """Any number of statements, word for word; MutantError if one of them fails."""
    try:
        connection = await db.get_raw_connection()
        driver = connection.driver_connection
        if driver is not None:
            await driver.execute(script)
    except Exception as fault:
        raise MutantError(str(fault).splitlines()[0]) from fault


async def _create(place: MutantPlace, name: str, template: str) -> None:
    await as_superuser(place.engines, f"create database {name} template {template} owner {OWNER_ROLE}")
    place.made.append(name)
