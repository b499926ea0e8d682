"""The gateways that calls come from: one file each, found by being there.

A gateway's file holds all that is known of its wire format and nothing else: what a call is, and what is done in it,
is the same for all of them.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Protocol, cast

import ussd
from talk.screen import Shown
from ussd.hop import Hop


class Gateway(Protocol):
    """What a file of this room must hold to be a gateway; a file without NAME is none.

    PATH is where its hops arrive, with `{secret}` in it; METHODS those it uses. The fields are those of the form, or
    of the query for GET; the names of headers come in small letters.
    """

    NAME: str
    PATH: str
    METHODS: tuple[str, ...]

    def read_hop(self, fields: Mapping[str, str], headers: Mapping[str, str]) -> Hop:
        """The hop in a request; raises UnreadableError with a sentence for the caller."""

    def write_screen(self, shown: Shown) -> tuple[str, dict[str, str]]:
        """The body and the headers (content type among them) of the answer."""


def gateways() -> list[Gateway]:
    """Every gateway, in the order of their names."""
    modules = [importlib.import_module(f"ussd.{found.name}") for found in pkgutil.iter_modules(ussd.__path__)]
    found = [cast(Gateway, module) for module in modules if hasattr(module, "NAME")]
    return sorted(found, key=lambda gateway: gateway.NAME)
