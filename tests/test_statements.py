"""How often a hop asks PostgreSQL: each statement is a way there and back, and a caller waits for all of them.

Every call is played on the home menu over the pool of production, by one caller to warm it up and by another to be
counted. What frames a transaction (BEGIN, COMMIT) is counted apart. Whoever makes a count smaller writes it down here.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.officers.roles import Role
from service.database import open_pool
from sms.inbox_worker import answer_waiting
from tests.conftest import Database
from tests.support.clinic import DR_ROKIA
from tests.support.officers import FANTA, ISSA, OUMOU, PIN, appoint
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import NOON, Clock, Handset, join, paid
from ussd import calls

FRAMES = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b")
OF_A_NEW_CONNECTION = (
    "SELECT current_setting('jit')",
    "WITH RECURSIVE typeinfo_tree",
)  # asyncpg learns types
MOST_OF_A_READING_HOP, MOST_OF_AN_ACTION = 2, 15


@dataclass
class Count:
    """What one hop asked: its statements, of which so many are its action's, and the frames around them."""

    statements: list[str]
    in_action: int
    frames: int


@dataclass
class Counter:
    """What was asked over a pool since it was last read."""

    asked: list[str] = field(default_factory=list)
    by_sqlalchemy: set[str] = field(default_factory=set)

    def listen(self, pool: AsyncEngine) -> None:
        """Count what goes over this pool from its next connection on."""
        event.listen(pool.sync_engine, "connect", self._connected)
        event.listen(pool.sync_engine, "before_cursor_execute", self._executed)

    def _connected(self, connection: Any, _entry: object) -> None:
        connection.driver_connection.add_query_logger(self._logged)

    def _executed(self, _db: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.asked.append(" ".join(statement.split()))
        self.by_sqlalchemy.add(self.asked[-1])

    def _logged(self, query: LoggedQuery) -> None:
        """What asyncpg was asked by itself, as looks do; of most that SQLAlchemy asks it tells nothing."""
        asked = " ".join(query.query.split())
        if asked not in self.by_sqlalchemy and not asked.startswith(OF_A_NEW_CONNECTION):
            self.asked.append(asked)

    async def take(self) -> Count:
        """The count, and begin anew."""
        await asyncio.sleep(0)  # asyncpg tells it in the next turn of the loop
        asked, self.asked, self.by_sqlalchemy = self.asked, [], set()
        statements = [one for one in asked if not FRAMES.match(one)]
        around = [
            nth for nth, one in enumerate(statements) if "insert into action" in one or "update action" in one
        ]
        in_action = around[-1] - around[0] + 1 if around else 0
        return Count(statements, in_action, len(asked) - len(statements))


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
async def counted(
    ussd_deps: calls.UssdDeps, database: Database, counter: Counter
) -> AsyncIterator[calls.UssdDeps]:
    """The line over one connection of the pool of production, whose statements are counted."""
    pool = open_pool(database.url, size=1)
    counter.listen(pool)
    yield replace(ussd_deps, pool=pool, running=set())
    await pool.dispose()


async def played(ussd_deps: calls.UssdDeps, counter: Counter, phone: str, *typed: str) -> list[Count]:
    """What each hop of a call asked: the dial, then each word typed."""
    handset = Handset(ussd_deps, phone)
    await handset.dial()
    found = [await counter.take()]
    for words in typed:
        await handset.type(words)
        found.append(await counter.take())
    return found


def table(call: str, counts: list[Count]) -> str:
    """One line a call, and its statements where somebody wants to know why."""
    told = [f"{call}: {[len(one.statements) for one in counts]}, {counts[-1].in_action} in the action"]
    for nth, one in enumerate(counts):
        told += [f"  {nth} {statement[:140]}" for statement in one.statements]
    return "\n".join(told)


async def members(pool: AsyncEngine, count: int) -> list[tuple[str, str]]:
    """Households that have paid a half: the phone and the number of each."""
    found = []
    for nth in range(count):
        phone = f"+22376001{nth:03}"
        home = await join(pool, phone, at=NOON - timedelta(days=40), pay_minor=6_000)
        await paid(pool, home, at=NOON - timedelta(days=40))
        found.append((phone, home.number))
    return found


JOIN = ("1", "1", "Awa Koné", "45 38", "1", "1")
# What a member dials and types, and what each hop asks. The first is the dial.
READING: dict[str, tuple[tuple[str, ...], list[int]]] = {
    "cover": (("1",), [1, 1]),
    "pay, as far as what is due": (("2",), [1, 2]),
    "find a doctor": (("3", "1"), [1, 2, 2]),
    "my household: who": (("4", "1", "2"), [1, 2, 0, 1]),
    "my messages: receipts": (("6", "1"), [1, 2, 2]),
    "my messages: checks": (("6", "2"), [1, 2, 2]),
    "the mutuelle: prices": (("7", "1"), [1, 1, 1]),
    "the mutuelle: cash": (("7", "5"), [1, 1, 1]),
    "language": (("8",), [1, 0]),
}


async def test_a_dial_is_one_statement_and_a_hop_that_reads_two_at_most(
    counted: calls.UssdDeps, counter: Counter, pool: AsyncEngine
) -> None:
    await appoint(pool, OUMOU, Role.COLLECTOR)
    warm, *others = await members(pool, 1 + len(READING))
    for (call, (typed, expected)), (phone, _number) in zip(READING.items(), others, strict=True):
        await played(counted, counter, warm[0], *typed)
        counts = await played(counted, counter, phone, *typed)
        assert [len(one.statements) for one in counts] == expected, table(call, counts)
        assert max(expected) <= MOST_OF_A_READING_HOP
        assert [one.frames for one in counts] == [0] * len(counts), "reads need no transaction"


async def test_the_hops_of_joining_do_not_grow_with_their_number(
    counted: calls.UssdDeps, counter: Counter
) -> None:
    await played(counted, counter, "+22376000071", *JOIN)
    counts = await played(counted, counter, "+22376000072", *JOIN)
    asked = [len(one.statements) for one in counts]
    # Home, places, her mutuelle, nothing new, what is offered; then all of it afresh for what is agreed to; the action.
    assert asked == [1, 1, 1, 0, 2, 5, 18], table("join", counts)
    assert (counts[-1].in_action, counts[-1].frames) == (13, 2)


async def test_paying_is_asked_for_in_a_few_statements(
    counted: calls.UssdDeps, counter: Counter, pool: AsyncEngine
) -> None:
    warm, member = await members(pool, 2)
    await played(counted, counter, warm[0], "2", "1", "1")
    counts = await played(counted, counter, member[0], "2", "1", "1")
    assert [len(one.statements) for one in counts] == [1, 2, 3, 9], table("pay", counts)
    assert (counts[-1].in_action, counts[-1].frames) == (6, 2)


async def test_a_collector_records_cash_in_fewer_than_fifteen(
    counted: calls.UssdDeps, counter: Counter, pool: AsyncEngine
) -> None:
    await appoint(pool, OUMOU, Role.COLLECTOR)
    first, second = await members(pool, 2)
    for _phone, number in (first, second):
        counts = await played(counted, counter, OUMOU, "9", "1", number, "3000", "1", PIN)
    assert [len(one.statements) for one in counts] == [1, 1, 1, 2, 5, 5, 18], table("cash", counts)
    assert (counts[-1].in_action, counts[-1].frames) == (13, 2)


async def test_a_treasurer_turns_pages_without_asking_again(
    counted: calls.UssdDeps, counter: Counter, pool: AsyncEngine
) -> None:
    """The detail and who owes count every household of the mutuelle: each is read once a call."""
    for nth in range(3):
        await join(pool, f"+2237600300{nth}", at=NOON - timedelta(days=140), pay_minor=6_000)
    for typed, expected in ((("98", "98", "98"), [13, 0, 0]), (("98", "1", "1", "1"), [13, 12, 0, 0])):
        for phone in (FANTA, ISSA):
            counts = await played(counted, counter, phone, "9", "1", *typed)
        assert [len(one.statements) for one in counts] == [1, 1, 13, *expected], table("detail", counts)


async def test_a_doctor_is_answered_by_sms(
    ussd_deps: calls.UssdDeps, counter: Counter, database: Database, pool: AsyncEngine, clock: Clock
) -> None:
    """VERIF, the number and the patient's code: one message, in the worker's own transaction."""
    worker = open_pool(database.url, size=1)
    counter.listen(worker)
    doctor = Writer(sms_deps(worker, clock), DR_ROKIA)
    for phone, number in await members(pool, 2):
        patient = Handset(ussd_deps, phone)
        await patient.dial("5", "1")
        code = re.findall(r"puis (\d{3} \d{3})", await patient.type("1"))[0]
        message = await doctor.post(f"VERIF {number} {code}")
        await counter.take()
        await answer_waiting(doctor.deps)
        count = await counter.take()
        assert "COUVERT" in await doctor.reply_to(message)
    assert (len(count.statements), count.in_action, count.frames) == (25, 13, 12), table("VERIF", [count])
    await worker.dispose()
