"""What is due at an hour: digests, reminders, and one row for each firing."""

from migrations.script import run_sql

revision = "0008"
down_revision = "0007"

SQL = """
select 1;
"""


def upgrade() -> None:
    run_sql(SQL)
