"""The outbox, delivery reports, opt-outs, the inbox and its conversations as tables, and the moves of a message.

A state changes only along MOVES; the database refuses every other change (`migrations/schema/sms.sql`).
"""

from enum import StrEnum

from schema_tables import table
from talk.keywords import BY_MESSAGE


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

outbox = table("sms_outbox")
report = table("sms_report")

# Where a person said STOP herself; any other source is the provider that delivers nothing but replies from then on.
MENU = "menu"
OWN_STOPS = (BY_MESSAGE, MENU)

optout = table("sms_optout")
inbox = table("sms_inbox")
conversation = table("sms_conversation")

# What a person's own STOP ends, by the first word of the template. All other messages are receipts, replies, or notify
# people of changes to their money, cover or appointment: a forged STOP must not hide a fraud from its victim.
ENDED_BY_STOP = ("reminder",)
