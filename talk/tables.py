"""The tables of conversations: preferences, every action with the words that were agreed to, what is limited."""

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

preference = Table(
    "preference",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("chosen_at", DateTime(timezone=True), nullable=False),
)

action = Table(
    "deed",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("call", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("transcript", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("facts_hash", LargeBinary, nullable=False),
    Column("consent", Text, nullable=False),
    Column("screen", Text),
    Column("done_at", DateTime(timezone=True), nullable=False),
)

limited_use = Table(
    "limited_use",
    metadata,
    Column("what", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("used_at", DateTime(timezone=True), nullable=False),
)
