"""Credentials of operators' accounts: what this installation knows of each, from a file of secrets, never the database.

    [SIK.paydunya-ML]          # the mutuelle's code, and the account's name behind `float` in the ledger
    master_key = "..."

With the simulator an account without a section gets credentials that open its simulated operator.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mobilemoney import OperatorAccount, adapters, needs_of

LARGEST_FILE = 256 * 1024
SIMULATED_PATHS = {"simulated": "operator"}  # of the simulator; the others are under their own names


@dataclass(frozen=True)
class Credentials:
    """The fields of each account, by mutuelle and name; `simulator_url` where simulated operators exist."""

    accounts: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict, repr=False)
    simulator_url: str | None = None

    def of(self, mutuelle_id: str, name: str, operator: str) -> Mapping[str, str]:
        """The fields of an account; empty where there are none."""
        written = self.accounts.get(mutuelle_id, {}).get(name, {})
        if written or self.simulator_url is None or operator not in adapters():
            return written
        path = SIMULATED_PATHS.get(operator, operator)
        fields = dict.fromkeys(needs_of(operator), "simulated")
        return fields | {"url": f"{self.simulator_url}/simulator/{path}"}

    def lacking(self, mutuelle_id: str, name: str, operator: str) -> list[str]:
        """What an account still lacks to be asked from here; KeyError for an operator that nobody knows."""
        if adapters()[operator].SIMULATED and self.simulator_url is None:
            return ["SIMULATOR=1"]
        fields = self.of(mutuelle_id, name, operator)
        lacking = [need for need in adapters()[operator].NEEDS if not fields.get(need)]
        unsafe = (
            []
            if is_safe(fields.get("url"))
            else ["a url that begins with https:// and has a host, no ? or #"]
        )
        unusable = [] if lacking or unsafe else _unusable(operator, fields)
        wanted = [*lacking, *unsafe, *unusable]
        section = f"[{mutuelle_id}.{name}] in the file OPERATOR_SECRETS with"
        return [f"{section} {', '.join(wanted)}"] if wanted else []

    def refusal(self, mutuelle_id: str, name: str, operator: str) -> str | None:
        """The operator, and why its account cannot be asked from here; None if it can."""
        if operator not in adapters():
            return f"{operator}, which this version does not know"
        if lacking := self.lacking(mutuelle_id, name, operator):
            return f"{operator}, which cannot be asked from here without {', '.join(lacking)}"
        return None


_NOBODY = httpx.AsyncClient(
    transport=httpx.MockTransport(lambda _request: httpx.Response(503)), trust_env=False
)


def _unusable(operator: str, fields: Mapping[str, str]) -> list[str]:
    """What its adapter says of fields that are all there: a key that is none, a letter that no header can carry."""
    try:
        adapters()[operator].connect(_NOBODY, OperatorAccount("", "", operator, "", "", "", fields))
    except ValueError as fault:
        return [f"fields that can be used ({fault})"]
    return []


def is_safe(url: str | None) -> bool:
    """Whether it is an address before whose end a path can stand, and no other machine reads what is sent: TLS, or this
    machine. An adapter may have one of its own.
    """
    try:
        parts = httpx.URL(url or "https://its.own")
    except httpx.InvalidURL:
        return False
    if (
        not re.fullmatch(r"[a-z0-9.:-]+", parts.raw_host.decode())
        or parts.userinfo
        or parts.query
        or parts.fragment
        or re.search(r"\s", url or "")
    ):
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.host in ("127.0.0.1", "::1", "localhost")
    )


def read_secrets(path: Path) -> dict[str, Any]:
    """The TOML of a file of secrets; ValueError, with a sentence that quotes no secret, if it is not one."""
    if path.stat().st_mode & 0o077:
        raise ValueError("can be read by others: chmod 600")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError("is too large for a file of secrets")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ValueError("is not TOML in UTF-8") from None


def read_accounts(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    """The sections of a file of secrets; ValueError as in `read_secrets`."""
    written = read_secrets(path)
    for mutuelle_id, accounts in written.items():
        for name, fields in accounts.items() if isinstance(accounts, dict) else [("", None)]:
            if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
                raise ValueError(
                    f"needs sections [MUTUELLE.account] with text in quotes: see {mutuelle_id}.{name}"
                )
    return written
