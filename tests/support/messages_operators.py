"""The messages about operators that do not answer, with the longest facts that the tables allow."""

from locales import Sentence
from mobilemoney import adapters
from mutuelle.contributions.operator_watch import operator_back, operator_down
from tests.support.messages_officers import MUTUELLE

LONGEST = max(adapters(), key=len)

MESSAGES: dict[str, Sentence] = {
    "operator down": operator_down(MUTUELLE, LONGEST, "23:59"),
    "operator back": operator_back(MUTUELLE, LONGEST, "23:59"),
}
