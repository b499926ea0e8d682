"""Every adapter against its operator: one outcome for each thing that operators do."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from mobilemoney import OperatorAnswer, Outcome, PaymentRequest, adapters, wire
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mobilemoney.operator import Fact, PayoutOperator
from simulator.app import create_app
from simulator.deps import Config
from tests.support.operator_cases import (
    CASES,
    COMPLETED_AT,
    LACKS,
    NEVER_ASKED,
    NOTICES,
    PAYING_OUT,
    PAYOUT_CASES,
    REASONS,
    STAGES,
    UNLIKE,
    Case,
    Stage,
    played,
)
from tests.support.operators import after_first_step, an_account, in_steps, paid_out_in_steps
from tests.support.patience import once
from tests.support.servers import Service, Simulator, environment, listening, reached, serving

NO_SECRETS = {"url", "target_environment", "store", "email", "address"}  # fields of credentials


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Whom the operators ring; some try the address before they pay out."""
    async with listening() as running:
        yield running


@pytest.fixture
async def simulator(service: Service, tmp_path: Path) -> AsyncIterator[Simulator]:
    """Waits are two hundred times shorter."""
    config = Config.read(environment(service.url, tmp_path, TIME_SCALE="200"))
    async with serving(create_app(config)) as url, reached(url) as running:
        yield running


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest, simulator: Simulator) -> Stage:
    made: Stage = STAGES[request.param](simulator)
    return made


def test_every_adapter_has_a_stage() -> None:
    assert set(adapters()) == set(STAGES)


def test_what_a_provider_lacks_is_a_case_or_a_fact() -> None:
    known = {case.name for case in CASES + PAYOUT_CASES} | {COMPLETED_AT, NOTICES}
    assert {what for lacking in LACKS.values() for what in lacking} <= known
    assert {what for unlike in UNLIKE.values() for what in unlike} <= known | {NEVER_ASKED}
    assert set(LACKS) | set(UNLIKE) <= set(STAGES)


async def final(
    status: Callable[[PaymentRequest], Awaitable[OperatorAnswer]], ask: PaymentRequest, awaited: Outcome
) -> OperatorAnswer:
    """The status, asked again while it is only PENDING and something else is awaited."""
    return await once(
        lambda: status(ask),
        lambda answer: awaited is Outcome.PENDING or answer.outcome is not Outcome.PENDING,
    )


@contextmanager
def impatience(trouble: str) -> Iterator[None]:
    """Around the one call that a trouble makes slow: the service waits less than the trouble takes."""
    with pytest.MonkeyPatch.context() as patch:
        if trouble in ("slow", "trickle"):
            patch.setattr(wire, "TIMEOUT", httpx.Timeout(1))
            patch.setattr(wire, "WHOLE_S", 1)
        yield


@pytest.mark.parametrize(("name", "case"), played(CASES, STAGES))
async def test_what_the_operator_does_has_one_outcome(simulator: Simulator, name: str, case: Case) -> None:
    stage = STAGES[name](simulator)
    operator = stage.operator
    ask = await after_first_step(name, operator.prepare, stage.ask())
    await operator.status(ask)  # it is signed in
    if case.on == "request":
        await stage.disturb(case.trouble, case.on)
    with impatience(case.trouble if case.on == "request" else ""):
        assert (await operator.request(ask)).outcome is case.request
    if case.payer:
        await stage.pay(case.payer)
    if case.on == "status":
        await stage.disturb(case.trouble, case.on)
    with impatience(case.trouble if case.on == "status" else ""):
        answer = await final(operator.status, ask, case.status)
    assert answer.outcome is case.status
    if case.reason:
        assert answer.reason == REASONS.get(name, {}).get(case.reason, case.reason)


@pytest.mark.parametrize(("name", "case"), played(PAYOUT_CASES, PAYING_OUT))
async def test_what_becomes_of_a_payout_has_one_outcome(
    simulator: Simulator, service: Service, name: str, case: Case
) -> None:
    stage = STAGES[name](simulator)
    operator, out = stage.operator, a_payout(stage, service)
    assert isinstance(operator, PayoutOperator)
    out = await after_first_step(name, operator.prepare_payout, out)
    await operator.payout_status(out)  # it is signed in
    if case.on == "payout":
        await stage.disturb(case.trouble, case.on)
    with impatience(case.trouble if case.on == "payout" else ""):
        assert (await operator.pay_out(out)).outcome is case.request
    if case.on == "payout-status":
        await stage.disturb(case.trouble, case.on)
    with impatience(case.trouble if case.on == "payout-status" else ""):
        answer = await final(operator.payout_status, out, case.status)
    assert answer.outcome is case.status
    if case.status is Outcome.PAID:
        assert_told(name, answer, {Fact.AMOUNT: 2000, Fact.CURRENCY: "XOF", Fact.PHONE: out.phone})


@pytest.mark.parametrize("name", PAYING_OUT)
async def test_a_payout_again_is_the_same_payout(simulator: Simulator, service: Service, name: str) -> None:
    stage = STAGES[name](simulator)
    operator, out = stage.operator, a_payout(stage, service)
    assert isinstance(operator, PayoutOperator)
    _answer, out = await paid_out_in_steps(name, operator, out)
    before = await operator.balance_minor()
    assert (await operator.pay_out(out)).outcome is concludes_nothing(name)
    assert await operator.balance_minor() == before


@pytest.mark.parametrize("name", PAYING_OUT)
async def test_what_is_paid_out_is_taken_off_the_balance(
    simulator: Simulator, service: Service, name: str
) -> None:
    stage = STAGES[name](simulator)
    operator = stage.operator
    assert isinstance(operator, PayoutOperator)
    left = await operator.balance_minor()
    assert (left is not None) is adapters()[name].CAPABILITIES.tells_balance
    await paid_out_in_steps(name, operator, a_payout(stage, service))
    assert await operator.balance_minor() == (None if left is None else left - 2000)


@pytest.mark.parametrize("name", PAYING_OUT)
async def test_a_payee_is_named_where_the_operator_tells_it(simulator: Simulator, name: str) -> None:
    stage = STAGES[name](simulator)
    assert isinstance(stage.operator, PayoutOperator)
    told = await stage.operator.payee_name(stage.ask().phone)
    assert (told is not None) is adapters()[name].CAPABILITIES.tells_payee


def a_payout(stage: Stage, service: Service) -> PaymentRequest:
    return replace(stage.ask(), notice_url=f"{service.url}/money/{stage.name}/token")


def concludes_nothing(name: str) -> Outcome:
    """What a request is answered that was made before."""
    return Outcome.PENDING if adapters()[name].CAPABILITIES.honours_reference else Outcome.UNKNOWN


def assert_told(name: str, answer: OperatorAnswer, facts: dict[Fact, object]) -> None:
    """Each fact is told so, or not told by an operator that need not tell it."""
    told = {Fact.AMOUNT: answer.amount_minor, Fact.CURRENCY: answer.currency, Fact.PHONE: answer.phone}
    not_told = adapters()[name].CAPABILITIES.not_told
    for fact, value in facts.items():
        assert told[fact] == value or (fact in not_told and told[fact] is None), fact


async def test_a_paid_answer_has_every_fact(stage: Stage) -> None:
    ask = stage.ask()
    before = datetime.now(UTC).replace(microsecond=0)
    _answer, ask = await in_steps(stage.name, stage.operator, ask)
    await stage.pay("approve")
    answer = await stage.operator.status(ask)
    assert_told(stage.name, answer, {Fact.AMOUNT: 2000, Fact.CURRENCY: "XOF", Fact.PHONE: ask.phone})
    assert answer.operator_reference
    if COMPLETED_AT in LACKS.get(stage.name, {}):
        assert answer.completed_at is None
        return
    assert answer.completed_at is not None
    assert before <= answer.completed_at <= datetime.now(UTC)


async def test_a_paid_answer_without_a_promised_fact_is_unknown(stage: Stage) -> None:
    """Its own paid status, with each of its fields left out in turn."""
    _answer, ask = await in_steps(stage.name, stage.operator, stage.ask())
    await stage.pay("approve")
    heard: list[httpx.Response] = []

    async def note(response: httpx.Response) -> None:
        await response.aread()
        heard.append(response)

    account = an_account(stage.name, stage.base)
    async with httpx.AsyncClient(trust_env=False, event_hooks={"response": [note]}) as client:
        whole = await adapters()[stage.name].connect(client, account).status(ask)
    assert whole.outcome is Outcome.PAID
    *sign_ins, status = heard
    told = status.json()
    not_told = adapters()[stage.name].CAPABILITIES.not_told
    unknown = set()
    for path in fields_in(told):
        given = iter([*(one.json() for one in sign_ins), without(told, path)])
        transport = httpx.MockTransport(lambda _request, given=given: httpx.Response(200, json=next(given)))
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await adapters()[stage.name].connect(client, account).status(ask)
        facts = {Fact.AMOUNT: answer.amount_minor, Fact.CURRENCY: answer.currency, Fact.PHONE: answer.phone}
        if answer.outcome is Outcome.PAID:
            assert not [fact for fact, value in facts.items() if value is None and fact not in not_told], path
        else:
            unknown.add(path)
            assert answer.outcome is Outcome.UNKNOWN, path
    assert len(unknown) > len(set(Fact) - not_told), "each promised fact, and the word itself"


def fields_in(told: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all fields that are no objects."""
    if not isinstance(told, dict):
        return [path]
    return [found for name, value in told.items() for found in fields_in(value, (*path, name))]


def without(told: Any, path: tuple[str, ...]) -> Any:
    left = deepcopy(told)
    inner = left
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return left


@pytest.mark.parametrize(
    ("lie", "fact"),
    [("wrong-amount", Fact.AMOUNT), ("wrong-currency", Fact.CURRENCY), ("wrong-phone", Fact.PHONE)],
)
async def test_facts_are_told_as_the_operator_has_them(stage: Stage, lie: str, fact: Fact) -> None:
    ask = stage.ask()
    _answer, ask = await in_steps(stage.name, stage.operator, ask)
    await stage.pay("approve")
    await stage.disturb(lie, "status")
    answer = await stage.operator.status(ask)
    assert answer.outcome is Outcome.PAID
    lied = {Fact.AMOUNT: 2001, Fact.CURRENCY: "XAF", Fact.PHONE: f"{ask.phone[:-4]}9999"}
    assert_told(stage.name, answer, {fact: lied[fact]})


async def test_the_same_request_again_concludes_nothing(stage: Stage) -> None:
    _answer, ask = await in_steps(stage.name, stage.operator, stage.ask())
    await stage.pay("decline")
    assert (await stage.operator.request(ask)).outcome is concludes_nothing(stage.name)


async def test_what_was_never_asked_for_is_not_found(stage: Stage) -> None:
    unlike = UNLIKE.get(stage.name, {}).get(NEVER_ASKED)
    expected = unlike.status if unlike else Outcome.NOT_FOUND
    assert (await stage.operator.status(stage.ask())).outcome is expected


async def test_a_currency_nobody_knows_is_never_sent(stage: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        operator = adapters()[stage.name].connect(client, an_account(stage.name, "http://127.0.0.1:9"))
        answer, _ask = await in_steps(stage.name, operator, replace(stage.ask(), currency="FCFA"))
    assert answer.outcome is Outcome.FAILED  # nobody is there: had it been sent, it would be UNKNOWN


async def test_an_operator_out_of_reach_is_unknown(stage: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        operator = adapters()[stage.name].connect(client, an_account(stage.name, "http://127.0.0.1:9"))
        ask = replace(stage.ask(), token="a token")
        for step in (operator.prepare, operator.request, operator.status):
            assert (await step(ask)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", STAGES)
async def test_an_operator_that_is_printed_tells_no_credential(name: str) -> None:
    account = an_account(name, "http://127.0.0.1:9")
    secrets = {
        field: value if field in NO_SECRETS else "hush" for field, value in account.credentials.items()
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        operator = adapters()[name].connect(client, replace(account, credentials=secrets))
    assert "hush" not in repr(operator)


async def test_the_simulated_operator_refuses_what_its_float_has_not(simulator: Simulator) -> None:
    stage = STAGES["simulated"](simulator)
    assert isinstance(stage.operator, PayoutOperator)
    await simulator.post("/simulator/simulated/float", currency="XOF", amount="1999")
    answer = await stage.operator.pay_out(stage.ask())
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, "INSUFFICIENT_FLOAT")
    assert await stage.operator.balance_minor() == 1999


async def test_the_simulated_operator_is_there_with_the_simulator_only() -> None:
    without, with_it = Credentials(), Credentials(simulator_url="http://127.0.0.1:9")
    assert without.refusal("BEN", "simulated-ML", "simulated") is not None
    assert with_it.refusal("BEN", "simulated-ML", "simulated") is None
    async with httpx.AsyncClient(trust_env=False) as client:
        assert "simulated" not in ConnectedAccounts(client, without).operators()
        assert "simulated" in ConnectedAccounts(client, with_it).operators()
