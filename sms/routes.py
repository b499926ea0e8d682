"""Which provider sends to which network, under which sender id: data of this installation, read from its file.

[kannel]                            # an account: the fields that the provider's file NEEDS
url = "http://127.0.0.1:13013/cgi-bin/sendsms"
...
[routes]                            # a network (mobilemoney/networks.toml), a country, or all others
ML-orange = ["orange", "kannel"]    # the second where the first refuses or is silent
"*" = ["kannel"]
[senders]
ML-orange = "BENKADI"
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
import phonenumbers

from mobilemoney.credentials import is_safe, read_secrets
from mobilemoney.networks import networks
from sms.provider import SmsAccount, SmsAdapter
from sms.providers import providers

ROUTES, SENDERS = "routes", "senders"
EVERYWHERE = "*"
MOST_PROVIDERS = 2  # for one network: the first, and one to fall back on
LONGEST_SENDER = 20
SIMULATED = "22300000000"  # every credential of the simulator's accounts; one is a number
Value = TypeVar("Value")


@dataclass(frozen=True)
class Routes:
    """By network ("ML-orange"), country ("ML") or EVERYWHERE: the providers in their order; sender ids.

    `accounts` are the providers that can send from here, with a route or without: a reply leaves by the one that the
    message came by.
    """

    providers: Mapping[str, tuple[str, ...]]
    accounts: frozenset[str]
    senders: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def only(cls, provider: str) -> "Routes":
        """Everything by one provider."""
        return cls({EVERYWHERE: (provider,)}, frozenset({provider}))

    def of(self, phone: str) -> tuple[str, ...]:
        """The providers of an E.164 phone, in their order."""
        return next((order for prefix, order in self.by_prefix if phone.startswith(prefix)), ())

    def sender(self, phone: str) -> str:
        """The sender id of an E.164 phone; "": the account's own."""
        return next((name for prefix, name in self._senders if phone.startswith(prefix)), "")

    @cached_property
    def by_prefix(self) -> list[tuple[str, tuple[str, ...]]]:
        """The same by prefixes of E.164 numbers, the longest first: the first that fits counts."""
        return _by_prefix(self.providers)

    @cached_property
    def _senders(self) -> list[tuple[str, str]]:
        return _by_prefix(self.senders)


def _by_prefix(written: Mapping[str, Value]) -> list[tuple[str, Value]]:
    pairs = [(prefix, value) for place, value in written.items() for prefix in _prefixes(place)]
    return sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0]))


def _prefixes(place: str) -> list[str]:
    """The beginnings of the E.164 numbers of a network or country; none for one that nobody knows."""
    if place == EVERYWHERE:
        return ["+"]
    code = phonenumbers.country_code_for_region(place[:2])
    if not code or (place not in networks() and len(place) != 2):
        return []
    ends = networks()[place].prefixes if place in networks() else ("",)
    return [f"+{code}{end}" for end in ends]


@dataclass(frozen=True)
class SmsSettings:
    """The accounts at providers by the provider's name, and the routes; `faults` has a line for each wrong thing."""

    accounts: Mapping[str, Mapping[str, str]] = field(repr=False)
    routes: Routes
    faults: tuple[str, ...] = ()


def read_sms_settings(
    path: Path | None, own: Mapping[str, Mapping[str, str]], simulator_url: str | None
) -> SmsSettings:
    """What the file at `path` says, with the accounts `own` of the environment; ValueError if it cannot be read.

    A name in `own` is the environment's, even where it has no fields. With the simulator a provider without an account
    gets one that leads to the simulator.
    """
    written = read_secrets(path) if path else {}
    sections = {name: part for name, part in written.items() if name not in (ROUTES, SENDERS)}
    faults = [f"[{name}] is set by the environment, not here" for name in sections if name in own]
    mine = {name: fields for name, fields in (sections | dict(own)).items() if fields}
    faults += [
        fault
        for name, part in sections.items()
        if name not in own
        for fault in _account_faults(name, part, simulator_url)
    ]
    accounts = _simulated_accounts(simulator_url) | mine
    routes, wrong = _read_routes(written, mine, accounts)
    return SmsSettings(accounts, routes, (*faults, *wrong))


def _account_faults(name: str, account: Any, simulator_url: str | None) -> list[str]:
    known = {adapter.NAME: adapter for adapter in providers()}
    if name not in known:
        return [f"[{name}] is no provider of SMS: {', '.join(known)}"]
    if not isinstance(account, dict) or not all(isinstance(value, str) for value in account.values()):
        return [f"[{name}] needs fields with text in quotes"]
    adapter = known[name]
    if adapter.ONLY_SIMULATED and simulator_url is None:
        return [f"[{name}] exists with SIMULATOR=1 only"]
    faults = [f"[{name}] needs {need}" for need in adapter.NEEDS if not account.get(need)]
    faults += [
        f"[{name}] has {one}, which nothing reads"
        for one in account
        if one not in adapter.NEEDS + adapter.MAY_HAVE
    ]
    if not is_safe(account.get("url")):
        faults.append(f"[{name}] needs a url that begins with https://, or one on this machine")
    return faults or _unusable(adapter, account)


_NOBODY = httpx.AsyncClient(transport=httpx.MockTransport(lambda _sent: httpx.Response(503)), trust_env=False)


def _unusable(adapter: SmsAdapter, account: Mapping[str, str]) -> list[str]:
    """What the provider's file says of fields that are all there."""
    try:
        adapter.connect(SmsAccount(account, _NOBODY, ""))
    except ValueError as fault:
        return [f"[{adapter.NAME}] {fault}"]
    return []


def _read_routes(
    written: Mapping[str, Any], mine: Collection[str], accounts: Collection[str]
) -> tuple[Routes, list[str]]:
    """The routes between `accounts`; without any, everything by the only one of `mine`."""
    orders, senders = written.get(ROUTES, {}), written.get(SENDERS, {})
    if not isinstance(orders, dict) or not isinstance(senders, dict):
        return Routes({}, frozenset()), ["needs sections [routes] and [senders]"]
    faults = [
        f"[{section}] {place} is no network, no country and no {EVERYWHERE!r}"
        for section, part in ((ROUTES, orders), (SENDERS, senders))
        for place in part
        if not _prefixes(place)
    ]
    faults += [
        f"[{ROUTES}] {place}: {why}" for place, order in orders.items() if (why := _wrong(order, accounts))
    ]
    faults += [
        f"[{SENDERS}] {place} needs a text of 1 to {LONGEST_SENDER} characters"
        for place, name in senders.items()
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_SENDER
    ]
    if not orders and len(mine) == 1:
        orders = {EVERYWHERE: list(mine)}
    if EVERYWHERE not in orders and mine:
        faults.append(f'[{ROUTES}] needs "{EVERYWHERE}" = ["PROVIDER"]: who sends where no other line says')
    if faults:
        return Routes({}, frozenset()), faults
    by_place = {place: tuple(order) for place, order in orders.items()}
    return Routes(by_place, frozenset(accounts), senders), []


def _wrong(order: Any, accounts: Collection[str]) -> str:
    """What is wrong with a line of the routes; "" if nothing is."""
    if (
        not isinstance(order, list)
        or not 1 <= len(order) <= MOST_PROVIDERS
        or len(set(map(str, order))) < len(order)
    ):
        return f"needs one provider, or {MOST_PROVIDERS} in their order"
    without = [str(name) for name in order if name not in accounts]
    return f"{', '.join(without)} has no account here" if without else ""


def _simulated_accounts(simulator_url: str | None) -> dict[str, Mapping[str, str]]:
    """An account at the simulator for each provider; none without it."""
    if simulator_url is None:
        return {}
    return {
        adapter.NAME: dict.fromkeys(adapter.NEEDS, SIMULATED)
        | {"url": f"{simulator_url}/simulator{adapter.SIMULATED_PATH}"}
        for adapter in providers()
    }
