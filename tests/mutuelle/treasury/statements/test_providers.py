"""The statement of each operator's portal meets the payments that its own adapter made.

Its preset is proven so against the simulator's journal, which is the truth; no real portal's file was seen.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mutuelle.contributions.collection import Round, collect
from mutuelle.contributions.payments import OPEN, PaymentState
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment
from mutuelle.treasury.statements.accounts import account_named
from mutuelle.treasury.statements.files import StatementSource
from mutuelle.treasury.statements.reading import read_statement
from mutuelle.treasury.statements.take_in import TakenIn, take_in
from simulator.app import create_app
from simulator.deps import Config
from tests.support.servers import Simulator, environment, reached, serving
from tests.support.statements import journals
from tests.support.town import found_town, join

SCALE = 50  # a prompt lives for six seconds, also on a busy machine
NAMES = ("Awa Koné", "Mariam Sangaré", "Oumar Diarra", "Fanta Traoré")


@dataclass(frozen=True)
class Portal:
    """An operator whose portal writes statements of preset `preset`: the network, and how its phones begin.

    After a trouble of `undecided` it never says what became of the request: the payment stays open.
    """

    operator: str
    network: str
    phones: str
    preset: str
    undecided: frozenset[str] = frozenset()

    @property
    def account(self) -> str:
        return f"{self.operator}-{self.network[:2]}"


PORTALS = {
    "mtn": Portal("mtn", "CI-mtn", "+22505044170", "mtn"),
    "pawapay": Portal("pawapay", "CI-mtn", "+22505044170", "pawapay"),
    "paydunya": Portal(
        "paydunya", "ML-orange", "+223700001", "paydunya", frozenset({"error500", "lost", "refused"})
    ),
    "paygate, Flooz": Portal("paygate", "TG-moov", "+228961234", "paygate"),
    "paygate, T-Money": Portal("paygate", "TG-togocel", "+228901234", "paygate"),
    "qos": Portal("qos", "BJ-celtiis", "+22901401234", "qos"),
    "simulated": Portal("simulated", "ML-orange", "+223701234", "plain"),
}

# What the operator does to a request, and what its payer answers to each prompt; whether the money came.
LIVES = [
    ("", "approve", True),
    ("", "twice", True),
    ("", "late", True),
    ("", "notice-first", True),
    ("", "decline", False),
    ("", "ignore", False),
    ("accepted-then-500", "approve", True),
    ("accepted-then-500", "decline", False),
    ("error500", "approve", True),
    ("lost", "approve", True),
    ("debited-then-500", "", True),
    ("refused", "", False),
]


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment("http://127.0.0.1:9", tmp_path, TIME_SCALE=str(SCALE)))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


async def play(pool: AsyncEngine, simulator: Simulator, portal: Portal) -> dict[str, str]:
    """A household for each life, which joins and is asked to pay; gives the state of each payment by its phone."""
    async with pool.begin() as db:
        await open_routes(db, await get_mutuelle(db, "BEN"), [Route(portal.network, portal.operator)])
    answers, undecided = {}, set()
    for nth, (trouble, answer, _came) in enumerate(LIVES):
        phone = f"{portal.phones}{nth:02}"
        answers[phone] = answer
        undecided |= {phone} if trouble in portal.undecided else set()
        if trouble:
            facts = {
                "mode": trouble,
                "provider": portal.operator,
                "on": "request",
                "phone": phone,
                "count": "1",
            }
            await simulator.post("/simulator/trouble", **facts)
        await join(pool, phone, at=datetime.now(UTC), name=f"{NAMES[nth % len(NAMES)]} {'ABCDEFGHIJKL'[nth]}")
    async with httpx.AsyncClient(trust_env=False) as client:
        accounts = ConnectedAccounts(client, Credentials(simulator_url=simulator.url))
        clock = timing.Clock(lambda: datetime.now(UTC), SCALE)
        round_ = Round(pool, [portal.operator], accounts, "http://127.0.0.1:9", clock)
        payers = asyncio.create_task(answer_all(simulator, answers))
        try:
            async with asyncio.timeout(90):
                while await is_going_on(pool, undecided):
                    await collect(round_)
                    await asyncio.sleep(0.05)
        finally:
            payers.cancel()
    return await all_of(pool)


async def answer_all(simulator: Simulator, answers: Mapping[str, str]) -> None:
    """Every payer answers each prompt as soon as it is on the phone."""
    while True:
        for prompt in await simulator.get("/simulator/prompts"):
            await simulator.post(f"/simulator/prompts/{prompt['id']}", answer=answers[prompt["phone"]])
        await asyncio.sleep(0.02)


async def is_going_on(pool: AsyncEngine, undecided: Collection[str]) -> bool:
    """Whether a payment is open that its operator will decide."""
    states = await all_of(pool)
    return any(state in OPEN for phone, state in states.items() if phone not in undecided)


async def all_of(pool: AsyncEngine) -> dict[str, str]:
    """The state of each payment by its phone."""
    async with pool.connect() as db:
        rows = (await db.execute(select(payment.c.payer_phone, payment.c.state))).all()
    return {row.payer_phone: row.state for row in rows}


def truth(data: Path) -> list[dict[str, Any]]:
    """What the simulator's journal says in the end of all that it was asked to move."""
    lines = [json.loads(line) for line in (data / "money.jsonl").read_text().splitlines()]
    return list({line["id"]: line for line in lines}.values())


async def take(pool: AsyncEngine, portal: Portal, raw: bytes) -> TakenIn:
    async with pool.begin() as db:
        now = datetime.now(UTC)
        account, mutuelle = await account_named(db, portal.account, "BEN"), await get_mutuelle(db, "BEN")
        read = read_statement("portal.csv", raw, None, mutuelle, mutuelle.today(now))
        assert read.preset.name == portal.preset
        source = StatementSource(account, "portal.csv", read.preset.name, hashlib.sha256(raw).digest())
        return await take_in(db, mutuelle, source, read, now)


@pytest.mark.parametrize("portal", PORTALS.values(), ids=PORTALS)
async def test_every_payment_is_known_by_the_statement_and_nothing_else_is_in_it(
    pool: AsyncEngine, simulator: Simulator, portal: Portal, tmp_path: Path
) -> None:
    await found_town(pool)
    states = await play(pool, simulator, portal)
    decided = [came for trouble, _answer, came in LIVES if trouble not in portal.undecided]
    came, left = sum(decided), len(LIVES) - len(decided)
    counted = Counter("open" if state in OPEN else state for state in states.values())
    expected = {PaymentState.PAID: came, PaymentState.FAILED: len(decided) - came, "open": left}
    assert counted == +Counter(expected)
    statement = await simulator.http.get(f"/simulator/{portal.operator}/statement")
    entries = [line for line in statement.text.splitlines() if line.strip()][1:]
    taken = await take(pool, portal, statement.content)
    assert taken.faults == []
    assert (taken.known, taken.posted, taken.unmatched, taken.contradictions) == (came, 0, 0, 0)
    assert taken.lines == len(entries) == came + taken.skipped
    fees = sorted(int(one["fee"]) for one in truth(tmp_path) if one["state"] == "PAID" and one["fee"] != "0")
    assert (taken.fees, sorted(amount for _debit, _credit, amount in await journals(pool))) == (
        len(fees),
        fees,
    )
    again = await take(pool, portal, statement.content)
    assert (again.known, again.posted, again.unmatched, again.fees) == (came, 0, 0, 0)
