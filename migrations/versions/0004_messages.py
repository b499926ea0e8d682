"""SMS in: what came of each message, and the conversation that a phone has open."""

from migrations.script import run_sql

revision = "0004"
down_revision = "0003"

SQL = """
select 1;
"""


def upgrade() -> None:
    run_sql(SQL)
