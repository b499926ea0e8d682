"""Networks: which one a phone belongs to, by its prefix; a payer whose number was moved to another says so."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import phonenumbers


@dataclass(frozen=True)
class Network:
    """A network of phones. `code` has country and name ("ML-orange"), `name` is what its customers call it."""

    code: str
    name: str
    carrier: str
    prefixes: tuple[str, ...]

    @property
    def country(self) -> str:
        return self.code[:2]


@lru_cache
def networks() -> dict[str, Network]:
    """Every network that is known, by its code."""
    written = tomllib.loads((Path(__file__).parent / "networks.toml").read_text())
    return {
        code: Network(code, facts["name"], facts["carrier"], tuple(facts["prefixes"]))
        for code, facts in written.items()
    }


def networks_of(country: str) -> list[Network]:
    """Those of a country, by name."""
    return sorted((one for one in networks().values() if one.country == country), key=lambda one: one.name)


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
