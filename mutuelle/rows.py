"""Several questions in one statement: all rows of a query as one column of another."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select


def rows_of(query: Select[Any]) -> sa.ColumnElement[list[tuple[Any, ...]]]:
    """The rows of `query` in their order, each a tuple, as one column: a statement that asks for several things
    is one way to the server and back.
    """
    rows = query.with_only_columns(sa.func.row(*query.selected_columns), maintain_column_froms=True)
    return sa.func.array(rows.scalar_subquery())
