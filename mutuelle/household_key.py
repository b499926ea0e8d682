"""The key of a household, with which most tables of the insurance begin: its mutuelle and its member number."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

import sqlalchemy as sa


class HouseholdKey(NamedTuple):
    """The key of a household; keys sort in the order in which households are locked."""

    mutuelle_id: str
    number: str


class OfHousehold(Protocol):
    """A household, its key, or a row that is about it."""

    @property
    def mutuelle_id(self) -> str: ...
    @property
    def number(self) -> str: ...


def of_household(table: sa.FromClause, household: OfHousehold) -> sa.ColumnElement[bool]:
    """The rows of `table` that are this household's."""
    return (table.c.mutuelle_id == household.mutuelle_id) & (table.c.number == household.number)


def same_household(table: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    """The rows of two tables that are one household's."""
    return (table.c.mutuelle_id == other.c.mutuelle_id) & (table.c.number == other.c.number)


# The arrays of `keys_of` as rows. Each stands in a query of its own, so that the planner, who then never knows how long
# it is, keeps one plan; else it plans a large statement anew each time.
UNNESTED_KEYS = "unnest((select cast(:mutuelles as text[])), (select cast(:numbers as text[])))"


def keys_of(households: Collection[OfHousehold]) -> dict[str, list[str]]:
    """The keys of these households, as parameters of a set-based query."""
    return {
        "mutuelles": [household.mutuelle_id for household in households],
        "numbers": [household.number for household in households],
    }
