"""The SMS channel's own sentences, each with the longest facts: the keywords in them are those of its reader."""

from collections.abc import Callable
from functools import partial

from locales import Sentence
from menus.by_message import menus_by_message
from menus.help import help_by_message
from sms.confirmations import INVITATIONS
from sms.inbox_worker import FAULT
from sms.run_menu import NO_PIN
from sms.sentences import (
    STARTED,
    TOO_MANY,
    dealt_with,
    lapsed,
    no_code,
    other_code,
    stopped,
    stopped_asking,
    to_stop,
)
from talk.keywords import NO, YES, word_for


def _longest(language: str) -> str:
    """The longest keyword that people are told."""
    return max((word_for(menu.keyword, language) for menu in menus_by_message()), key=len)


def _yes(language: str) -> str:
    return f"{word_for(YES, language)} 4712"


def _invitation(invite: Callable[[str, str], Sentence], language: str) -> Sentence:
    return invite(_yes(language), word_for(NO, language))


MESSAGES: dict[str, Sentence | Callable[[str], Sentence]] = {
    "stopped": stopped,
    "started": STARTED,
    "too many today": TOO_MANY,
    "a code that nothing waits for": lambda language: lapsed(_longest(language)),
    "a code of what is done already": lambda language: dealt_with(
        word_for(help_by_message.keyword, language)
    ),
    "a PIN by SMS": NO_PIN,
    "a fault of ours": FAULT,
    "a yes without its code": lambda language: no_code(_yes(language)),
    "a yes with another code": lambda language: other_code(_yes(language)),
    "the way out of a question": lambda language: to_stop(word_for(NO, language)),
    "a question that was ended": lambda language: stopped_asking(word_for(help_by_message.keyword, language)),
    **{f"invitation {nth}": partial(_invitation, invite) for nth, invite in enumerate(INVITATIONS, 1)},
}
