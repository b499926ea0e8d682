"""Prometheus metrics: the hops of this process, and the backlog of payments and messages from their tables.

The tables are read seldom, however often a scraper asks, one statement at a time on a connection of their own.
No label holds a phone number, a name or anything a caller typed.
"""

import asyncio
import gc
import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from time import monotonic
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from service import logs

DISK = next(
    place for place in (Path(__file__).parents[1] / "var", Path.cwd()) if place.is_dir()
)  # `var/`: the embedded engines'
registry = CollectorRegistry()  # this process
tables = (
    CollectorRegistry()
)  # read from the tables, the same in every process; left out while they cannot be read

SAMPLE_EVERY_S = 15.0  # the default scrape interval of Prometheus
REST = 50  # pause of this many times the last reading: large tables cost at most a fiftieth of a core
PATIENCE_S = 2.0  # a scraper waits this long for a new reading, then gets the last one
HOP_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Hops(Collector):
    """Counts hops by end and duration without locks, in one thread: locks would cost a hundredth of a hop."""

    def __init__(self) -> None:
        self._ended, self._seconds = 0, 0.0
        self._buckets = [0] * (len(HOP_BUCKETS_S) + 1)
        self.refused: Callable[[], int] = int

    def count(self, end: bool, seconds: float) -> None:
        self._ended += end
        self._seconds += seconds
        self._buckets[bisect_left(HOP_BUCKETS_S, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        so_far = list(accumulate(self._buckets))
        answered = CounterMetricFamily("keneya_ussd_hops", "Hops answered", labels=["answer"])
        answered.add_metric(["end"], self._ended)
        answered.add_metric(["con"], so_far[-1] - self._ended)
        yield answered
        refused = CounterMetricFamily("keneya_ussd_hops_refused", "Hops told that too many call at once")
        refused.add_metric([], self.refused())
        yield refused
        limits = [*map(str, HOP_BUCKETS_S), "+Inf"]
        buckets = list(zip(limits, so_far, strict=True))
        yield HistogramMetricFamily(
            "keneya_ussd_hop_seconds", "Time to answer a hop", buckets=buckets, sum_value=self._seconds
        )


ProcessCollector(registry=registry)
_hops = _Hops()
registry.register(_hops)
ends = Counter("keneya_ussd_calls_ended", "End-of-call notices", ["status"], registry=registry)
closed = Counter("keneya_connections_closed", "Connections closed at a limit", ["reason"], registry=registry)
Gauge("keneya_log_lines_lost", "Lines that the log did not take", registry=registry).set_function(
    lambda: logs.LosingHandler.lost
)
Gauge("keneya_disk_free_bytes", "Free where this process keeps its files", registry=registry).set_function(
    lambda: shutil.disk_usage(DISK).free
)
tables_up = Gauge("keneya_database_up", "Whether the tables could be read", registry=registry)
sampled_at = Gauge("keneya_tables_read_timestamp_seconds", "When the tables were read", registry=tables)
payments = Gauge("keneya_payments", "Payments by state", ["state"], registry=tables)
payouts = Gauge("keneya_payouts", "Payouts by state", ["state"], registry=tables)
oldest = Gauge("keneya_payment_oldest_open_seconds", "Age of the oldest payment under way", registry=tables)
cases = Gauge("keneya_payment_cases_open", "Payments and payouts that a person must look at", registry=tables)
operator_accounts = Gauge(
    "keneya_operator_accounts",
    "Accounts at operators by what the worker makes of their answers",
    ["operator", "health"],
    registry=tables,
)
operator_questions = Gauge(
    "keneya_operator_questions",
    "Questions to operators in the last five minutes, by what came of them",
    ["operator", "heard"],
    registry=tables,
)
messages = Gauge("keneya_sms", "Messages of the outbox by state", ["state"], registry=tables)
incoming = Gauge("keneya_sms_in", "Messages that came in, by what became of them", ["state"], registry=tables)
oldest_in = Gauge(
    "keneya_sms_in_oldest_seconds", "Age of the oldest message that waits to be played", registry=tables
)
failed_checks = Gauge(
    "keneya_checks_failed_day",
    "Checks of a cover that were not answered in the last 24 hours",
    registry=tables,
)
let_go = Gauge(
    "keneya_retention_rows_day",
    "Rows of personal data that the terms let go in the last 24 hours",
    registry=tables,
)
database_bytes = Gauge("keneya_database_bytes", "Size of the database on its disk", registry=tables)
limited = Gauge(
    "keneya_limited_uses",
    "Answers to strangers, and member numbers typed that nobody has, in the last hour",
    ["what"],
    registry=tables,
)
overdue = Gauge(
    "keneya_schedules_overdue", "Digests and rounds of reminders past their time", registry=tables
)
unfolded = Gauge(
    "keneya_ledger_unfolded_seconds", "Age of the oldest journal that no day row holds yet", registry=tables
)
seal_lag = Gauge(
    "keneya_seal_lag_seconds", "Age of the oldest journal that no seal holds yet", registry=tables
)

ON_ONE_CORE = text("set local max_parallel_workers_per_gather = 0")  # the other cores are for callers
DATABASE_BYTES = text("select pg_database_size(current_database())")
LIMITED_USES = text(
    "select what, count(*) from limited_use where used_at > clock_timestamp() - interval '1 hour' group by what"
)
PAYMENTS_BY_STATE = text("select state, count(*) from payment group by state")
PAYOUTS_BY_STATE = text("select state, count(*) from payout group by state")
MESSAGES_BY_STATE = text("select state, count(*) from sms_outbox group by state")
INCOMING_BY_STATE = text("select state, count(*) from sms_inbox group by state")
OLDEST_IN = text(
    "select extract(epoch from clock_timestamp() - min(received_at)) from sms_inbox where state = 'WAITING'"
    " and part is null"
)
FAILED_CHECKS = text(
    "select count(*) from failed_check where tried_at > clock_timestamp() - interval '1 day' and forgiven_at is null"
)
LET_GO = text(
    "select coalesce(sum(messages), 0) from firing"
    " where kind = 'retention' and fired_at > clock_timestamp() - interval '1 day'"
)
# Not by `next_at`: a failed try moves it on, so a schedule that always fails would not show.
OVERDUE = text(
    "select count(*) from schedule where stopped_at is null and due_at < clock_timestamp() - interval '10 minutes'"
)
UNFOLDED = text(
    "select extract(epoch from clock_timestamp() - min(first.recorded_at)) from ledger.fold f cross join lateral ("
    "select j.recorded_at from ledger.journal j where j.mutuelle_id = f.mutuelle_id and j.xid >= f.upto"
    " order by j.xid limit 1) first"
)
OPEN_CASES = text(
    "select (select count(*) from payment_case where closed_at is null)"
    " + (select count(*) from payout_case where closed_at is null)"
)
OPERATOR_ACCOUNTS = text(
    "select a.operator, coalesce(h.state, 'UP'), count(*) from operator_account a left join operator_health h"
    " on h.mutuelle_id = a.mutuelle_id and h.account = a.name group by 1, 2"
)
OPERATOR_QUESTIONS = text(
    "select a.operator, sum(m.answers), sum(m.refusals), sum(m.silences) from operator_minute m"
    " join operator_account a on a.mutuelle_id = m.mutuelle_id and a.name = m.account"
    " where m.minute > clock_timestamp() - interval '6 minutes' group by 1"
)
OLDEST_OPEN = text(
    "select extract(epoch from clock_timestamp() - min(asked_at)) from payment"
    " where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')"
)
# The oldest journal by tick: journals that a transaction under way may still precede are not sealed either.
SEAL_LAG = text(
    """select extract(epoch from clock_timestamp() - min(j.recorded_at)) from ledger.book b
       left join lateral (select s.upto from ledger.seal s where s.mutuelle_id = b.mutuelle_id
                           order by s.block desc limit 1) s on true
      cross join lateral (select q.recorded_at from ledger.journal q
                           where q.mutuelle_id = b.mutuelle_id and q.xid >= coalesce(s.upto, '0')
                           order by q.xid limit 1) j"""
)
KNOWN_ENDS = {"Success", "Incomplete", "Failed", "ended", "cancelled", "timed out"}


def settle_garbage_collector() -> None:
    """After all imports: collect, freeze, and collect more rarely. Measured: the collector causes the slowest hops."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def count_hop(end: bool, seconds: float) -> None:
    """One hop was answered with END (`end`) or CON, in `seconds`."""
    _hops.count(end, seconds)


def count_refused(so_far: Callable[[], int]) -> None:
    """`so_far` returns the number of hops refused because too many were under way."""
    _hops.refused = so_far


def count_end(status: str) -> None:
    """A call ended; an unknown status counts as other."""
    ends.labels(status if status in KNOWN_ENDS else "other").inc()


def count_closed(reason: str) -> None:
    """A connection was closed: too many connections, too slow, too large, idle, or too many requests at once."""
    closed.labels(reason).inc()


@dataclass
class Sampler:
    """Reads the tables, at most as often as REST allows. `pool` is used for nothing else."""

    pool: AsyncEngine
    up: bool = False
    next_at: float = 0.0
    reading: asyncio.Task[None] | None = None

    async def sample(self) -> None:
        """Start a reading if it is time, one for all scrapers, and wait for it up to PATIENCE_S."""
        if self.reading is None and monotonic() >= self.next_at:
            self.reading = asyncio.create_task(self._read())
        if self.reading is not None:
            await asyncio.wait([self.reading], timeout=PATIENCE_S)

    async def _read(self) -> None:
        began = monotonic()
        try:
            await _read_tables(self.pool)
        except (SQLAlchemyError, OSError):
            self.up = False
        else:
            self.up = True
            sampled_at.set_to_current_time()
        finally:
            took_s = monotonic() - began
            self.next_at, self.reading = monotonic() + max(SAMPLE_EVERY_S, took_s * REST), None

    async def close(self) -> None:
        """Cancel the reading under way, and close the connection."""
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.wait([self.reading])
        await self.pool.dispose()


async def exposition(sampler: Sampler) -> tuple[bytes, str]:
    """The metrics as text, and its content type; without the database only the counts of this process."""
    await sampler.sample()
    tables_up.set(sampler.up)
    own = generate_latest(registry)
    return own + generate_latest(tables) if sampler.up else own, CONTENT_TYPE_LATEST


async def _read_tables(pool: AsyncEngine) -> None:
    async with pool.connect() as db:
        await db.execute(ON_ONE_CORE)
        payments_by_state = (await db.execute(PAYMENTS_BY_STATE)).all()
        payouts_by_state = (await db.execute(PAYOUTS_BY_STATE)).all()
        messages_by_state = (await db.execute(MESSAGES_BY_STATE)).all()
        incoming_by_state = (await db.execute(INCOMING_BY_STATE)).all()
        limited_uses, bytes_used = (await db.execute(LIMITED_USES)).all(), await db.scalar(DATABASE_BYTES)
        oldest_in_s = await db.scalar(OLDEST_IN)
        failed_checks_day, let_go_day = await db.scalar(FAILED_CHECKS), await db.scalar(LET_GO)
        overdue_schedules, unsealed_s = await db.scalar(OVERDUE), await db.scalar(SEAL_LAG)
        unfolded_s = await db.scalar(UNFOLDED)
        oldest_s, open_cases = await db.scalar(OLDEST_OPEN), await db.scalar(OPEN_CASES)
        accounts = (await db.execute(OPERATOR_ACCOUNTS)).all()
        questions = (await db.execute(OPERATOR_QUESTIONS)).all()
    # No await from here on: a scraper at the same moment must not see half of it.
    by_state = (
        (payments, payments_by_state),
        (payouts, payouts_by_state),
        (messages, messages_by_state),
        (incoming, incoming_by_state),
        (limited, limited_uses),
    )
    for gauge, counts in by_state:
        gauge.clear()
        for state, count in counts:
            gauge.labels(state).set(count)
    _set_operators(accounts, questions)
    database_bytes.set(int(bytes_used or 0))
    oldest.set(float(oldest_s or 0))
    oldest_in.set(float(oldest_in_s or 0))
    failed_checks.set(int(failed_checks_day or 0))
    let_go.set(int(let_go_day or 0))
    overdue.set(int(overdue_schedules or 0))
    seal_lag.set(float(unsealed_s or 0))
    unfolded.set(float(unfolded_s or 0))
    cases.set(int(open_cases or 0))


def _set_operators(accounts: Sequence[Any], questions: Sequence[Any]) -> None:
    """An operator without a question has no figure of them; one without an account is not there."""
    operator_accounts.clear()
    operator_questions.clear()
    for operator, health, count in accounts:
        operator_accounts.labels(operator, health.lower()).set(count)
    for operator, answers, refusals, silences in questions:
        for heard, count in (("answer", answers), ("refusal", refusals), ("silence", silences)):
            operator_questions.labels(operator, heard).set(count)
