"""A person who goes to another household of the mutuelle keeps the cover that was waited for."""

from migrations.script import run_sql

revision = "0013"
down_revision = "0012"

SQL = """
alter table beneficiary
    add column came_from text collate "C", -- the household of which they were
    add foreign key (mutuelle_id, came_from) references household,
    add check (came_from is null or (came_from <> number and covered_from is not null and first_policy > 1));
"""


def upgrade() -> None:
    run_sql(SQL)
