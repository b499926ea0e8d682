"""What is limited by the hour or day: answers to strangers, numbers that nobody has."""

from migrations.script import run_sql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

USES = """
-- One row for each use, however often it is played again: `subject` used `item`. Counted over an hour or a day.
create table limited_use (
    what text collate "C" not null check (what in ('stranger answered', 'number not found')),
    subject text collate "C" not null,
    item text collate "C" not null,
    used_at timestamptz not null,
    primary key (what, subject, item)
);
create index limited_use_lately on limited_use (what, used_at);
"""


def upgrade() -> None:
    run_sql(USES)


def downgrade() -> None:
    raise NotImplementedError("the schema only moves forward")
