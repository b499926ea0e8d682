"""The ledger at full strength: limits, day rows behind the horizon, periods, deadlines of reservations.

The scripts beside this file are frozen with it: a later change is a later step.
"""

from pathlib import Path

from migrations.script import run_sql

revision = "0010"
down_revision = "0009"

SCRIPTS = (
    "0010_ledger_tables.sql",
    "0010_ledger_post.sql",
    "0010_ledger_days.sql",
    "0010_ledger_periods.sql",
)


def upgrade() -> None:
    for script in SCRIPTS:
        run_sql(Path(__file__).with_name(script).read_text(encoding="utf-8"))
