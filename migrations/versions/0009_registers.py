"""Mutuelles that come from paper: what was imported."""

from migrations.script import run_sql

revision = "0009"
down_revision = "0008"

SQL = """
select 1;
"""


def upgrade() -> None:
    run_sql(SQL)
