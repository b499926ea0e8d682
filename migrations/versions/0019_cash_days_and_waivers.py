"""The day on which cash was received."""

from migrations.script import run_sql

revision = "0019"
down_revision = "0011"

CASH = """
-- `received_at` is when a receipt was recorded, `received_on` the day on which the collector got the money.
alter table cash_receipt add column received_on date;
update cash_receipt r set received_on = (r.received_at at time zone m.timezone)::date
  from mutuelle m where m.id = r.mutuelle_id;
alter table cash_receipt alter column received_on set not null;
"""


def upgrade() -> None:
    run_sql(CASH)
