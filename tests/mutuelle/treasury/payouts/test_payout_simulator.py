"""Payouts through the simulator's HTTP, in one step and in two, with every trouble: as its journal says, so it is."""

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from ledger import accounts
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mutuelle.contributions.collection import Round
from mutuelle.contributions.payments import OPEN, PaymentState
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.payouts.payee_names import ask_names, told_name
from mutuelle.treasury.payouts.sending import send_payouts
from mutuelle.treasury.reconciliation import reconcile
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from simulator.app import create_app
from simulator.deps import Config
from tests.support.officer_acts import answers, broken
from tests.support.officers import set_limit
from tests.support.operator_cases import PAYOUT_CASES
from tests.support.own_accounts import held, opens
from tests.support.payouts import CSCOM, all_payouts, proposes_payout
from tests.support.servers import Service, Simulator, environment, listening, reached, serving
from tests.support.statements import taken
from tests.support.treasury import CLINIC, town_with_a_bank, xof

S = PaymentState
SCALE = 1000  # the operator's quarter of an hour is less than a second
PATIENCE_S = 1.8


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Whom the operators ring; some try the address first."""
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="200"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


@pytest.fixture
async def house(pool: AsyncEngine, simulator: Simulator, service: Service) -> AsyncIterator[Round]:
    async with httpx.AsyncClient(trust_env=False) as client:
        connected = ConnectedAccounts(client, Credentials(simulator_url=simulator.url))
        clock = timing.Clock(lambda: datetime.now(UTC), SCALE)
        yield Round(pool, ["simulated", "paydunya"], connected, service.url, clock)


async def test_every_trouble_ends_as_the_operators_journal_says(
    pool: AsyncEngine, simulator: Simulator, house: Round, tmp_path: Path
) -> None:
    await town_with_a_bank(pool)
    async with pool.begin() as db:
        await open_routes(db, await get_mutuelle(db, "BEN"), [Route("ML-orange", "paydunya")])
    await opens(pool, CLINIC, 500_000)
    await set_limit(pool, "payouts_a_day_minor", 900_000)
    await set_limit(pool, "payouts_by_one_minor", 900_000)
    for least, name in ((5_000, "simulated-ML"), (7_000, "paydunya-ML")):
        await opens(pool, accounts.disbursement(name), 300_000)
        for nth, case in enumerate(PAYOUT_CASES):
            if case.trouble:
                provider = name.partition("-")[0]
                await simulator.post(
                    "/simulator/trouble", mode=case.trouble, on=case.on, provider=provider, seconds="0.6"
                )
            await pays(pool, house, accounts.disbursement(name), least + nth)
    await expect_the_truth(pool, tmp_path)
    await expect_it_is_stated(pool, simulator)


async def pays(pool: AsyncEngine, house: Round, wallet: str, minor: int) -> None:
    """Two sign; the worker sends it, and asks until it has ended or nothing more is to be expected."""
    now = datetime.now(UTC)
    new = NewVoucher(VoucherKind.FACILITY, CLINIC, wallet, xof(minor), f"Facture {minor}", "CSCom", CSCOM)
    await proposes_payout(pool, new, at=now)
    if "simulated" in wallet:
        await ask_names(house)
        async with pool.connect() as db:
            told = await told_name(db, "BEN", "simulated-ML", CSCOM)
        assert told is not None
        assert told.name
    await answers(pool, at=datetime.now(UTC))
    until = monotonic() + PATIENCE_S
    while monotonic() < until:
        await send_payouts(house)
        [one] = [one for one in await all_payouts(pool) if one.amount == xof(minor) and one.credit == wallet]
        if one.state not in OPEN:
            return
        await asyncio.sleep(0.05)


async def expect_the_truth(pool: AsyncEngine, data: Path) -> None:
    last = {}
    for row in (data / "money.jsonl").read_text().splitlines():
        entry = json.loads(row)
        last[entry["id"]] = entry
    out = [entry for entry in last.values() if entry["direction"] == "out"]
    paid = Counter(int(entry["amount"]) for entry in out if entry["state"] == "PAID")
    ours = Counter(one.amount.amount_minor for one in await all_payouts(pool) if one.state is S.PAID)
    under_way = [one for one in await all_payouts(pool) if one.state in OPEN]
    assert max(paid.values()) == 1, "each has an amount of its own, and is paid once"
    assert ours <= paid
    assert set(paid - ours) <= {one.amount.amount_minor for one in under_way}
    assert len(ours) >= len(PAYOUT_CASES) // 2
    assert await broken(pool) == set()


async def expect_it_is_stated(pool: AsyncEngine, simulator: Simulator) -> None:
    """The operator's statement proves what it paid, and nothing of it is left over."""
    written = (await simulator.http.get("/simulator/simulated/statement")).text
    head, *lines = written.splitlines()
    assert len(lines) == len(list(csv.reader(io.StringIO(written)))) - 1
    now = datetime.now(UTC)
    done = await taken(pool, lines, name="disbursement:simulated-ML", head=head, now=now)
    assert (done.refused, done.debits, done.contradictions) == (0, 0, 0)
    assert done.known + done.posted == len(lines)
    async with pool.connect() as db:
        found = await reconcile(db, await get_mutuelle(db, "BEN"), now)
    assert [one for one in found.differences if "payout" in one.kind] == []
    simulated = [one for one in await all_payouts(pool) if one.operator == "simulated"]
    sent = sum(one.amount.amount_minor for one in simulated if one.state is S.PAID)
    assert await held(pool, accounts.disbursement("simulated-ML")) <= 300_000 - sent
    assert await broken(pool) == set()
