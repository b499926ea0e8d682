"""A household taken over from paper waits since it joined, whenever the period began that it has paid for."""

from migrations.script import run_sql

revision = "0015"
down_revision = "0014"

SQL = """
alter table policy add column waits_from date,
    add constraint policy_first_waits check (waits_from is null or sequence = 1);
"""


def upgrade() -> None:
    run_sql(SQL)
