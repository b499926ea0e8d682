"""The ledger's guards: what is written is what the checks accept, no day below zero, nobody outside holds it up.

The scripts beside this file are frozen with it: a later change is a later step.
"""

from pathlib import Path

from migrations.script import run_sql

revision = "0016"
down_revision = "0015"

SCRIPTS = ("0016_guards_words.sql", "0016_guards_limits.sql", "0016_guards_post.sql", "0016_guards_turns.sql")


def upgrade() -> None:
    for script in SCRIPTS:
        run_sql(Path(__file__).with_name(script).read_text(encoding="utf-8"))
