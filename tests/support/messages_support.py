"""The messages of support, with the longest facts that the tables allow."""

from dataclasses import replace

from locales import Money, Sentence
from mutuelle.personal_data.copies import copy_wanted
from mutuelle.personal_data.leaving import left
from mutuelle.support import messages
from tests.support.messages_receipts import HOME
from tests.support.messages_receipts import MUTUELLE as SHORTER

MUTUELLE = replace(SHORTER, complaints_phone="+2290197123456")

MOST, NONE = Money(999_999, "XOF"), Money(0, "XOF")

MESSAGES: dict[str, Sentence] = {
    "phone changed, new phone": messages.phone_gained(HOME, MUTUELLE),
    "phone changed, old phone": messages.phone_lost(HOME, MUTUELLE),
    "head changed": messages.head_changed(HOME, MUTUELLE),
    "households merged": messages.merged(HOME, replace(HOME, number="199000028"), MUTUELLE),
    "household closed": messages.closed(HOME, MUTUELLE),
    "household reopened": messages.reopened(HOME, MUTUELLE),
    "household left, with credit": left(HOME, NONE, MOST),
    "household left, with a debt": left(HOME, MOST, NONE),
    "household left": left(HOME, NONE, NONE),
    "copy asked": copy_wanted(HOME),
}
