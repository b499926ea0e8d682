"""Watches operators: once a minute the worker writes what it has heard, judges each account, and tells treasurers.

Nothing of it is in a transaction of money. An account that is down is asked about one of its payments once a
minute, so that it comes back without a new one; the answer is counted and decides nothing.
"""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mobilemoney.accounts import capabilities_of
from mutuelle.contributions.collection import ClaimedPayment, Round, accounts_named, request_of
from mutuelle.contributions.operator_balances import ask_balances
from mutuelle.contributions.operator_health import (
    ALWAYS_UP,
    ANSWERS,
    REFUSALS,
    RULE,
    SILENCES,
    Health,
    HealthState,
    HeardCounts,
    HeardMinute,
    HeardTogether,
    judged,
    minute_length,
    minute_of,
)
from mutuelle.contributions.payment_queue import QUEUE_COLUMNS, queued_payment
from mutuelle.contributions.payments import PAYMENTS, PAYOUTS
from mutuelle.dates import day_hours_from, local_date, local_time
from mutuelle.locks import Lock, lock
from mutuelle.notify import notify
from mutuelle.scheme.limits import limits_of
from mutuelle.scheme.mutuelles import treasurers
from mutuelle.tables import mutuelle, operator_account, operator_health, operator_minute, payment

log = logging.getLogger("keneya.operators")

MOST_PROBES = 16  # accounts asked in one minute only to see whether they are back
TOLD_AGAIN_AFTER = timedelta(
    hours=12
)  # treasurers are told of one outage in that time, however often it comes
ASKED_AT_ONCE = (
    500  # of what waits for an operator that is back, payments and payouts; others come by their ladder
)
WITHIN_S = 60  # spread over this time


@dataclass(frozen=True)
class WatchedAccount:
    """An account and its health. `told_at`: when treasurers were last told that it is down; `is_told`: of this time."""

    mutuelle_id: str
    name: str
    operator: str
    country: str
    mutuelle_name: str
    timezone: str
    health: Health
    told_at: datetime | None
    is_told: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.mutuelle_id, self.name


@dataclass
class OperatorWatch:
    """The watch of one process: `house` has the operators and what was heard; `done_to` is the last minute's end."""

    house: Round
    done_to: datetime | None = None

    async def turn(self) -> int:
        """Once a minute: write, judge, tell, probe what is down, ask for balances. Always 0: it calls for no other."""
        now = minute_of(self.house.clock(), minute_length(self.house.clock))
        if self.done_to is not None and now <= self.done_to:
            return 0
        await self._write(now)
        async with self.house.pool.begin() as db:
            watched = await judge(db, self.house)
        self.done_to = now
        down = [
            one
            for one in watched
            if one.health.state is HealthState.DOWN and one.operator in self.house.operators
        ]
        await asyncio.gather(*(probe(self.house, one) for one in down[:MOST_PROBES]))
        await ask_balances(self.house)
        return 0

    async def _write(self, now: datetime) -> None:
        heard = self.house.heard.take(now)
        if not heard:
            return
        try:
            async with self.house.pool.begin() as db:
                await write_minutes(db, heard)
        except Exception:
            self.house.heard.add(heard)
            raise


async def write_minutes(db: AsyncConnection, heard: HeardCounts) -> None:
    """Add what was heard to what other workers have written of the same minutes."""
    names = (ANSWERS, REFUSALS, SILENCES)
    rows = [
        dict(zip(("mutuelle_id", "account", "minute"), key, strict=True))
        | {name: counts[name] for name in names}
        for key, counts in sorted(heard.items())
    ]
    new = insert(operator_minute).values(rows)
    added = {name: operator_minute.c[name] + new.excluded[name] for name in names}
    await db.execute(new.on_conflict_do_update(index_elements=operator_minute.primary_key, set_=added))


async def judge(db: AsyncConnection, house: Round) -> list[WatchedAccount]:
    """Judge every account by the minutes that are over, write what changed, and tell treasurers; all accounts."""
    await lock(db, Lock.OPERATORS)
    length = minute_length(house.clock)
    now = minute_of(house.clock(), length)
    minutes = await _minutes(db, now - RULE.window * length, now)
    watched = await accounts_watched(db)
    together: defaultdict[tuple[str, str], HeardTogether] = defaultdict(HeardTogether)
    for one in watched:
        together[one.operator, one.country].accounts.append(minutes[one.key])
    after = []
    for one in watched:
        everybody = together[one.operator, one.country]
        found = replace(one, health=judged(one.health, minutes[one.key], everybody, now, length))
        if HealthState.DOWN in {one.health.state, found.health.state} and found.health != one.health:
            log.warning(
                "operator.down" if found.health.state is HealthState.DOWN else "operator.back",
                extra={"mutuelle": one.mutuelle_id, "account": one.name, "operator": one.operator},
            )
            if found.health.state is not HealthState.DOWN:
                await _ask_what_waits(db, found, house)
        found = await _tell(db, found, house)
        if found != one:
            await _keep(db, found)
        after.append(found)
    return after


async def accounts_watched(db: AsyncConnection) -> list[WatchedAccount]:
    """Every account at an operator, with its health."""
    rows = await db.execute(_WATCHED)
    return [
        WatchedAccount(
            *row[:6],
            Health(HealthState(row.state), row.since) if row.state else ALWAYS_UP,
            row.told_at,
            bool(row.is_told),
        )
        for row in rows
    ]


_WATCHED = (
    select(
        operator_account.c.mutuelle_id,
        operator_account.c.name,
        operator_account.c.operator,
        operator_account.c.country,
        mutuelle.c.name.label("mutuelle_name"),
        mutuelle.c.timezone,
        operator_health.c.state,
        operator_health.c.since,
        operator_health.c.told_at,
        operator_health.c.is_told,
    )
    .join(mutuelle, mutuelle.c.id == operator_account.c.mutuelle_id)
    .outerjoin(
        operator_health,
        (operator_health.c.mutuelle_id == operator_account.c.mutuelle_id)
        & (operator_health.c.account == operator_account.c.name),
    )
    .order_by(operator_account.c.mutuelle_id, operator_account.c.name)
)


async def _minutes(
    db: AsyncConnection, first: datetime, now: datetime
) -> defaultdict[tuple[str, str], list[HeardMinute]]:
    """What was heard of each account in the minutes from `first` to `now`; a refusal is an answer."""
    its = operator_minute.c
    rows = await db.execute(select(operator_minute).where(its.minute >= first, its.minute < now))
    found: defaultdict[tuple[str, str], list[HeardMinute]] = defaultdict(list)
    for row in rows:
        heard = HeardMinute(row.minute, row.answers + row.refusals, row.silences)
        found[row.mutuelle_id, row.account].append(heard)
    return found


async def heard_since(db: AsyncConnection, first: datetime) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Answers, refusals and silences of each account in the minutes from `first` on."""
    its = operator_minute.c
    sums = [sa.func.sum(its[name]) for name in (ANSWERS, REFUSALS, SILENCES)]
    rows = await db.execute(
        select(its.mutuelle_id, its.account, *sums)
        .where(its.minute >= first)
        .group_by(its.mutuelle_id, its.account)
    )
    return {(row[0], row[1]): (int(row[2]), int(row[3]), int(row[4])) for row in rows}


async def _keep(db: AsyncConnection, one: WatchedAccount) -> None:
    facts = {
        "state": one.health.state,
        "since": one.health.since,
        "told_at": one.told_at,
        "is_told": one.is_told,
    }
    new = insert(operator_health).values(mutuelle_id=one.mutuelle_id, account=one.name, **facts)
    await db.execute(new.on_conflict_do_update(index_elements=operator_health.primary_key, set_=facts))


async def _tell(db: AsyncConnection, one: WatchedAccount, house: Round) -> WatchedAccount:
    """Tell the treasurers once that it is down for long, and once that it is back; never at night."""
    now, is_down = house.clock(), one.health.state is HealthState.DOWN
    if is_down == one.is_told or (house.clock.scale == 1 and day_hours_from(now, one.timezone) > now):
        return one
    today, at = local_date(now, one.timezone), local_time(one.health.since, one.timezone)
    if is_down:
        minutes = (await limits_of(db, one.mutuelle_id, today)).operator_silent_minutes
        if house.within(one.health.since, timedelta(minutes=minutes)):
            return one
        if one.told_at is not None and house.within(one.told_at, TOLD_AGAIN_AFTER):
            return one
    told = operator_down if is_down else operator_back
    sentence = told(one.mutuelle_name, one.operator, at)
    phones = [officer.phone for officer in await treasurers(db, one.mutuelle_id, today)]
    name = "operator down" if is_down else "operator back"
    await notify(
        db,
        one.mutuelle_id,
        name,
        dict.fromkeys(phones, sentence),
        now,
        event=f"{one.name} {one.health.since.timestamp():.0f}",
    )
    return replace(one, told_at=now if is_down else one.told_at, is_told=is_down)


def operator_down(mutuelle_name: str, operator: str, since: str) -> Sentence:
    """To treasurers, once: since when it does not answer, that members are told, and that nothing is lost."""
    return _(
        "{mutuelle}: the operator {operator} has not answered since {time}. Members are told, cash still works. "
        "We go on asking and tell you when it is back.",
        mutuelle=mutuelle_name,
        operator=operator,
        time=since,
    )


def operator_back(mutuelle_name: str, operator: str, since: str) -> Sentence:
    """To the same treasurers: it answers again."""
    return _(
        "{mutuelle}: the operator {operator} has answered again since {time}. Payments that waited are being settled.",
        mutuelle=mutuelle_name,
        operator=operator,
        time=since,
    )


async def _ask_what_waits(db: AsyncConnection, one: WatchedAccount, house: Round) -> None:
    """Make payments and payouts that wait for a later question due within a minute: people have waited long enough."""
    facts = {"mutuelle": one.mutuelle_id, "account": one.name, "most": ASKED_AT_ONCE}
    within = house.clock.scaled(timedelta(seconds=WITHIN_S))
    for ask_soon in _ASK_SOON:
        await db.execute(ask_soon, {**facts, "now": house.clock(), "within": within})


_ASK_SOON = [
    sa.text(
        """
        update ROWS set due_at = cast(:now as timestamptz) + random() * cast(:within as interval)
         where (mutuelle_id, reference) in (
            select p.mutuelle_id, p.reference from ROWS p
             where p.mutuelle_id = :mutuelle and p.account = :account
               and p.state in ('SENT', 'PENDING', 'UNKNOWN') and p.due_at > :now
             order by p.due_at limit :most for update skip locked)
        """.replace("ROWS", kept.rows.name)
    )
    for kept in (PAYMENTS, PAYOUTS)
]


async def probe(house: Round, one: WatchedAccount) -> None:
    """Ask for the status of one payment of the account, only to hear whether anybody answers."""
    async with house.pool.connect() as db:
        claimed = await _one_payment(db, house, one)
    if claimed is None:
        return
    try:
        answer = await house.accounts.connect(claimed.account).status(request_of(claimed, house.public_url))
    except Exception:
        log.exception("operator.not_probed", extra={"mutuelle": one.mutuelle_id, "account": one.name})
        return
    house.heard.note(one.mutuelle_id, one.name, answer, house.clock)


async def _one_payment(db: AsyncConnection, house: Round, one: WatchedAccount) -> ClaimedPayment | None:
    """A payment of which the operator was asked before, an open one if there is one; nobody holds it by this.

    Each is found by an index, however many payments there are: the open ones of a mutuelle, the operator's references.
    An order would make PostgreSQL read the open ones of all mutuelles.
    """
    its = payment.c
    asked = (its.mutuelle_id == one.mutuelle_id) & (its.account == one.name)
    if capabilities_of(one.operator).two_steps:
        asked &= its.step_token.is_not(None)
    is_open = asked & sa.text("payment.state in ('SENT', 'PENDING', 'UNKNOWN')")
    ways = (
        select(*QUEUE_COLUMNS).where(is_open).limit(1),
        select(*QUEUE_COLUMNS).where(asked, its.operator_reference.is_not(None)).limit(1),
    )
    for way in ways:
        queued = [queued_payment(row) for row in await db.execute(way)]
        if queued:
            accounts = await accounts_named(db, [one.key], house.accounts.credentials)
            return ClaimedPayment(queued[0], uuid4(), accounts[one.key])
    return None
