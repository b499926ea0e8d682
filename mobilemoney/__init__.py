"""Mobile money: one file an operator; every file with a NAME is an adapter.

An adapter knows the HTTP interface of its operator, and no household, no account and no database.
"""

import importlib
import pkgutil
from functools import lru_cache
from typing import cast

from mobilemoney.operator import (
    Adapter,
    Operator,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    our_word,
)

__all__ = [
    "Adapter",
    "Operator",
    "OperatorAccount",
    "OperatorAnswer",
    "Outcome",
    "PaymentRequest",
    "adapters",
    "needs_of",
    "our_word",
]


@lru_cache
def adapters() -> dict[str, Adapter]:
    """Every file of this room that has a NAME, by its name."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    found = [cast(Adapter, module) for module in modules if hasattr(module, "NAME")]
    return {adapter.NAME: adapter for adapter in sorted(found, key=lambda adapter: adapter.NAME)}


def needs_of(operator: str) -> tuple[str, ...]:
    """The fields of credentials with which an operator does all that it can: it may need more of them to pay out."""
    adapter = adapters()[operator]
    return (*adapter.NEEDS, *getattr(adapter, "PAYOUT_NEEDS", ()))
