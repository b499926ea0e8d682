"""Terms of a product that cannot be are refused: nobody would be covered by what they pay."""

from migrations.script import run_sql

revision = "0012"
down_revision = "0011"

SQL = """
alter table product
    add constraint product_wait_in_period check (waiting_period_months < insurance_period_months),
    add constraint product_wait_in_delay check (
        partial_cover_threshold_percent = 100 or waiting_period_months < grace_period_payment_months);
"""


def upgrade() -> None:
    run_sql(SQL)
