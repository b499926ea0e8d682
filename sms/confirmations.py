"""Screens as SMS of one segment each, and confirmations that are answered with a code.

An SMS may arrive late. So a yes carries a code computed from the phone, the conversation and the exact words shown: it
cannot agree to anything else.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from locales import Sentence, _, render, render_within
from locales.letters import fold, septets
from sms.keywords import clean, tidy
from talk.keyring import Keyring
from talk.keywords import NO, YES, words_of
from talk.layout import lay_out
from talk.questions import NO as NO_KEY
from talk.questions import YES as YES_KEY
from talk.questions import initials
from talk.screen import Fit, Screen, Shown, View

ROOM = 160  # septets of one segment
SHORTEST_INVITATION = (
    19  # septets that a USSD screen has for its yes and no, which the last of INVITATIONS needs at most
)
# One of each group of letters that look alike; a typed one of the group is read as it. No vowels, so no words.
ALPHABET = "23456789CDFGHJKMNPRTVWXY"
TAKEN_FOR = str.maketrans("ZSBUOQIL", "258V0011")
LENGTH = 4
PURPOSE = "sms confirmation"

# The longest that fits is used. The last is no longer than the keys of a USSD screen (in French 16 septets).
INVITATIONS: tuple[Callable[[str, str], Sentence], ...] = (
    lambda yes, no: _("To agree, reply {yes}. Otherwise reply {no}.", yes=yes, no=no),
    lambda yes, no: _("Reply {yes} or {no}.", yes=yes, no=no),
    lambda yes, no: _("{yes} or {no}", yes=yes, no=no),
)


def fit_for(keyring: Keyring, phone: str, conversation: str) -> Fit:
    """The engine's `fit` for one SMS conversation. No line shows "back", but 0 still works."""

    def fit(screen: Screen, language: str) -> Shown:
        if not screen.confirms:
            return lay_out(replace(screen, back=False), language, room=ROOM)
        words = render_within(screen.text, language, ROOM - SHORTEST_INVITATION)
        code = code_of(keyring, phone, conversation, words)
        return _confirmation(screen, words, code, language)

    return fit


def code_of(keyring: Keyring, phone: str, conversation: str, words: str) -> str:
    """The four letters that agree to `words` in this conversation of this phone."""
    number = int.from_bytes(keyring.digests(PURPOSE, f"{phone} {conversation} {words}")[0][:8])
    letters = []
    for _place in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def _confirmation(screen: Screen, words: str, code: str, language: str) -> Shown:
    spoken = screen.text.language if isinstance(screen.text, Sentence) and screen.text.language else language
    yes, no = (render(word, spoken).split()[0] for word in (YES, NO))
    text = ""
    for invitation in INVITATIONS:
        text = f"{words}\n{fold(render(invitation(f'{yes} {code}', no), spoken))}"
        if septets(text) <= ROOM:
            break
    keys = {f"{yes} {code}": YES_KEY, no: NO_KEY}
    shown = Shown(text, end=False, keys=keys, whole=septets(text) <= ROOM)
    return with_note(shown, screen.note, language) if screen.note else shown


def with_note(shown: Shown, note: Sentence, language: str) -> Shown:
    """`note` above `shown`, if both fit."""
    noted = f"{fold(render(note, language))}\n{shown.text}"
    return replace(shown, text=noted) if septets(noted) <= ROOM else replace(shown, noted=False)


def is_confirmation(view: View) -> bool:
    """Whether the last screen of `view` was a confirmation."""
    return bool(view.words) and set(view.keys.values()) == {YES_KEY, NO_KEY}


def pressed(view: View, body: str) -> str | None:
    """The key of a shown confirmation that `body` means; None for a yes without its code and for other text."""
    said = read_yes_or_no(body)
    if said is None:
        return None
    is_yes, code = said
    for key, meant in view.keys.items():
        if meant == NO_KEY and not is_yes:
            return key
        if meant == YES_KEY and is_yes and code and code == key.split()[-1]:
            return key
    return None


def read_yes_or_no(body: str) -> tuple[bool, str] | None:
    """(is it a yes, the code after it) of a yes or no, with or without a blank, O for 0; None for other text."""
    letters = initials(clean(tidy(body))).split()
    if not letters:
        return None
    for is_yes, word in _yes_and_no():
        mended = letters[0].translate(str.maketrans("01", "OI"))
        if mended == word:
            return is_yes, _code(letters[1:])
        if is_yes and mended.startswith(word) and len(mended) == len(word) + LENGTH:
            return True, _code([letters[0][len(word) :], *letters[1:]])
    return None


@cache
def _yes_and_no() -> Sequence[tuple[bool, str]]:
    return [(is_yes, word) for is_yes, keyword in ((True, YES), (False, NO)) for word in words_of(keyword)]


def _code(words: list[str]) -> str:
    """The code among the words behind a yes: the first, or all of them written apart (4F 7K)."""
    for written in (words[:1], words):
        code = re.sub(r"[^0-9A-Z]", "", "".join(written)).translate(TAKEN_FOR)
        if len(code) == LENGTH:
            return code
    return ""
