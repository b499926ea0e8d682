"""The gateways that calls come from: a file of data each in this folder, or a Python file in the room above.

A gateway's file holds all that is known of its wire format and nothing else: what a call is, and what is done in it,
is the same for all of them.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import ussd
from talk.screen import Shown
from ussd.hop import Hop
from ussd.order import REPEAT_MS
from ussd.screens import ROOM

FOLDER = Path(__file__).parent
Fields = Mapping[str, str]
Screen = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class Gateway:
    """How one vendor's gateway speaks. A Python file of the room is one if it has GATEWAY.

    `method` is the verb of its hops, `body` where their fields are: query, form, json or xml-rpc; the names of headers
    come in small letters. `read_hop` raises UnreadableError with a sentence for the caller. `write_screen` gives the
    body and the headers of the answer, and may echo fields. A screen holds `room` septets. Where the last input only
    comes, without a number, the same one within `repeat_ms` is the same hop. Hops arrive at `path`.
    """

    name: str
    method: str
    body: str
    read_hop: Callable[[Fields, Fields], Hop]
    write_screen: Callable[[Shown, Fields], Screen]
    room: int = ROOM
    repeat_ms: int = REPEAT_MS
    path: str = "/ussd/{name}/{secret}"

    def path_with(self, secret: str) -> str:
        """Where its hops arrive; without a secret, what else proves them is in their headers."""
        return self.path.format(name=self.name, secret=secret).removesuffix("/")


def described_names() -> list[str]:
    """The names of the gateways that are files of data: a setting turns each of them on."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def written() -> tuple[Gateway, ...]:
    """The gateways that are Python files."""
    modules = [importlib.import_module(f"ussd.{found.name}") for found in pkgutil.iter_modules(ussd.__path__)]
    found: list[ModuleType] = [module for module in modules if hasattr(module, "GATEWAY")]
    return tuple(module.GATEWAY for module in found)
