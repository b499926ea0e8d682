"""Households in time: who changed what, and how an officer's registration is confirmed."""

from migrations.script import run_sql

revision = "0007"
down_revision = "0006"

SQL = """
select 1;
"""


def upgrade() -> None:
    run_sql(SQL)
