"""The tables of care, as `migrations/versions/0006_care.py` makes them."""

from sqlalchemy import Boolean, Column, Date, DateTime, FetchedValue, Integer, LargeBinary, Table, Text, Uuid

from mutuelle.tables import metadata

# --- directory: the doctor of a household ---

referent = Table(
    "referent",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("doctor_phone", Text),
    Column("chosen_at", DateTime(timezone=True), nullable=False),
    Column("chosen_by", Text, nullable=False),
)

# --- codes for care and checks of a cover ---

care_code = Table(
    "care_code",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("used_at", DateTime(timezone=True)),
)

eligibility_check = Table(
    "eligibility_check",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("code_position", Integer, nullable=False),
    Column("doctor_phone", Text, nullable=False),
    Column("facility_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=FetchedValue()),
    Column("covered", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("until_on", Date),
    Column("policy_sequence", Integer, nullable=False),
    Column("policies_known", Integer, nullable=False),
)

failed_check = Table(
    "failed_check",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", Uuid, primary_key=True, server_default=FetchedValue()),
    Column("number", Text, nullable=False),
    Column("doctor_phone", Text, nullable=False),
    Column("facility_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("tried_at", DateTime(timezone=True), nullable=False),
    Column("forgiven_at", DateTime(timezone=True)),
)
