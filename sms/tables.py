"""The outbox, delivery reports, opt-outs, the inbox and its conversations as tables, and the moves of a message.

A state changes only along MOVES; the database refuses every other change (migration 0002).
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB


class MessageState(StrEnum):
    """The state of a message. DELIVERED, FAILED and WITHHELD are final, but a proven delivery replaces FAILED."""

    DUE = "DUE"
    SENDING = "SENDING"  # claimed; the provider may have it already
    SENT = "SENT"  # the provider took it
    IN_DOUBT = "IN_DOUBT"  # handed over, and no answer came back
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    WITHHELD = "WITHHELD"  # never handed over: ended by a STOP, or its phone's budget is spent


MOVES: dict[MessageState, frozenset[MessageState]] = {
    MessageState.DUE: frozenset({MessageState.SENDING, MessageState.WITHHELD}),
    MessageState.SENDING: frozenset(
        {MessageState.DUE, MessageState.SENT, MessageState.IN_DOUBT, MessageState.FAILED}
    ),
    MessageState.IN_DOUBT: frozenset(
        {MessageState.DUE, MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED}
    ),
    MessageState.SENT: frozenset({MessageState.DELIVERED, MessageState.FAILED}),
    MessageState.FAILED: frozenset({MessageState.DELIVERED}),
    MessageState.DELIVERED: frozenset(),
    MessageState.WITHHELD: frozenset(),
}


class Arrival(StrEnum):
    """The state of a received SMS."""

    WAITING = "WAITING"
    ANSWERED = "ANSWERED"
    SET_ASIDE = "SET_ASIDE"  # not answered, on purpose: a stranger's second message, a flood
    FAILED = "FAILED"  # playing it failed, and a person must see why


SERVICE = "*"  # stands for the mutuelle in messages of the service itself

metadata = MetaData()
_instant = DateTime(timezone=True)

outbox = Table(
    "sms_outbox",
    metadata,
    Column("mutuelle_id", Text, primary_key=True),
    Column("id", Uuid, primary_key=True, server_default=FetchedValue()),
    Column("key", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("receipt_code", Text),
    Column("is_reply", Boolean, nullable=False),
    Column("segments", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", _instant, nullable=False),
    Column("lease_token", Uuid),
    Column("lease_until", _instant),
    Column("attempts", Integer, nullable=False),
    Column("resends", SmallInteger, nullable=False),
    Column("provider", Text),
    Column("provider_message_id", Text),
    Column("provider_status", Text),
    Column("reason", Text),
    Column("called_at", _instant),
    Column("in_doubt_at", _instant),
    Column("sent_at", _instant),
    Column("final_at", _instant),
    Column("created_at", _instant, nullable=False),
    Column("recorded_at", _instant, nullable=False),
)

report = Table(
    "sms_report",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=FetchedValue()),
    Column("provider", Text, nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("phone", Text, nullable=False),
    Column("failure_reason", Text),
    Column("raw", JSONB, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("received_at", _instant, nullable=False),
    Column("applied_at", _instant),  # when there was nothing more to learn from it
    Column("mutuelle_id", Text),  # the message it spoke of; both empty if it was never found
    Column("message_id", Uuid),
)

# What a person's own STOP ends, by the first word of the template. All other messages are receipts, replies, or notify
# people of changes to their money, cover or appointment: a forged STOP must not hide a fraud from its victim.
ENDED_BY_STOP = ("reminder",)

optout = Table(
    "sms_optout",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=FetchedValue()),
    Column("phone", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("since", _instant, nullable=False),
    Column("until", _instant),
)

inbox = Table(
    "sms_inbox",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("provider_message_id", Text, primary_key=True),
    Column("phone", Text, nullable=False),
    Column("short_code", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", _instant, nullable=False),
    Column("nth", BigInteger, FetchedValue(), nullable=False),  # in the order of arrival
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("handled_as", Text),  # what it was taken for
    Column("attempts", SmallInteger, nullable=False, server_default=FetchedValue()),
    Column("due_at", _instant, nullable=False),
    Column("handled_at", _instant),
)

conversation = Table(
    "sms_conversation",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("id", Text, nullable=False),  # of the message that opened it
    Column("keyword", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("acted", Boolean, nullable=False),  # it ended with an action
    Column("answers", JSONB, nullable=False),
    Column("view", JSONB, nullable=False),
    Column("expires_at", _instant, nullable=False),
)
