"""The table of support's acts, as `migrations/versions/0006_care.py` makes it."""

from sqlalchemy import UUID, BigInteger, Column, DateTime, Identity, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from mutuelle.tables import metadata

support_act = Table(
    "support_act",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("nth", BigInteger, Identity(always=True), nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("mutuelle_id", Text),
    Column("number", Text),
    Column("facts", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=False),
)
