"""The lines of the paper register as they were imported: a record, never changed."""

from sqlalchemy import Column, DateTime, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from mutuelle.tables import metadata

register_line = Table(
    "register_line",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("register_number", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("said", JSONB, nullable=False),
    Column("imported_at", DateTime(timezone=True), nullable=False),
)
