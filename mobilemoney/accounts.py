"""Operators' accounts, each connected once and kept: an account may hold a token that is costly to get."""

from dataclasses import dataclass, field

import httpx

from mobilemoney import adapters
from mobilemoney.credentials import Credentials
from mobilemoney.operator import Capabilities, Operator, OperatorAccount


@dataclass
class ConnectedAccounts:
    """The accounts that this process can ask. `client` is shared, and the caller closes it."""

    client: httpx.AsyncClient
    credentials: Credentials
    connected: dict[tuple[str, str], Operator] = field(default_factory=dict)

    def operators(self) -> list[str]:
        """The names of the operators that may have accounts here."""
        simulated = self.credentials.simulator_url is not None
        return [name for name, adapter in adapters().items() if simulated or not adapter.SIMULATED]

    def connect(self, account: OperatorAccount) -> Operator:
        """The operator behind an account."""
        key = account.mutuelle_id, account.name
        if key not in self.connected:
            self.connected[key] = adapters()[account.operator].connect(self.client, account)
        return self.connected[key]


def capabilities_of(operator: str) -> Capabilities:
    """What an operator can do; KeyError for one that this version does not know."""
    return adapters()[operator].CAPABILITIES


def known_capabilities(operator: str) -> Capabilities | None:
    """The same for an operator of old rows or accounts; None for one of another version."""
    adapter = adapters().get(operator)
    return adapter.CAPABILITIES if adapter else None


def networks_asked(operator: str, country: str) -> list[str]:
    """The networks of a country whose payers an operator can ask; the country itself where it asks any phone."""
    networks = capabilities_of(operator).networks
    return [network for network in networks if network[:2] == country] if networks else [country]
