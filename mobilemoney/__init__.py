"""Mobile money: one file an operator; every file with a NAME is an adapter.

An adapter knows the HTTP interface of its operator, and no household, no account and no database.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import cast

import httpx

from mobilemoney.operator import Adapter, Operator, OperatorAnswer, Outcome, PaymentRequest

__all__ = [
    "Adapter",
    "Operator",
    "OperatorAnswer",
    "Outcome",
    "PaymentRequest",
    "adapters",
    "missing",
    "operators",
    "usable",
]


def adapters() -> list[Adapter]:
    """Every file of this room that has a NAME, sorted by name."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    found = [cast(Adapter, module) for module in modules if hasattr(module, "NAME")]
    return sorted(found, key=lambda adapter: adapter.NAME)


def operators(
    client: httpx.AsyncClient, config: Mapping[str, str], simulator: bool = False
) -> dict[str, Operator]:
    """The operators for which `config` has all settings, by name; simulated ones only with `simulator`."""
    return {adapter.NAME: adapter.connect(client, config) for adapter in usable(config, simulator)}


def usable(config: Mapping[str, str], simulator: bool = False) -> list[Adapter]:
    """The adapters for which `config` has all settings; simulated ones only with `simulator`."""
    lacking = missing(config, simulator)
    return [adapter for adapter in adapters() if not lacking[adapter.NAME]]


def missing(config: Mapping[str, str], simulator: bool = False) -> dict[str, tuple[str, ...]]:
    """The settings that each operator still lacks, by its name; none for a usable one."""
    return {adapter.NAME: tuple(_missing(adapter, config, simulator)) for adapter in adapters()}


def _missing(adapter: Adapter, config: Mapping[str, str], simulator: bool) -> Iterator[str]:
    if adapter.SIMULATED and not simulator:
        yield "SIMULATOR=1"
    else:
        yield from (need for need in adapter.NEEDS if not config.get(need))
