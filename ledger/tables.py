"""The ledger's tables for SQLAlchemy, read only: the functions of the schema `ledger` write them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="ledger")

account = Table(
    "account",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("fund", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_on", Date),
    Column("keeping", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reverses_id", Uuid),
    Column("memo", JSONB, nullable=False),
    Column("xid", BigInteger, nullable=False),  # the tick: see the migration
    Column("occurred_on", Date),
)

movement = Table(
    "movement",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("journal_id", Uuid, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("debit_account", Text, nullable=False),
    Column("credit_account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("pending_journal_id", Uuid),
    Column("pending_position", SmallInteger),
    Column("effective_on", Date, nullable=False),
    Column("xid", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
)

request = Table(
    "request",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("content_hash", LargeBinary, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("journal_id", Uuid),
    Column("reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

seal = Table(
    "seal",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("upto", BigInteger, nullable=False),  # a tick
    Column("journals", Integer, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
)

# A view: both legs of every movement that counts (see the migration).
entry = Table(
    "entry",
    metadata,
    Column("mutuelle_id", Text),
    Column("account", Text),
    Column("counter_account", Text),
    Column("debit", BigInteger),
    Column("credit", BigInteger),
    Column("currency", Text),
    Column("effective_on", Date),
    Column("journal_id", Uuid),
    Column("position", SmallInteger),
    Column("xid", BigInteger),
)
