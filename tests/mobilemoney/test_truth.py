"""Whatever happens on the way, no answer of an adapter contradicts what its operator's journal has in the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from mobilemoney import OperatorAnswer, Outcome, PaymentRequest, wire
from mobilemoney.operator import PayoutOperator
from simulator.app import create_app
from simulator.deps import Config
from tests.support.operator_cases import STAGES, Stage
from tests.support.operators import in_steps, paid_out_in_steps
from tests.support.patience import as_busy
from tests.support.servers import Simulator, environment, reached, serving

PAYMENTS, PAYOUTS, LOOKS = 16, 8, 6
PAYERS = ("approve", "approve", "decline", "twice", "notice-first", "late", "ignore")


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    config = Config.read(environment("http://127.0.0.1:9", tmp_path, TIME_SCALE="200"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


@dataclass
class Life:
    """A payment or a payout, and all that was answered of it."""

    ask: PaymentRequest
    status: Callable[[PaymentRequest], Awaitable[OperatorAnswer]]
    answers: list[OperatorAnswer] = field(default_factory=list)

    def said(self, outcome: Outcome) -> list[OperatorAnswer]:
        return [answer for answer in self.answers if answer.outcome is outcome]


async def pay(simulator: Simulator, phone: str, chance: Random) -> None:
    """The payer answers what stands on the phone."""
    for prompt in await simulator.get("/simulator/prompts", phone=phone):
        data = {"answer": chance.choice(PAYERS)}
        await simulator.http.post(f"/simulator/prompts/{prompt['id']}", data=data)


async def live(simulator: Simulator, stage: Stage, phone: str, chance: Random) -> Life:
    """Ask a phone for money, which its owner answers as it comes, and look at it from time to time."""
    answer, ask = await in_steps(stage.name, stage.operator, replace(stage.ask(), phone=phone))
    life = Life(ask, stage.operator.status, [answer])
    for _look in range(LOOKS):
        life.answers.append(await stage.operator.status(ask))
        await pay(simulator, phone, chance)
        await asyncio.sleep(chance.random() / 10)
    return life


async def pay_out(stage: Stage, phone: str) -> Life:
    assert isinstance(stage.operator, PayoutOperator)
    answer, out = await paid_out_in_steps(stage.name, stage.operator, replace(stage.ask(), phone=phone))
    life = Life(out, stage.operator.payout_status, [answer])
    for _look in range(LOOKS):
        life.answers.append(await stage.operator.payout_status(out))
        await asyncio.sleep(0.02)
    return life


def journal(data: Path) -> dict[str, list[dict[str, Any]]]:
    """The last line of each money, by our reference."""
    last = {line["id"]: line for line in map(json.loads, (data / "money.jsonl").read_text().splitlines())}
    found: dict[str, list[dict[str, Any]]] = {}
    for line in last.values():
        found.setdefault(line["reference"], []).append(line)
    return found


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.parametrize("name", STAGES)
async def test_no_answer_contradicts_the_journal(
    simulator: Simulator, tmp_path: Path, name: str, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, chance = STAGES[name](simulator), Random(f"{name} {seed}")
    patience_s = as_busy(0.4)
    chances = {"mode": "any", "seed": seed, "rate": "0.5", "provider": name, "seconds": f"{patience_s * 1.3}"}
    await simulator.post("/simulator/trouble", **chances)
    phones = [f"{stage.ask().phone[:-2]}{nth:02}" for nth in range(PAYMENTS + PAYOUTS)]
    lives = [live(simulator, stage, phone, chance) for phone in phones[:PAYMENTS]]
    if isinstance(stage.operator, PayoutOperator):
        lives += [pay_out(stage, phone) for phone in phones[PAYMENTS:]]
    with monkeypatch.context() as patience:
        patience.setattr(wire, "TIMEOUT", httpx.Timeout(patience_s))
        patience.setattr(wire, "WHOLE_S", patience_s)
        ended = await asyncio.gather(*lives)
    await simulator.post("/simulator/trouble", mode="none")
    for life in ended:
        life.answers.append(await life.status(life.ask))
    truth, now = journal(tmp_path), datetime.now(UTC).isoformat()
    assert any(life.said(Outcome.PAID) for life in ended)
    assert any(life.said(Outcome.UNKNOWN) for life in ended)
    for life in ended:
        moved = [line for line in truth.get(str(life.ask.reference), []) if line["state"] == "PAID"]
        assert len(moved) <= 1, "no request was sent twice"
        assert not (life.said(Outcome.FAILED) and moved), (life, moved)
        for answer in life.said(Outcome.PAID):
            assert [line["ended_at"] <= now for line in moved] == [True]
            assert answer.amount_minor in (None, int(moved[0]["amount"]))
            assert answer.phone in (None, moved[0]["phone"])
