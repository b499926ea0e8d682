"""The ledger: accounts, journals, movements, the keys that were spent, and the one way in.

The two scripts beside this file are frozen with it: a later change is a later step.
"""

from pathlib import Path

from migrations.script import run_sql

revision = "0001"
down_revision = None

SCRIPTS = ("0001_ledger_tables.sql", "0001_ledger_functions.sql")


def upgrade() -> None:
    for script in SCRIPTS:
        run_sql(Path(__file__).with_name(script).read_text(encoding="utf-8"))
