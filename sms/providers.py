"""The providers of SMS: every file or folder of this room with a NAME."""

import importlib
import pkgutil
from functools import lru_cache
from typing import cast

import sms
from sms.provider import SmsAdapter


@lru_cache
def providers() -> tuple[SmsAdapter, ...]:
    """Every provider, in the order of their names."""
    modules = [importlib.import_module(f"sms.{found.name}") for found in pkgutil.iter_modules(sms.__path__)]
    found = [cast(SmsAdapter, module) for module in modules if hasattr(module, "NAME")]
    return tuple(sorted(found, key=lambda adapter: adapter.NAME))
