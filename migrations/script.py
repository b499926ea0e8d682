"""Runs a whole SQL script in a step: tables, functions and triggers read best as plain SQL."""

from alembic import op
from sqlalchemy import text
from sqlalchemy.util import await_only


def run_sql(script: str) -> None:
    """Execute `script`, any number of statements, inside the step's transaction."""
    connection = op.get_bind()
    connection.execute(text("select 1"))  # opens the transaction: the driver below would not
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection has no driver")
    await_only(driver.execute(script))
