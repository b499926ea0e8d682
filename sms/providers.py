"""The providers of SMS: one file (or folder) each in this room, found by being there."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import cast

import sms
from sms.provider import Provider, SmsAdapter


def providers() -> list[SmsAdapter]:
    """Every provider, in the order of their names."""
    modules = [importlib.import_module(f"sms.{found.name}") for found in pkgutil.iter_modules(sms.__path__)]
    found = [cast(SmsAdapter, module) for module in modules if hasattr(module, "NAME")]
    return sorted(found, key=lambda adapter: adapter.NAME)


def connect(config: Mapping[str, str]) -> Provider:
    """The first provider that `config` has all settings for, ready to send; LookupError if there is none."""
    for adapter in providers():
        if all(config.get(need) for need in adapter.NEEDS):
            return adapter.connect(config)
    raise LookupError("no provider of SMS has all its settings")
