"""Accounts at operators and their notices, as tests need them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx

from mobilemoney import Operator, OperatorAccount, OperatorAnswer, PaymentRequest, adapters, needs_of
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mobilemoney.operator import Notice, PayoutOperator

SIMULATED = Credentials(simulator_url="http://127.0.0.1:9")  # every operator can be asked; nobody answers


def an_account(operator: str, url: str, country: str = "ML", currency: str = "XOF") -> OperatorAccount:
    """An account at the operator of this name, which listens at `url`."""
    credentials = dict.fromkeys(needs_of(operator), "simulated") | {"url": url}
    return OperatorAccount("BEN", f"{operator}-{country}", operator, country, currency, "n" * 40, credentials)


def connected_to(operator: Operator, *names: tuple[str, str]) -> ConnectedAccounts:
    """Accounts (mutuelle, name) behind each of which is this operator."""
    keys = names or (("BEN", "simulated-ML"),)
    return ConnectedAccounts(httpx.AsyncClient(), SIMULATED, dict.fromkeys(keys, operator))


def a_notice(body: bytes) -> Notice:
    """A notice as `simulated` posts it."""
    return Notice("POST", "/money/simulated/token", {"content-type": "application/json"}, body)


Step = Callable[[PaymentRequest], Awaitable[OperatorAnswer]]


async def in_steps(
    name: str, operator: Operator, ask: PaymentRequest
) -> tuple[OperatorAnswer, PaymentRequest]:
    """Request a payment in one step or two: the answer, and the request with the token of the first step."""
    return await _in_steps(name, operator.prepare, operator.request, ask)


async def paid_out_in_steps(
    name: str, operator: PayoutOperator, out: PaymentRequest
) -> tuple[OperatorAnswer, PaymentRequest]:
    """Send a payout, as above."""
    return await _in_steps(name, operator.prepare_payout, operator.pay_out, out)


async def _in_steps(
    name: str, prepare: Step, request: Step, ask: PaymentRequest
) -> tuple[OperatorAnswer, PaymentRequest]:
    if not adapters()[name].CAPABILITIES.two_steps:
        return await request(ask), ask
    prepared = await prepare(ask)
    if prepared.token is None:
        return prepared, ask
    with_token = replace(ask, token=prepared.token)
    return await request(with_token), with_token


async def after_first_step(name: str, prepare: Step, ask: PaymentRequest) -> PaymentRequest:
    """The request as it is sent: with its token where there are two steps."""
    two_steps = adapters()[name].CAPABILITIES.two_steps
    return replace(ask, token=(await prepare(ask)).token) if two_steps else ask
