"""Ten years of history: what a balance, a page and a trial balance cost with few movements and with millions.

Each book is a database of its own, filled by SQL; every answer is compared with the plain sum of the movements.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.databases import FOUNDED, database
from bench.fill import FLOAT, MEMBERS, YEARS, Filled, fill
from bench.measures import Measure, Size, against, alone, memory_of_us, must_be_none
from bench.place import BenchPlace
from ledger import accounts
from ledger.balances import balance
from ledger.book import Journal, Movement, post
from ledger.charts import DEFAULT, charts
from ledger.reports.page import Question
from ledger.reports.trial import general_balance, trial_balance
from ledger.reports.voice import Voice
from ledger.statements import DayRange, statement_page
from locales import catalogue, locale_of
from torture.town import DAN

ASKED = 20  # times in a lap
TAIL = 500  # journals that nobody has folded yet: what the worker leaves behind it for a moment
PROVEN = 5  # days whose balance is compared with the sum of all movements
SEED = 67
AS_OF = "float as of a day"
VOICE = Voice(charts()[DEFAULT], catalogue("fr"), locale_of("fr"))
Ask = Callable[[AsyncConnection, date], Awaitable[object]]


@dataclass(frozen=True)
class LongBook:
    """A filled book."""

    pool: AsyncEngine
    filled: Filled

    @property
    def name(self) -> str:
        return f"{self.filled.movements:,} movements"


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some minutes, nearly all of it for the filling."""
    async with AsyncExitStack() as stack:
        books = [await _book(stack, place, movements) for movements in size.movements]
        waits = await _race(books, size.rounds)
        whole = {book.name: [await _took(book.pool, _each_person, _today())] for book in books}
        summed_ms = await _took(books[-1].pool, _summed, _today())
        wrong = [await unlike_the_sum(book) for book in books]
    return [
        *(row for book in books for row in _sizes(book)),
        *(row for what, found_ms in waits.items() for row in _grown(what, found_ms)),
        *_grown("trial balance, each person's account", whole),
        _beside_the_sum(books[-1].name, waits[AS_OF], summed_ms),
        *memory_of_us("history", "memory of who asks"),
        must_be_none("history", "balances unlike the sum of the movements", "balances", sum(wrong)),
    ]


async def _book(stack: AsyncExitStack, place: BenchPlace, movements: int) -> LongBook:
    own = await stack.enter_async_context(database(place, f"history {movements}", FOUNDED))
    print(f"history: {movements:,} movements are written …", flush=True)
    filled = await fill(own, movements)
    pool = own.pool(1)
    stack.push_async_callback(pool.dispose)
    async with pool.begin() as db:
        answers = await post(db, [_receipt(nth) for nth in range(TAIL)])
    assert all(answer.stands for answer in answers), answers[0]
    return LongBook(pool, filled)


def _receipt(nth: int) -> Journal:
    moved = Movement(FLOAT, accounts.member(f"bench-{nth % MEMBERS}"), 1_000, DAN.currency)
    reason = "paid by mobile money"
    return Journal(DAN.id, "bench", str(nth), "contribution received", _today(), "simulated", reason, [moved])


def _beside_the_sum(name: str, waits: dict[str, list[float]], summed_ms: float) -> Measure:
    told_ms = median(waits[name])
    return Measure(
        "history", f"{AS_OF}, {name}", told_ms, "ms", "the sum of its movements", told_ms / summed_ms
    )


def _today() -> date:
    return datetime.now(UTC).date()


async def _float(db: AsyncConnection, on: date) -> object:
    return await balance(db, DAN.id, FLOAT, on)


async def _float_now(db: AsyncConnection, _on: date) -> object:
    return await balance(db, DAN.id, FLOAT)


async def _summed(db: AsyncConnection, on: date) -> object:
    return (await db.execute(text(_BY_INDEX), {"mutuelle": DAN.id, "float": FLOAT, "on": on})).one()


async def _page(db: AsyncConnection, on: date) -> object:
    return await statement_page(db, DAN.id, FLOAT, DayRange(on))


async def _trial(db: AsyncConnection, on: date) -> object:
    asked = Question(DAN.id, on - timedelta(days=30), on)
    return [row async for row in general_balance(db, asked, VOICE)]


async def _each_person(db: AsyncConnection, on: date) -> object:
    return await trial_balance(db, DAN.id, on)


_FIRST, _MIDDLE, _LAST = (
    timedelta(days=YEARS * 365 - passed) for passed in (0, YEARS * 365 // 2, YEARS * 365 - 1)
)
ASKS: dict[str, tuple[Ask, timedelta | None]] = {  # None: a day by chance
    AS_OF: (_float, None),
    "float now": (_float_now, None),
    "statement of the float, first page": (_page, _FIRST),
    "statement of the float, middle page": (_page, _MIDDLE),
    "statement of the float, last page": (_page, _LAST),
    "trial balance of a month": (_trial, None),
}


async def _race(books: Sequence[LongBook], rounds: int) -> dict[str, dict[str, list[float]]]:
    """The median wait of a lap in ms, by what was asked and by book; the books take turns."""
    chance = Random(SEED)
    waits: dict[str, dict[str, list[float]]] = {what: {b.name: [] for b in books} for what in ASKS}
    for nth in range(rounds + 1):  # the first round only warms what a server keeps in memory
        for what, (ask, ago) in ASKS.items():
            for book in books[:: -1 if nth % 2 else 1]:
                days = [_today() - (ago or _by_chance(chance)) for _ in range(ASKED)]
                wait = median([await _took(book.pool, ask, day) for day in days])
                if nth:
                    waits[what][book.name].append(wait)
    return waits


def _by_chance(chance: Random) -> timedelta:
    return timedelta(days=chance.randrange(31, YEARS * 365 - 31))


async def _took(pool: AsyncEngine, ask: Ask, day: date) -> float:
    """One answer, in ms, in a transaction of its own."""
    async with pool.connect() as db:
        began = perf_counter()
        await ask(db, day)
        return (perf_counter() - began) * 1000


async def unlike_the_sum(book: LongBook) -> int:
    """How many of some days' balances are not the sum of the movements; the trial balance balances, too."""
    chance, wrong = Random(SEED), 0
    async with book.pool.connect() as db:
        for day in (_today(), *(_today() - _by_chance(chance) for _ in range(PROVEN - 1))):
            summed = (await db.execute(text(_SUM), {"mutuelle": DAN.id, "float": FLOAT, "on": day})).one()
            told = await balance(db, DAN.id, FLOAT, day)
            wrong += (told.debits, told.credits) != (int(summed[0]), int(summed[1]))
        lines = await trial_balance(db, DAN.id)
        wrong += sum(line.debit - line.credit for line in lines) != 0
    return wrong


def _sizes(book: LongBook) -> Iterator[Measure]:
    filled = book.filled
    yield Measure("history", f"{book.name}: written", filled.took_s, "s")
    yield Measure("history", f"{book.name}: folded", filled.fold_s, "s")
    yield Measure("history", f"{book.name}: database", filled.bytes / 1e6, "MB")


def _grown(what: str, waits: dict[str, list[float]]) -> Iterator[Measure]:
    """The smallest book by itself, every other beside it."""
    (least, first), *others = waits.items()
    yield alone("history", f"{what}, {least}", "ms", first)
    for name, found_ms in others:
        yield against("history", f"{what}, {name}", "ms", found_ms, least, first)


_BY_INDEX = """
select (select sum(amount) from ledger.movement where mutuelle_id = :mutuelle and debit_account = :float
           and effective_on <= :on and phase in ('single', 'post')),
       (select sum(amount) from ledger.movement where mutuelle_id = :mutuelle and credit_account = :float
           and effective_on <= :on and phase in ('single', 'post'))
"""
_SUM = """
select coalesce(sum(amount) filter (where debit_account = :float), 0),
       coalesce(sum(amount) filter (where credit_account = :float), 0)
  from ledger.movement
 where mutuelle_id = :mutuelle and :float in (debit_account, credit_account) and effective_on <= :on
   and phase in ('single', 'post')
"""
