"""The tables of roles, PINs, cash and acts of two people, as migrations 0005 and 0014 make them."""

from sqlalchemy import (
    ARRAY,
    UUID,
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from mutuelle.tables import metadata

_instant = DateTime(timezone=True)

role_change = Table(
    "role_change",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposal", UUID),
    Column("changed_at", _instant, nullable=False),
)

role_proposal = Table(
    "role_proposal",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("what", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("facility_id", Text),
    Column("languages", ARRAY(Text)),
    Column("proposed_by", Text, nullable=False),
    Column("proposer_name", Text, nullable=False),
    Column("proposed_at", _instant, nullable=False),
    Column("expires_at", _instant, nullable=False),
    Column("answer", Text),
    Column("answered_by", Text),
    Column("answered_at", _instant),
)

officer_pin = Table(
    "officer_pin",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("origin", Text, nullable=False),
    Column("issued_at", _instant, nullable=False),
    Column("used_at", _instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", _instant),
    Column("reissue_until", _instant),
)

pin_change = Table(
    "pin_change",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", _instant, nullable=False),
)

cash_holder = Table(
    "cash_holder",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("since", _instant, nullable=False),
)

cash_receipt = Table(
    "cash_receipt",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", UUID, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("receipt_code", Text, nullable=False),
    Column("received_at", _instant, nullable=False),  # when it was recorded
    Column("received_on", Date, nullable=False),
)

cash_deposit = Table(
    "cash_deposit",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", UUID, primary_key=True),
    Column("from_holder", Text, nullable=False),
    Column("to_holder", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("deposited_at", _instant, nullable=False),
)

cash_contest = Table(
    "cash_contest",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", UUID, primary_key=True),
    Column("phone", Text),
    Column("contested_at", _instant, nullable=False),
    Column("closed_at", _instant),
    Column("closed_by", Text),
    Column("outcome", Text),
)

joint_act = Table(
    "joint_act",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposer_name", Text, nullable=False),
    Column("proposed_at", _instant, nullable=False),
    Column("expires_at", _instant, nullable=False),
    Column("answer", Text),
    Column("answered_by", Text),
    Column("answerer_name", Text),
    Column("answered_at", _instant),
)
