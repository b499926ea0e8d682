"""Operators at work: from their success to the receipt, payments claimed among very many open ones, notices stored.

The whole way runs through the real processes: web, worker, and the simulator as the operator.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from signal import SIGTERM
from time import perf_counter

import httpx
from sqlalchemy import text

from bench.databases import FOUNDED, as_owner, as_superuser, database
from bench.engine import transaction
from bench.homes import Joined, join
from bench.measures import Measure, Size, against, must_be_none, percentile, promised
from bench.place import STOP_TIMEOUT_S, WEB, BenchPlace, check, environment, served, started
from bench.wire import Exchange
from engines import processes, run
from engines.cluster import OWNER_ROLE
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mobilemoney.operator import OperatorAnswer, Outcome, PaymentRequest
from mutuelle.contributions.collection import IS_DUE, PLACES, Round, collect, due_facts
from timing import Clock
from torture.town import DAN
from torture.town import PLACES as TOWNS

RECEIPT_GATE_S = 5.0  # p99, from the operator's success to the row in the outbox
NOTICES_GATE_PER_S = 1_000
OPERATOR, ACCOUNT = "simulated", "simulated-ML"
PATIENCE_S = 120.0
CLAIM_ROUNDS = 15
FEW_OPEN = 1_000
# What `join` wrote was handed to the operator; here the worker itself is to send it.
NOT_SENT_YET = (
    "update payment set state = 'ASKED', sent_at = null, asked_at = now(), due_at = now()",
    "delete from payment_move where position = 2",
)


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some minutes: a million rows are written."""
    async with database(place, "operators", FOUNDED) as own:
        receipts = await _receipts(own, size)
    async with database(place, "notices", FOUNDED) as own:
        notices = await _notices(own, size)
    async with database(place, "claims", FOUNDED) as own:
        claims = await _claims(own, size)
    return [*receipts, *notices, *claims]


async def _receipts(own: BenchPlace, size: Size) -> list[Measure]:
    """Payers approve at their rate; each wait is from there until the receipt stands in the outbox."""
    homes = await join(own, int(size.approvals_per_s * size.open_s))
    await as_owner(own, *NOT_SENT_YET)
    async with _service(own) as simulator_url:
        approved = await _approve_all(simulator_url, homes, size.approvals_per_s)
        recorded = await _recorded(own, homes)
    waits = [(recorded[home.phone] - approved[home.phone]).total_seconds() for home in homes]
    broken = await check(own.service_url)
    name = f"from success to receipt, {size.approvals_per_s} payments/s"
    return [
        promised("operators", f"{name}: p50", "s", [percentile(waits, 50)], None),
        promised("operators", f"{name}: p99", "s", [percentile(waits, 99)], RECEIPT_GATE_S),
        must_be_none("operators", "invariants broken afterwards", "invariants", len(broken)),
    ]


@asynccontextmanager
async def _service(own: BenchPlace) -> AsyncIterator[str]:
    """Web, the simulator and the worker, each a process; the simulator's address."""
    async with served(own, WEB) as web:
        web_url = f"http://{processes.LOOPBACK}:{web.port}"
        told = {
            "SIMULATOR_SERVICE_URL": web_url,
            "SIMULATOR_DATA": str(own.home / "simulator"),
            "PUBLIC_URL": web_url,
        }
        command = [sys.executable, "-m", "uvicorn", "--factory", "simulator.app:create_app", "--port", "PORT"]
        async with started(
            own, [*command, "--no-access-log"], more=told, ready="/simulator/prompts"
        ) as simulator:
            url = f"http://{processes.LOOPBACK}:{simulator.port}"
            with (own.home / "worker.log").open("ab") as output:
                child = processes.start(
                    [sys.executable, "worker.py"],
                    output=output,
                    directory=run.HOME,
                    environment=environment(own) | told | {"SIMULATOR_URL": url},
                )
            try:
                yield url
            finally:
                await asyncio.to_thread(processes.stop, child, SIGTERM, STOP_TIMEOUT_S)


async def _approve_all(
    simulator_url: str, homes: Sequence[Joined], approvals_per_s: float
) -> dict[str, datetime]:
    """When each payer approved, by phone: so many a second, as soon as the prompts are there."""
    approved: dict[str, datetime] = {}
    async with httpx.AsyncClient(base_url=simulator_url, trust_env=False, timeout=10) as client:
        async with asyncio.timeout(PATIENCE_S):
            while len(approved) < len(homes):
                for prompt in (await client.get("/simulator/prompts")).json():
                    began = perf_counter()
                    answer = await client.post(
                        f"/simulator/prompts/{prompt['id']}", data={"answer": "approve"}
                    )
                    answer.raise_for_status()
                    approved[prompt["phone"]] = datetime.now(UTC)
                    await asyncio.sleep(max(0.0, 1 / approvals_per_s - (perf_counter() - began)))
                await asyncio.sleep(0.05)
    return approved


async def _recorded(own: BenchPlace, homes: Sequence[Joined]) -> dict[str, datetime]:
    """When each receipt was written, by phone, once all are there."""
    pool = own.pool(1)
    wanted = text(
        "select phone, min(recorded_at) from sms_outbox where receipt_code is not null group by phone"
    )
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with pool.connect() as db:
                found = {str(phone): at for phone, at in await db.execute(wanted)}
            if len(found) >= len(homes):
                break
            await asyncio.sleep(0.2)
    await pool.dispose()
    return found


async def _notices(own: BenchPlace, size: Size) -> list[Measure]:
    """Notices of payments under way, one after another on each connection, to one web process."""
    await join(own, size.batch)
    async with transaction(own.owner_url) as db:
        tokens = list(await db.scalars(text("select notice_token from payment")))
    async with served(own, WEB) as web:
        rates = [await _notice_lap(web.port, tokens, size, nth) for nth in range(size.rounds)]
    async with transaction(own.owner_url) as db:
        stored = int(await db.scalar(text("select sum(times) from money_notice")) or 0)
    sent = sum(count for count, _rate in rates)
    return [
        Measure(
            "operators",
            "notices stored",
            sorted(rate for _count, rate in rates)[len(rates) // 2],
            "notices/s",
            f"{NOTICES_GATE_PER_S} wanted",
            sorted(rate for _count, rate in rates)[len(rates) // 2] / NOTICES_GATE_PER_S,
        ),
        must_be_none("operators", "notices lost", "notices", sent - stored),
    ]


async def _notice_lap(port: int, tokens: Sequence[str], size: Size, nth: int) -> tuple[int, float]:
    """How many were answered 200, and how many a second."""
    bodies = _requests(tokens, nth)
    exchange, until, answered = Exchange(port), perf_counter() + size.lap_s, 0

    async def operator() -> None:
        nonlocal answered
        while perf_counter() < until:
            status, _body = await exchange.ask(next(bodies))
            answered += status == 200

    began = perf_counter()
    await asyncio.gather(*(operator() for _caller in range(size.callers)))
    took_s = perf_counter() - began
    exchange.close()
    return answered, answered / took_s


def _requests(tokens: Sequence[str], lap: int) -> Iterator[bytes]:
    for nth, token in enumerate(cycle(tokens)):
        body = f'{{"reference": "{lap}-{nth}"}}'.encode()
        head = f"POST /money/{OPERATOR}/{token} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Waiting:
    """An operator that answers at once that nothing is decided."""

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        return OperatorAnswer(Outcome.UNKNOWN)

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        return OperatorAnswer(Outcome.ACCEPTED)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        return OperatorAnswer(Outcome.PENDING)


async def _claims(own: BenchPlace, size: Size) -> list[Measure]:
    """Rounds of the worker over as many payments as it takes at once, among few and among very many open ones."""
    parameter = "set on parameter session_replication_role"
    await as_superuser(own, f"grant {parameter} to {OWNER_ROLE}")
    pool, laps = own.pool(4), []
    accounts = ConnectedAccounts(
        httpx.AsyncClient(), Credentials(simulator_url="http://127.0.0.1:9"), {(DAN.id, ACCOUNT): _Waiting()}
    )
    house = Round(pool, [OPERATOR], accounts, "http://127.0.0.1", Clock(partial(datetime.now, UTC)))
    for open_payments in (FEW_OPEN, size.open_payments):
        await _write_open(own, open_payments)
        laps.append([await _claim_lap(own, house) for _round in range(CLAIM_ROUNDS)])
    plan = await _plan(own)
    print(f"How PostgreSQL finds what is due among {size.open_payments:,} open payments:\n{plan}", flush=True)
    await pool.dispose()
    await as_superuser(own, f"revoke {parameter} from {OWNER_ROLE}")
    few, many = laps
    return [
        against(
            "operators",
            f"a due payment asked about, of {size.open_payments:,} open",
            "ms",
            many,
            f"of {FEW_OPEN:,}",
            few,
        ),
        must_be_none("operators", "claims that read all that is open", "claims", int("Seq Scan" in plan)),
    ]


async def _claim_lap(own: BenchPlace, house: Round) -> float:
    """Milliseconds a payment, of as many as are taken at once."""
    async with transaction(own.owner_url) as db:
        await db.execute(text(_SOME_ARE_DUE), {"places": PLACES})
    began = perf_counter()
    dealt = await collect(house)
    assert dealt == PLACES, f"{dealt} were due"
    return (perf_counter() - began) / dealt * 1000


async def _write_open(own: BenchPlace, upto: int) -> None:
    """Households whose payments wait for their operator until tomorrow; nothing else is written of them."""
    facts = {"mutuelle": DAN.id, "place": TOWNS[0].id, "operator": OPERATOR, "account": ACCOUNT, "upto": upto}
    async with transaction(own.owner_url) as db:
        await db.execute(text("set local session_replication_role = replica"))
        facts["first"] = 1 + int(await db.scalar(text("select count(*) from payment")) or 0)
        for statement in (_HOUSEHOLDS, _OPEN):
            await db.execute(text(statement), facts)
    await as_owner(own, "vacuum analyze payment", "vacuum analyze household")


async def _plan(own: BenchPlace) -> str:
    """How PostgreSQL finds what is due."""
    facts = due_facts([OPERATOR], Clock(partial(datetime.now, UTC)))
    words = "explain select reference from payment where IS_DUE order by due_at limit 64"
    async with transaction(own.owner_url) as db:
        return "\n".join(await db.scalars(text(words.replace("IS_DUE", IS_DUE)), facts))


_HOUSEHOLDS = """
    insert into household (mutuelle_id, number, head_name, place_id, enrolled_at)
    select :mutuelle, (100000000 + nth)::text, 'Open', :place, now()
      from generate_series(cast(:first as int), :upto) nth
"""
_OPEN = """
    insert into payment (mutuelle_id, reference, number, purpose, amount_minor, currency, payer_phone, asked_by,
                         operator, account, notice_token, receipt_code, state, asked_at, sent_at, due_at, polls)
    select :mutuelle, gen_random_uuid(), (100000000 + nth)::text, 'contribution', 1000, 'XOF', '+22360000000',
           '+22360000000', :operator, :account, 'waiting-for-the-operator-' || lpad(nth::text, 12, '0'), 'W' || nth,
           'PENDING', now(), now(), now() + interval '1 day' + nth * interval '1 millisecond', 9
      from generate_series(cast(:first as int), :upto) nth
"""
_SOME_ARE_DUE = """
    update payment set due_at = now() - interval '1 minute', lease_until = null
     where reference in (select reference from payment order by due_at desc limit :places)
"""
