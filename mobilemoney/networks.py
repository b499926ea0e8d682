"""Networks: which one a phone belongs to, by its prefix; a payer whose number was moved to another says so."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import phonenumbers


@dataclass(frozen=True)
class DialCode:
    """What a customer of a network dials, and presses then; `source` says whose page has it."""

    dial: str
    source: str
    choice: str = ""
    documented: bool = True


@dataclass(frozen=True)
class Network:
    """A network of phones. `code` has country and name ("ML-orange"), `name` is what its customers call it.

    `find_prompt` finds a payment request that does not show; `get_code` gives the code that is typed where the flow of
    an operator is OTP_FIRST. Both None where no provider's own page says it.
    """

    code: str
    name: str
    carrier: str
    prefixes: tuple[str, ...]
    find_prompt: DialCode | None = None
    get_code: DialCode | None = None

    @property
    def country(self) -> str:
        return self.code[:2]


@lru_cache
def networks() -> dict[str, Network]:
    """Every network that is known, by its code."""
    written = tomllib.loads((Path(__file__).parent / "networks.toml").read_text())
    return {
        code: Network(
            code,
            facts["name"],
            facts["carrier"],
            tuple(facts["prefixes"]),
            _documented(facts.get("prompt")),
            _documented(facts.get("code")),
        )
        for code, facts in written.items()
    }


def _documented(written: dict[str, Any] | None) -> DialCode | None:
    found = DialCode(**written) if written else None
    return found if found and found.documented else None


def networks_of(country: str) -> list[Network]:
    """Those of a country, by name."""
    return sorted((one for one in networks().values() if one.country == country), key=lambda one: one.name)


@lru_cache(maxsize=4096)  # the calls that are open at one moment, each of several hops
def network_by_prefix(phone: str) -> str:
    """The code of the network whose longest prefix fits an E.164 number; "" if none does."""
    country, national = _parts(phone)
    fits = [
        (len(prefix), network.code)
        for network in networks_of(country)
        for prefix in network.prefixes
        if national.startswith(prefix)
    ]
    return max(fits)[1] if fits else ""


def _parts(phone: str) -> tuple[str, str]:
    """Country and national digits of an E.164 number."""
    try:
        parsed = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return "", ""
    country = phonenumbers.region_code_for_number(parsed) or ""
    return country, phonenumbers.national_significant_number(parsed)
