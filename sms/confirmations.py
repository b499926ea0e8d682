"""Screens as SMS of one segment each, and confirmations that are answered with a code.

An SMS may arrive late. So a yes carries a code computed from the phone, the conversation and the exact words shown: it
cannot agree to anything else. A plain yes does where the question is minutes old and touches nobody else (`own`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from locales import Sentence, _, render, render_within
from locales.letters import fold, septets
from sms.wording import (
    BESIDE_CODE,
    BESIDE_THANKS,
    BESIDE_US,
    BESIDE_YES,
    BUT,
    GREETINGS,
    IT_IS,
    NOT,
    NOT_NOW,
    THANKS,
    US,
    is_yes,
    known,
    tidy,
    without_idioms,
    words_in,
)
from talk.figures import in_figures
from talk.keyring import Keyring
from talk.keywords import NO, YES
from talk.layout import lay_out
from talk.questions import NO as NO_KEY
from talk.questions import YES as YES_KEY
from talk.questions import screen_of
from talk.screen import Fit, Screen, Shown, View
from talk.words import Confirm

ROOM = 160  # septets of one segment
# Of several; a letter of two septets is never split, so each part may lose one.
ROOM_IN_PARTS = {1: ROOM, 2: 2 * 152, 3: 3 * 152}
SHORTEST_INVITATION = (
    19  # septets: what a USSD screen has for yes and no; the last of INVITATIONS takes fewer
)
LENGTH = 4
PAYMENT_CODE = 6  # figures of the code of a payment by hand: it answers no question
CODES = 9 * 10 * 10 * 9  # four figures; no code begins or ends with 0, so none is a round amount
PURPOSE = "sms confirmation"

# The longest that fits is used. The last is no longer than the keys of a USSD screen (in French 16 septets).
INVITATIONS: tuple[Callable[[str, str], Sentence], ...] = (
    lambda yes, no: _("To agree, reply {yes}. Otherwise reply {no}.", yes=yes, no=no),
    lambda yes, no: _("Reply {yes} or {no}.", yes=yes, no=no),
    lambda yes, no: _("{yes} or {no}", yes=yes, no=no),
)


def fit_for(keyring: Keyring, phone: str, conversation: str, segments: int = 1) -> Fit:
    """The engine's `fit` for one SMS conversation. No line shows "back", but 0 still works.

    `segments`: so many the last word may take.
    """

    def fit(screen: Screen, language: str) -> Shown:
        if not screen.confirms:
            room = ROOM_IN_PARTS[segments] if screen.end else ROOM
            return lay_out(replace(screen, back=False), language, room=room)
        words = render_within(screen.text, language, ROOM - SHORTEST_INVITATION)
        code = code_of(keyring, phone, conversation, words)
        return _confirmation(screen, words, code, language)

    return fit


def code_of(keyring: Keyring, phone: str, conversation: str, words: str) -> str:
    """The four figures that agree to `words` in this conversation of this phone."""
    number = int.from_bytes(keyring.digests(PURPOSE, f"{phone} {conversation} {words}")[0][:8]) % CODES
    first, rest = divmod(number, 900)
    middle, last = divmod(rest, 9)
    return f"{first + 1}{middle:02}{last + 1}"


def _confirmation(screen: Screen, words: str, code: str, language: str) -> Shown:
    spoken = screen.text.language if isinstance(screen.text, Sentence) and screen.text.language else language
    yes, no = (render(word, spoken).split()[0] for word in (YES, NO))
    text = ""
    for invitation in INVITATIONS:
        text = f"{words}\n{fold(render(invitation(f'{yes} {code}', no), spoken))}"
        if septets(text) <= ROOM:
            break
    keys = {f"{yes} {code}": YES_KEY, no: NO_KEY} | ({yes: YES_KEY} if screen.own else {})
    shown = Shown(text, end=False, keys=keys, whole=septets(text) <= ROOM)
    return with_note(shown, screen.note, language) if screen.note else shown


def with_note(shown: Shown, note: Sentence, language: str) -> Shown:
    """`note` above `shown`, if both fit."""
    noted = f"{fold(render(note, language))}\n{shown.text}"
    return replace(shown, text=noted) if septets(noted) <= ROOM else replace(shown, noted=False)


@dataclass(frozen=True)
class Reply:
    """A yes or a no, the code in it, and whether nothing else is said: only then a yes without a code may do."""

    is_yes: bool
    code: str
    plain: bool


def pressed(view: View, reply: Reply, *, bare: bool) -> str | None:
    """The key of a shown confirmation that `reply` means; None for a yes that needs its code.

    `bare`: the question is minutes old, so that a plain yes does where it touches nobody else.
    """
    for key, meant in view.keys.items():
        needs = key.split()[1:]
        if meant == NO_KEY and not reply.is_yes:
            return key
        if meant == YES_KEY and reply.is_yes and needs == [reply.code]:
            return key
        if meant == YES_KEY and reply.is_yes and not needs and reply.plain and bare:
            return key
    return None


def read_yes_or_no(body: str) -> Reply | None:
    """The yes or no that `body` is, with the code wherever it stands; None for other text.

    The code alone is a yes. A yes behind a "not" is a no: pas d'accord.
    """
    text = re.sub(r"\b0(?=ui\b|ui\d)", "O", in_figures(tidy(body)), flags=re.IGNORECASE)
    words = without_idioms([word for word in words_in(text) if not word.isdecimal()])
    code = _code([word for word in words_in(text) if word.isdecimal()])
    yes = {word for word in words if is_yes(word)}
    if words and words[0] in known(NO) and sum(map(str.isdecimal, text)) == PAYMENT_CODE:
        return None  # NON 482913: a payment by hand that did not come, not the answer to a question
    if (words and words[0] in known(NO)) or (not code and _is_against(words, yes)):
        return Reply(False, code, plain=True)
    beside = set(words) <= yes | known(BESIDE_YES) | known(THANKS) | known(BESIDE_THANKS) | known(GREETINGS)
    if yes and (words[0] in yes or beside):
        return Reply(True, code, plain=beside and not re.search(r"\d", text))
    if _is_us(words) and not code:
        return Reply(not set(words) & known(NOT), "", plain=False)
    return Reply(True, code, plain=False) if code and set(words) <= known(BESIDE_CODE) else None


def _is_against(words: list[str], yes: set[str]) -> bool:
    """Whether a yes stands beside a "not", or is put off: pas d'accord, je ne confirme pas, oui mais pas maintenant."""
    said = set(words)
    if (
        yes
        and said & known(NOT)
        and said <= yes | known(NOT) | known(NOT_NOW) | known(BUT) | known(GREETINGS)
    ):
        return True
    return any(
        (before in known(NOT) and word in yes) or (before in yes and word in known(NOT))
        for before, word in pairwise(words)
    )


def _is_us(words: list[str]) -> bool:
    """Whether nothing is said but that it is us, or is not: c'est bien nous, ce n'est pas mon ménage."""
    said = set(words)
    beside = (
        known(US) | known(IT_IS) | known(BESIDE_US) | known(NOT) | known(BESIDE_THANKS) | known(GREETINGS)
    )
    return bool(said & known(US) and said & known(IT_IS)) and said <= beside


def _code(figures: list[str]) -> str:
    """The code among the figures of a line: the only group of four, or all of them written apart (47 12)."""
    fours = [group for group in figures if len(group) == LENGTH]
    together = "".join(figures)
    return fours[0] if len(fours) == 1 else together if len(together) == LENGTH else ""


def asked(number: str) -> str:
    """The conversation of a question that the service itself asked, about the household `number`."""
    return f"asked {number}"


def as_asked(keyring: Keyring, phone: str, conversation: str, question: Confirm, language: str) -> str:
    """A confirmation as the SMS that asks for it, code included."""
    return fit_for(keyring, phone, conversation)(screen_of(question, View(), back=False), language).text
