"""The books of the proof "operators": the operators' own journal, their statements and notices, against ours."""

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.engine import engine_of
from engines import run
from mobilemoney.accounts import capabilities_of
from mobilemoney.operator import Fact
from torture.operators_town import OperatorTown
from torture.place import RunningPlace

Row = dict[str, Any]
ASKED_WITHIN_S = 120.0  # after the last notice that comes again; only a fault takes so long

PAYMENTS = text(
    """select p.mutuelle_id, p.reference::text, p.operator, p.state, p.amount_minor, p.payer_phone, p.receipt_code,
              p.step_token, exists (select from payment_case c where c.mutuelle_id = p.mutuelle_id
                                       and c.reference = p.reference) as has_case
         from payment p"""
)
PAYOUTS = text(
    """select p.mutuelle_id, p.reference::text, p.operator, p.state, p.amount_minor, p.phone, p.step_token,
              exists (select from payout_case c where c.mutuelle_id = p.mutuelle_id
                         and c.reference = p.reference) as has_case
         from payout p"""
)
POSTINGS = text(
    """select r.mutuelle_id, r.source, r.key as reference, sum(m.amount)::bigint as amount
         from ledger.request r
         join ledger.movement m on m.mutuelle_id = r.mutuelle_id and m.journal_id = r.journal_id
        where r.source in ('payment', 'suspense') and r.verdict = 'created' group by 1, 2, 3, r.journal_id"""
)
DUE = text("select count(*) from sms_outbox where state = 'DUE' and due_at <= now()")
RECEIPTS = text(
    "select receipt_code, phone, count(*) as times from sms_outbox where receipt_code is not null group by 1, 2"
)
SUMS = text(
    """select (select count(*) from payment) as payments, (select count(*) from payment where state = 'PAID') as paid,
              (select count(*) from payment where state = 'FAILED') as failed,
              (select count(*) from payout) as payouts, (select count(*) from payout where state = 'PAID') as paid_out,
              (select count(*) from money_notice) as notices, (select sum(times) from money_notice)::int as rung,
              (select count(*) from payment_case) + (select count(*) from payout_case) as cases,
              (select count(*) from ledger.journal) as journals, (select count(*) from sms_outbox) as sms"""
)
STATES = text(
    """select 'payment ' || reference || ' ' || state from payment
        union all select 'payout ' || reference || ' ' || state from payout
        union all select 'journals ' || count(*) from ledger.journal
        union all select 'SMS ' || count(*) from sms_outbox"""
)


# A notice sets the questions back to none: it is due at once.
NOT_ASKED = text(
    """select (select count(*) from payment where state in ('SENT', 'PENDING', 'UNKNOWN') and polls = 0)
            + (select count(*) from payout where state in ('SENT', 'PENDING', 'UNKNOWN') and polls = 0)"""
)


@dataclass(frozen=True)
class OperatorsBooks:
    """What stands where; `outside` is the operators' own journal, with the last line of each movement.

    `due`: how many SMS are to be sent.
    """

    outside: list[Row]
    payments: list[Row]
    payouts: list[Row]
    postings: list[Row]
    receipts: list[Row]
    due: int

    def took(self, direction: str) -> list[Row]:
        """What really moved, in one direction."""
        return [one for one in self.outside if one["direction"] == direction and _ended(one) == "PAID"]

    def unexplained(self, rows: list[Row]) -> list[Row]:
        """Of our payments or payouts, what is open although its operator can say how it ended, or knows nothing of it.

        It has no case, so nobody looks at it. One whose second step the operator never did waits for a person for a
        day: nobody was asked, and nobody can prove it.
        """
        said = {key: _ended(one) for one in self.outside for key in (one["reference"], one["token"]) if key}
        unseen = [row for row in rows if row["state"] in OPEN and not row["has_case"]]
        return [row for row in unseen if not _goes_on(row, said) and not _was_forgotten(row, said)]


PENDING = "PENDING"
OPEN = ("ASKED", "SENT", "PENDING", "UNKNOWN")


def _goes_on(row: Row, said: dict[str, str]) -> bool:
    """Its operator has not decided it yet."""
    return (said.get(row["reference"]) or said.get(row["step_token"])) == PENDING


def _was_forgotten(row: Row, said: dict[str, str]) -> bool:
    """Its operator gave a token, and knows nothing of what came after."""
    return bool(row["step_token"]) and {row["reference"], row["step_token"]}.isdisjoint(said)


def _ended(one: Row) -> str:
    """How it ended outside; PENDING while it has not."""
    has_ended = one["ended_at"] is not None and one["ended_at"] <= datetime.now(UTC).isoformat()
    return str(one["state"]) if has_ended else PENDING


async def prove(place: RunningPlace, towns: list[OperatorTown], http: httpx.AsyncClient) -> list[str]:
    """Compare; let every notice come again; take in every statement; compare again."""
    broken = list(compare(await open_books(place)))
    broken += await _replay(place, http)
    for town in towns:
        broken += await _take_statement(place, town, http)
    books = await open_books(place)
    broken += list(compare(books, stated=True))
    broken += list(sums_differ(books, towns, await _reconciled(place)))
    return broken


def sums_differ(books: OperatorsBooks, towns: list[OperatorTown], told: dict[str, Any]) -> Iterator[str]:
    """A line for each account of which `keneya reconcile` has other sums than the operator's journal."""
    booked = Counter[str]()
    for one in books.postings:
        booked[one["mutuelle_id"]] += one["amount"]
    for town in towns:
        whose = town.mutuelle.id, town.account
        days = [day for day in told["days"] if (day["mutuelle"], day["account"]) == whose]
        took, sent = (
            [one for one in books.took(direction) if one["provider"] == town.operator]
            for direction in ("in", "out")
        )
        fees = sum(int(one["fee"]) for one in (*took, *sent))
        sums = {
            "came in": (_sum(took), sum(day["stated_in_minor"] or 0 for day in days)),
            "went out, with fees": (_sum(sent) + fees, sum(day["stated_out_minor"] or 0 for day in days)),
            "was posted": (booked[town.mutuelle.id], sum(day["booked_in_minor"] for day in days)),
        }
        for what, (outside, inside) in sums.items():
            if outside != inside:
                yield f"{town.operator}: {outside} {what}, and keneya reconcile has {inside}"


def _sum(moved: list[Row]) -> int:
    return sum(int(one["amount"]) for one in moved)


async def _reconciled(place: RunningPlace) -> dict[str, Any]:
    """What the command says; it exits with 1 if anything differs, which another amount than was asked does."""
    _code, said, _trouble = await _keneya(place, "reconcile", "--json")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def compare(books: OperatorsBooks, *, stated: bool = False) -> Iterator[str]:
    """A line for each thing that is not as it must be; `stated`: the operators' statements are taken in."""
    yield from _payments_end_as_they_were_paid(books, stated=stated)
    yield from _nothing_is_posted_without_a_debit(books)
    yield from _receipts_tell_the_truth(books)
    yield from _payouts_end_as_they_were_paid(books, stated=stated)
    for one in books.unexplained(books.payments + books.payouts):
        yield f"{one['operator']} {one['reference']} is {one['state']}, and nobody looks at it"


def _of(rows: list[Row]) -> dict[str, Row]:
    """By our reference, and by the token of a first step: some operators know only that."""
    found = {row["reference"]: row for row in rows}
    return found | {row["step_token"]: row for row in rows if row["step_token"]}


def _tells_no_amount(one: Row) -> bool:
    return Fact.AMOUNT in capabilities_of(one["provider"]).not_told


def _meant(one: Row, ours: dict[str, Row]) -> Row | None:
    return ours.get(one["reference"]) or ours.get(one["token"])


def _payments_end_as_they_were_paid(books: OperatorsBooks, *, stated: bool) -> Iterator[str]:
    """Each debit outside is posted once, of its amount; or it is still open, with a case, until its statement."""
    ours, posted = _of(books.payments), Counter[str]()
    sums = {(one["reference"], one["source"]): one["amount"] for one in books.postings}
    for one in books.postings:
        posted[one["reference"]] += 1
    debits = Counter[str]()
    for one in books.took("in"):
        name, payment, amount = f"{one['provider']} {one['id']}", _meant(one, ours), int(one["amount"])
        if payment is None:
            yield f"{name}: a debit that we know nothing of"
            continue
        key = payment["reference"]
        debits[key] += 1
        if payment["state"] == "FAILED":
            yield f"{name}: paid, and FAILED here ({key})"
        elif payment["state"] != "PAID":
            if stated or not payment["has_case"]:
                yield f"{name}: paid, and still {payment['state']} ({key})"
        elif posted[key] != 1:
            yield f"{name}: posted {posted[key]} times ({key})"
        # An operator that tells no amounts moved another one: nobody can know before its statement.
        elif amount not in (sums.get((key, "payment")), sums.get((key, "suspense"))) and (
            not _tells_no_amount(one) or (stated and not payment["has_case"])
        ):
            yield f"{name}: {amount} moved, otherwise posted ({key})"
    yield from (f"payment {key} was debited {times} times" for key, times in debits.items() if times > 1)


def _nothing_is_posted_without_a_debit(books: OperatorsBooks) -> Iterator[str]:
    ours = _of(books.payments)
    took = {payment["reference"] for one in books.took("in") if (payment := _meant(one, ours))}
    for payment in books.payments:
        if payment["state"] == "PAID" and payment["reference"] not in took:
            yield f"payment {payment['reference']} is PAID and nothing was taken ({payment['operator']})"
    for one in books.postings:
        if one["reference"] not in took and one["reference"] in ours:
            yield f"{one['source']} {one['reference']} is posted and nothing was taken"


def _receipts_tell_the_truth(books: OperatorsBooks) -> Iterator[str]:
    """Whoever paid what was asked has one receipt; nobody else has any."""
    receipts = {(one["receipt_code"], one["phone"]): one["times"] for one in books.receipts}
    received = {one["reference"] for one in books.postings if one["source"] == "payment"}
    for payment in books.payments:
        times = receipts.get((payment["receipt_code"], payment["payer_phone"]), 0)
        wanted = int(payment["reference"] in received)
        if times != wanted:
            yield f"payment {payment['reference']} is {payment['state']} and has {times} receipts"


def _payouts_end_as_they_were_paid(books: OperatorsBooks, *, stated: bool) -> Iterator[str]:
    ours, paid = _of(books.payouts), Counter[str]()
    for one in books.took("out"):
        payout = _meant(one, ours)
        name = f"{one['provider']} payout {one['id']}"
        if payout is None:
            yield f"{name}: money went out that nobody asked for"
            continue
        paid[payout["reference"]] += 1
        is_as_signed = int(one["amount"]) == payout["amount_minor"]
        if payout["state"] == "FAILED":
            yield f"{name}: paid out, and FAILED here"
        elif is_as_signed:
            if payout["state"] not in ("PAID", "REVERSED") and (stated or not payout["has_case"]):
                yield f"{name}: paid out, and still {payout['state']}"
        elif not payout["has_case"] and (stated or not _tells_no_amount(one)):
            # It waits for a person, whatever the statement says: nobody signed that amount.
            yield f"{name}: {one['amount']} went out, {payout['amount_minor']} were signed, and nobody looks at it"
    yield from (f"payout {key} was paid out {times} times" for key, times in paid.items() if times > 1)
    for payout in books.payouts:
        if payout["state"] == "PAID" and not paid[payout["reference"]]:
            yield f"payout {payout['reference']} is PAID and nothing went out ({payout['operator']})"


async def open_books(place: RunningPlace) -> OperatorsBooks:
    lines = (place.store.parent / "money.jsonl").read_text().splitlines()
    last: dict[str, Row] = {}
    for line in lines:
        entry = json.loads(line)
        last[entry["id"]] = entry
    async with engine_of(place.database_url) as engine, engine.connect() as db:
        return await read_books(db, list(last.values()))


async def read_books(db: AsyncConnection, outside: list[Row]) -> OperatorsBooks:
    """Our side of the books, beside the operators' own journal."""
    payments, payouts, postings, receipts = [
        [dict(row) for row in (await db.execute(query)).mappings()]
        for query in (PAYMENTS, PAYOUTS, POSTINGS, RECEIPTS)
    ]
    return OperatorsBooks(outside, payments, payouts, postings, receipts, int(await db.scalar(DUE) or 0))


async def count(place: RunningPlace) -> dict[str, int]:
    """The table's numbers."""
    async with engine_of(place.database_url) as engine, engine.connect() as db:
        row = (await db.execute(SUMS)).mappings().one()
    return {name.replace("_", " "): int(value or 0) for name, value in row.items()}


async def _replay(place: RunningPlace, http: httpx.AsyncClient) -> list[str]:
    """Post every notice again; nothing may change but that the worker has asked."""
    async with engine_of(place.database_url) as engine, engine.connect() as db:
        before = set(await db.scalars(STATES))
        notices = (await db.execute(text("select operator, token, body from money_notice"))).all()
    slots = asyncio.Semaphore(16)

    async def post(operator: str, token: str, body: bytes) -> int:
        async with slots:
            reply = await http.post(f"{place.web}/money/{operator}/{token}", content=bytes(body))
            return reply.status_code

    codes = Counter(await asyncio.gather(*(post(*notice) for notice in notices)))
    strange = [
        f"notices that came again were answered {code}: {n}" for code, n in codes.items() if code != 200
    ]
    if left := await _unasked(place):
        strange.append(f"notices that came again, and nobody asked: {left}")
    async with engine_of(place.database_url) as engine, engine.connect() as db:
        after = set(await db.scalars(STATES))
    strange += [f"notices that came again changed something: {one}" for one in sorted(before ^ after)]
    return strange


async def _unasked(place: RunningPlace) -> int:
    """How many that are open have not been asked about, once there are none, or too long after."""
    left = 0
    for _look in range(round(ASKED_WITHIN_S)):
        async with engine_of(place.database_url) as engine, engine.connect() as db:
            left = int(await db.scalar(NOT_ASKED) or 0)
        if not left:
            break
        await asyncio.sleep(1)
    return left


async def _take_statement(place: RunningPlace, town: OperatorTown, http: httpx.AsyncClient) -> list[str]:
    """The operator's statement as its portal gives it, taken in by the command."""
    url = f"{place.simulator}/simulator/{town.operator}/statement"
    told = await http.get(url)
    told.raise_for_status()
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(told.content)
        file.flush()
        command = (
            "statement",
            file.name,
            "--account",
            town.account,
            "--mutuelle",
            town.mutuelle.id,
            "--json",
        )
        code, said, trouble = await _keneya(place, *command)
    if code or not said:
        return [f"{town.operator}: its statement was refused: {(trouble or said)[-300:]}"]
    taken = json.loads(said.splitlines()[-1])
    return [f"{town.operator}: {taken['refused']} lines were refused"] if taken["refused"] else []


async def _keneya(place: RunningPlace, *words: str) -> tuple[int, str, str]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *words),
        cwd=run.HOME,
        env={"PATH": os.environ.get("PATH", ""), "DATABASE_URL": place.database_url, "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, trouble = await child.communicate()
    return child.returncode or 0, said.decode(), trouble.decode()
