"""The schema as it is now, in an empty database: the files of `schema/`, in the order in which they need one another.

Their rights are given after all steps.
"""

from migrations.grants import without_rights
from migrations.script import run_sql

revision = "0001"
down_revision = None

SUBJECTS = (
    "ledger_clock",
    "ledger_texts",
    "ledger_accounts",
    "ledger_book",
    "ledger_limits",
    "ledger_post",
    "ledger_days",
    "ledger_periods",
    "ledger_seals",
    "ledger_records",
    "talk",
    "sms",
    "mutuelles",
    "households",
    "policies",
    "directory",
    "officers",
    "payers",
    "vouchers",
    "cash",
    "payments",
    "payouts",
    "operators",
    "statements",
    "unmatched",
    "care",
    "benefits",
    "schedules",
    "digests",
    "reminders",
    "imports",
    "support",
    "personal_data",
    "assemblies",
)


def upgrade() -> None:
    for subject in SUBJECTS:
        run_sql(without_rights(subject))
