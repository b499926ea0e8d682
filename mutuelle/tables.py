"""The tables of the insurance, as `migrations/versions` makes them."""

from sqlalchemy import (
    ARRAY,
    UUID,
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
    func,
)

metadata = MetaData()

mutuelle = Table(
    "mutuelle",
    metadata,
    Column("id", Text, primary_key=True),
    Column("prefix", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("town", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("complaints_phone", Text, nullable=False),
    Column("benefits", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

place = Table(
    "place",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

product = Table(
    "product",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sold_from", Date, nullable=False),
    Column("sold_until", Date),
    Column("lump_sum_minor", BigInteger, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("max_members", Integer, nullable=False),
    Column("premium_adult_minor", BigInteger, nullable=False),
    Column("premium_child_minor", BigInteger, nullable=False),
    Column("age_of_majority", Integer, nullable=False),
    Column("registration_fee_minor", BigInteger, nullable=False),
    Column("insurance_period_months", Integer, nullable=False),
    Column("waiting_period_months", Integer, nullable=False),
    Column("grace_period_payment_months", Integer, nullable=False),
    Column("grace_period_renewal_months", Integer, nullable=False),
    Column("partial_cover_threshold_percent", Integer, nullable=False),
    Column("max_installments", Integer, nullable=False),
    Column("amount_step_minor", BigInteger, nullable=False),
)

household = Table(
    "household",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("head_name", Text, nullable=False),
    Column("place_id", Text, nullable=False),
    Column("enrolled_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("head_rank", Integer, nullable=False, server_default="1"),
    Column("registered_by", Text),
    Column("confirmed_at", DateTime(timezone=True)),
)

household_change = Table(
    "household_change",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

household_phone = Table(
    "household_phone",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
)

beneficiary = Table(
    "beneficiary",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("name", Text),
    Column("birth_year", Integer, nullable=False),
    Column("added_on", Date, nullable=False),
    Column("removed_on", Date),
    Column("first_policy", Integer, nullable=False, server_default="1"),
    Column("covered_from", Date),
    Column("came_from", Text),
)

policy = Table(
    "policy",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("stage", Text, nullable=False),
    Column("product_code", Text, nullable=False),
    Column("product_version", Integer, nullable=False),
    Column("members", Integer, nullable=False),
    Column("contribution_minor", BigInteger, nullable=False),
    Column("registration_minor", BigInteger, nullable=False),
    Column("agreed_on", Date, nullable=False),
    Column("agreed_at", DateTime(timezone=True), nullable=False),
    Column("waits_from", Date),  # of a household taken over from paper: since when it waits
)

# What two treasurers decided that a household need not pay of a policy.
waiver = Table(
    "waiver",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("act", UUID, primary_key=True),
    Column("number", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("waived_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

officer = Table(
    "officer",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
)

facility = Table(
    "facility",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("place_id", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("hours", Text, nullable=False),
    Column("services", ARRAY(Text), nullable=False),
)

doctor = Table(
    "doctor",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("phone", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("facility_id", Text, nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
    Column("contracted_on", Date, nullable=False),
    Column("until", Date),
)

route = Table(
    "route",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("country", Text, primary_key=True),
    Column("operator", Text, nullable=False),
    Column("flow", Text, nullable=False),
)

payment = Table(
    "payment",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", UUID, primary_key=True),
    Column("number", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payer_phone", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("notice_token", Text, nullable=False),
    Column("receipt_code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("renews_code", Text),
    Column("renews_version", Integer),
    Column("renews_members", Integer),
    Column("renews_minor", BigInteger),
    Column("operator_reference", Text),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("completed_at", DateTime(timezone=True)),
    Column("told_late_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("polls", Integer, nullable=False, server_default="0"),
    Column("lease_token", UUID),
    Column("lease_until", DateTime(timezone=True)),
)

payment_move = Table(
    "payment_move",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", UUID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
)

payment_case = Table(
    "payment_case",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("reference", UUID, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("detail", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

payer_refusal = Table(
    "payer_refusal",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
)

money_notice = Table(
    "money_notice",
    metadata,
    Column("operator", Text, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("body_hash", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
)
