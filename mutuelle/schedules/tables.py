"""The tables of schedules, digests and reminders, as migrations 0008 and 0011 make them."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, LargeBinary, Table, Text

from mutuelle.tables import metadata

_instant = DateTime(timezone=True)

schedule = Table(
    "schedule",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("fires_for", _instant, nullable=False),
    Column("due_at", _instant, nullable=False),
    Column("next_at", _instant, nullable=False),
    Column("counted_to", Text),
    Column("counted_at", _instant),
    Column("since", _instant, nullable=False),
    Column("is_new", Boolean, nullable=False, server_default="false"),
    Column("stopped_at", _instant),
)

firing = Table(
    "firing",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("fired_for", _instant, primary_key=True),
    Column("fired_at", _instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("messages", Integer, nullable=False),
)

digest = Table(
    "digest",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("fired_for", _instant, primary_key=True),
    Column("message_key", Text, nullable=False),
    Column("since", _instant, nullable=False),
    Column("sent_at", _instant, nullable=False),
    Column("counted_from", Text, nullable=False),
    Column("counted_from_at", _instant, nullable=False),
    Column("counted_to", Text, nullable=False),
    Column("counted_to_at", _instant, nullable=False),
    Column("received_minor", BigInteger, nullable=False),
    Column("payers", Integer, nullable=False),
    Column("cash_minor", BigInteger, nullable=False),
    Column("mobile_minor", BigInteger, nullable=False),
    Column("bank_minor", BigInteger, nullable=False),
    Column("up_to_date", Integer, nullable=False),
    Column("households", Integer, nullable=False),
    Column("unresolved", Integer, nullable=False),
    Column("oldest_at", _instant),
    Column("seal_root", LargeBinary),
)

digest_answer = Table(
    "digest_answer",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("fired_for", _instant, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("name", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("answered_at", _instant, nullable=False),
)

reminder_consent = Table(
    "reminder_consent",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("since", _instant, primary_key=True),
    Column("until", _instant),
)

reminder = Table(
    "reminder",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("message_key", Text, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("amount_minor", BigInteger),
    Column("sent_at", _instant, nullable=False),
)
