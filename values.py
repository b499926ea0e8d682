"""Values of which a hop makes dozens: frozen for the type checker, made in a third of the time.

`dataclass(frozen=True)` writes each field through `object.__setattr__`. Everywhere but on the way of a hop it is used.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

V = TypeVar("V")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(of: type[V]) -> type[V]:
    """A dataclass that is compared and hashed by its fields; mypy refuses to set one of them, Python does not."""
    return dataclass(slots=True, unsafe_hash=True)(of)
