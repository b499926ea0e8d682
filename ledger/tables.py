"""The ledger's tables for SQLAlchemy, read only: the functions of the schema `ledger` write them."""

from sqlalchemy import BigInteger, Column, Date, MetaData, SmallInteger, Table, Text, Uuid

from schema_tables import table

account = table("ledger.account")
journal = table("ledger.journal")
movement = table("ledger.movement")
request = table("ledger.request")
seal = table("ledger.seal")

# A view: both legs of every movement that counts (migrations/schema/ledger_book.sql).
entry = Table(
    "entry",
    MetaData(schema="ledger"),
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
