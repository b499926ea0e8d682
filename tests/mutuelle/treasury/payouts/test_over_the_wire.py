"""Payouts over every adapter that pays out: two sign, the simulator moves the money, its journal is the truth."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from ledger import accounts
from mobilemoney import adapters
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mutuelle.contributions.collection import Round
from mutuelle.contributions.payments import PaymentState
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.payouts.payee_names import ask_names, told_name
from mutuelle.treasury.payouts.payouts import Payout
from mutuelle.treasury.payouts.sending import send_payouts
from mutuelle.treasury.statements.accounts import account_named
from mutuelle.treasury.statements.files import StatementSource
from mutuelle.treasury.statements.reading import read_statement
from mutuelle.treasury.statements.take_in import TakenIn, take_in
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from simulator import money
from simulator.app import create_app
from simulator.deps import Config
from tests.support.officer_acts import answers, broken
from tests.support.operator_cases import PAYING_OUT, UNLIKE, ask_of
from tests.support.own_accounts import held, opens
from tests.support.patience import PATIENCE_S
from tests.support.payouts import HELD, OWED, all_payouts, proposes_payout
from tests.support.servers import Service, Simulator, environment, listening, reached, serving
from tests.support.treasury import CLINIC, town_with_a_bank, xof

SCALE = 200
EACH = 10_000
# What the operator does to what is sent, and how it ends.
REFUSED = "refused with a known code"  # one of the table of cases
LIVES = [
    ("", PaymentState.PAID),
    ("accepted-then-500", PaymentState.PAID),
    ("debited-then-500", PaymentState.PAID),
    ("refused", PaymentState.FAILED),
]


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Answers notices, and who looks whether their address is there."""
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE=str(SCALE)))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


def moved(data: Path) -> list[dict[str, Any]]:
    """What the operator really paid out, by its own journal."""
    lines = [json.loads(line) for line in (data / "money.jsonl").read_text().splitlines()]
    last = {line["id"]: line for line in lines}.values()
    return [line for line in last if (line["direction"], line["state"]) == ("out", money.PAID)]


async def ended(pool: AsyncEngine, nth: int) -> list[Payout]:
    """All payouts, in their order, once there are so many and none is under way."""
    found = sorted(await all_payouts(pool), key=lambda one: one.asked_at)
    final = (PaymentState.PAID, PaymentState.FAILED)
    return found if len(found) == nth and all(one.state in final for one in found) else []


async def takes_in(pool: AsyncEngine, account: str, raw: bytes) -> TakenIn:
    """The statement of the account that payouts leave, whose preset is known by its headers."""
    now = datetime.now(UTC)
    async with pool.begin() as db:
        stated, mutuelle = (
            await account_named(db, f"disbursement:{account}", "BEN"),
            await get_mutuelle(db, "BEN"),
        )
        read = read_statement("portal.csv", raw, None, mutuelle, mutuelle.today(now))
        source = StatementSource(stated, "portal.csv", read.preset.name, hashlib.sha256(raw).digest())
        return await take_in(db, mutuelle, source, read, now)


@pytest.mark.parametrize("name", PAYING_OUT)
async def test_what_two_signed_is_paid_once_and_nothing_else_is(
    pool: AsyncEngine, service: Service, simulator: Simulator, name: str, tmp_path: Path
) -> None:
    ask = ask_of(name)
    lives = LIVES[:-1] if REFUSED in UNLIKE.get(name, {}) else LIVES
    network, tells_payee = ask.network or "ML", adapters()[name].CAPABILITIES.tells_payee
    account = f"{name}-{network[:2]}"
    wallet = accounts.disbursement(account)
    await town_with_a_bank(pool)
    async with pool.begin() as db:
        await open_routes(db, await get_mutuelle(db, "BEN"), [Route(network, name)])
    await opens(pool, CLINIC, OWED)
    await opens(pool, wallet, HELD)
    clinic = NewVoucher(VoucherKind.FACILITY, CLINIC, wallet, xof(EACH), "Factures", "CSCom Hèrè", ask.phone)
    async with httpx.AsyncClient(trust_env=False) as client:
        connected = ConnectedAccounts(client, Credentials(simulator_url=simulator.url))
        clock = timing.Clock(lambda: datetime.now(UTC), SCALE)
        house = Round(pool, [name], connected, service.url, clock)
        for nth, (trouble, state) in enumerate(lives, 1):
            if trouble:
                await simulator.post("/simulator/trouble", mode=trouble, on="payout", provider=name)
            assert await proposes_payout(pool, clinic, at=datetime.now(UTC)) is None
            await ask_names(house)
            async with pool.connect() as db:
                told = await told_name(db, "BEN", account, ask.phone)
            assert (told.name if told else None) == (money.holder(ask.phone) if tells_payee else None)
            assert await answers(pool, at=datetime.now(UTC)) is None

            async with asyncio.timeout(PATIENCE_S):
                while not (found := await ended(pool, nth)):
                    await send_payouts(house)
                    await asyncio.sleep(0.02)
            assert found[-1].state == state, trouble
    payouts = await ended(pool, len(lives))
    paid = sorted(str(one.reference) for one in payouts if one.state is PaymentState.PAID)
    truth = moved(tmp_path)
    assert len(truth) == len(paid) == 3
    if adapters()[name].CAPABILITIES.honours_reference:
        assert sorted(line["reference"] for line in truth) == paid
    assert {line["amount"] for line in truth} == {str(EACH)}
    assert await held(pool, wallet) == HELD - EACH * len(paid)
    taken = await takes_in(pool, account, (await simulator.http.get(f"/simulator/{name}/statement")).content)
    assert (taken.faults, taken.known, taken.unmatched, taken.debits) == ([], len(paid), 0, 0)
    assert await broken(pool) == set()
