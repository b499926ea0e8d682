"""The bank's books compared with what its writers were told; each comparison returns a line for what is not so.

Everything that could have been asked for is drawn again from the seed: a journal that nobody asked for is seen.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Journal
from torture import bank_deals
from torture.bank_deals import BANK
from torture.bank_log import LoggedAnswer

STANDS = ("created", "exists")
Line = tuple[str, str, int, str]

MOVEMENTS = text(
    "select r.key, j.kind, j.effective_on, m.debit_account, m.credit_account, m.amount, m.phase"
    "  from ledger.journal j"
    "  join ledger.movement m on m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id"
    "  left join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id"
    " where j.mutuelle_id = :bank order by j.id, m.position"
)
REQUESTS = text(
    "select key, case when verdict = 'refused' then 'refused: ' || reason else verdict end as answer"
    "  from ledger.request where mutuelle_id = :bank"
)


@dataclass(frozen=True)
class Stored:
    """What is durable: a journal's head and movements by its key, and what each key was answered."""

    journals: Mapping[str, list[tuple[object, ...]]]
    requests: Mapping[str, str]


def wrong_total(nets: Mapping[str, int]) -> Iterator[str]:
    """The sum of all accounts is what the tills began with, on any day and at any moment."""
    if sum(nets.values()) != bank_deals.total_minor():
        yield f"the accounts hold {sum(nets.values())} and not {bank_deals.total_minor()}"


def below_zero(nets: Mapping[str, int]) -> Iterator[str]:
    """No till ever is."""
    yield from (f"{till} holds {nets[till]}" for till in bank_deals.TILLS if nets[till] < 0)


def sealed_too_few(journals: int, stored: "Stored") -> Iterator[str]:
    """Nothing was left out of the seals."""
    if journals != len(stored.journals):
        yield f"{journals} journals are sealed, {len(stored.journals)} are booked"


async def read_stored(db: AsyncConnection) -> Stored:
    """All of it, in the snapshot of `db`."""
    journals: dict[str, list[tuple[object, ...]]] = {}
    for row in await db.execute(MOVEMENTS, {"bank": BANK}):
        journals.setdefault(row.key or "of nobody", []).append(tuple(row)[1:])
    requests = {row.key: row.answer for row in await db.execute(REQUESTS, {"bank": BANK})}
    return Stored(journals, requests)


def asked(seed: str, logs: Mapping[str, Sequence[LoggedAnswer]]) -> dict[str, Journal]:
    """Every journal that a writer asked for, by its key: of answered batches, and of the one after the last."""
    journals = bank_deals.funding()
    for writer, log in logs.items():
        for number in range(max((a.batch for a in log), default=-1) + 2):
            journals += bank_deals.batch(seed, writer, number)
    return {journal.key: journal for journal in journals}


def compare(seed: str, logs: Mapping[str, Sequence[LoggedAnswer]], stored: Stored) -> list[str]:
    """Every comparison of the logs with what is durable."""
    wanted, told = asked(seed, logs), list(_told(seed, logs))
    return [
        *what_was_acknowledged_is_durable(told, stored),
        *what_is_durable_was_asked_for(wanted, stored),
        *a_key_is_created_once(told),
        *a_second_answer_is_the_first(logs),
    ]


def _told(seed: str, logs: Mapping[str, Sequence[LoggedAnswer]]) -> Iterator[tuple[str, str]]:
    for writer, log in logs.items():
        for answered in log:
            journals = bank_deals.batch(seed, writer, answered.batch)
            yield from zip((j.key for j in journals), answered.answers, strict=True)


def what_was_acknowledged_is_durable(told: Sequence[tuple[str, str]], stored: Stored) -> Iterator[str]:
    """A journal that was said to stand does, and its key was spent once; a refusal is kept with its reason."""
    for key, answer in told:
        kept = stored.requests.get(key)
        if answer in STANDS and (kept != "created" or key not in stored.journals):
            yield f"{key!r} was acknowledged as {answer} and is kept as {kept}"
        elif answer not in STANDS and kept != answer:
            yield f"{key!r} was {answer} and is kept as {kept}"


def what_is_durable_was_asked_for(wanted: Mapping[str, Journal], stored: Stored) -> Iterator[str]:
    """No journal, and no key, that nobody asked for; each journal is what its key was for, once."""
    for key, rows in stored.journals.items():
        if key not in wanted:
            yield f"{key!r} was asked for by nobody"
        elif rows != rows_of(wanted[key]):
            yield f"{key!r} is booked otherwise than it was asked for: {rows}"
    yield from (f"{key!r} was spent by nobody" for key in stored.requests.keys() - wanted.keys())


def rows_of(journal: Journal) -> list[tuple[object, ...]]:
    """What stands of a journal, a row a movement."""
    head = (journal.kind, journal.effective_on)
    return [(*head, m.debit, m.credit, m.amount_minor, m.phase.value) for m in journal.movements]


def a_key_is_created_once(told: Sequence[tuple[str, str]]) -> Iterator[str]:
    """However many asked for it."""
    created = Counter(key for key, answer in told if answer == "created")
    yield from (f"{key!r} was created {times} times" for key, times in created.items() if times > 1)


def a_second_answer_is_the_first(logs: Mapping[str, Sequence[LoggedAnswer]]) -> Iterator[str]:
    """An old batch that was asked for again is told the same, `exists` for what stands."""
    for writer, log in logs.items():
        first = {answered.batch: answered.answers for answered in log if not answered.again}
        for answered in (a for a in log if a.again):
            expected = ["exists" if old in STANDS else old for old in first[answered.batch]]
            if answered.answers != expected:
                yield f"batch {writer} {answered.batch} was told {expected} and then {answered.answers}"


def count(logs: Mapping[str, Sequence[LoggedAnswer]], stored: Stored) -> dict[str, int]:
    """Numbers for the table: acknowledged are journals that stand, each key once."""
    answers = Counter(a.split(":")[0] for log in logs.values() for b in log if not b.again for a in b.answers)
    faults = Counter(fault for log in logs.values() for answered in log for fault in answered.faults)
    doubts = [b for log in logs.values() for b in log if b.faults and not b.again]
    return {
        "acknowledged": sum(answer == "created" for answer in stored.requests.values()),
        "refused": answers["refused"],
        "exists": answers["exists"],
        "batches": sum(len(log) for log in logs.values()),
        "asked again": sum(answered.again for log in logs.values() for answered in log),
        "retried": len(doubts),
        "done unheard": sum("created" not in b.answers and "exists" in b.answers for b in doubts),
        "deadlocks": faults["40P01"] + faults["40001"],
        "faults": faults.total(),
    }
