"""Accounts at operators and their notices, as tests need them."""

import httpx

from mobilemoney import Operator, OperatorAccount, OperatorAnswer, PaymentRequest, adapters
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mobilemoney.operator import Notice

SIMULATED = Credentials(simulator_url="http://127.0.0.1:9")  # every operator can be asked; nobody answers


def an_account(operator: str, url: str, country: str = "ML", currency: str = "XOF") -> OperatorAccount:
    """An account at the operator of this name, which listens at `url`."""
    credentials = dict.fromkeys(adapters()[operator].NEEDS, "simulated") | {"url": url}
    return OperatorAccount("BEN", f"{operator}-{country}", operator, country, currency, "n" * 40, credentials)


def connected_to(operator: Operator, *names: tuple[str, str]) -> ConnectedAccounts:
    """Accounts (mutuelle, name) behind each of which is this operator."""
    keys = names or (("BEN", "simulated-ML"),)
    return ConnectedAccounts(httpx.AsyncClient(), SIMULATED, dict.fromkeys(keys, operator))


def a_notice(body: bytes) -> Notice:
    """A notice as `simulated` posts it."""
    return Notice("POST", "/money/simulated/token", {"content-type": "application/json"}, body)


async def in_steps(
    name: str, operator: Operator, ask: PaymentRequest
) -> tuple[OperatorAnswer, PaymentRequest]:
    """Request a payment in one step or two: the answer, and the request with the token of the first step."""
    if not adapters()[name].CAPABILITIES.two_steps:
        return await operator.request(ask), ask
    prepared = await operator.prepare(ask)
    if prepared.token is None:
        return prepared, ask
    with_token = PaymentRequest(**{**vars(ask), "token": prepared.token})
    return await operator.request(with_token), with_token
