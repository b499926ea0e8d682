"""The letters every basic phone can show (GSM 03.38), and how other letters are brought down to them.

A letter that GSM-7 has (é è à ù Ç ñ …) is never touched: a member's name must come back as she wrote it.
"""

import re
import unicodedata

from anyascii import anyascii

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("€^{}[]~|\\")  # each is sent as an escape and a letter: two septets
GSM7 = BASIC | EXTENSION
_FOREIGN = re.compile(f"[^{re.escape(''.join(sorted(GSM7)))}]")
_UNCOMMON = re.compile(f"[^{re.escape(''.join(sorted(BASIC)))}]")
_EXTENDED = re.compile(f"[{re.escape(''.join(sorted(EXTENSION)))}]")

# Where anyascii is not what a French reader expects, or leaves ASCII that GSM-7 lacks.
_OURS = {"«": '"', "»": '"', "°": "o", "`": "'", "\t": " "}


def fold(text: str) -> str:
    """`text` in GSM-7 letters only, newlines kept; a letter with no counterpart becomes `?`."""
    if not _FOREIGN.search(text):
        return text  # by far the most, and every word of every screen comes through here
    composed = unicodedata.normalize("NFC", text)  # e followed by a combining accent is é, which GSM-7 has
    return _FOREIGN.sub(lambda found: _fold_letter(found[0]), composed)


def septets(text: str) -> int:
    """How many septets `text` takes; ValueError on a letter that GSM-7 lacks (fold first)."""
    if not _UNCOMMON.search(text):
        return len(text)  # by far the most
    if foreign := _FOREIGN.search(text):
        raise ValueError(f"not a GSM-7 letter: U+{ord(foreign[0]):04X}")
    return len(text) + len(_EXTENDED.findall(text))


def is_gsm7(text: str) -> bool:
    """Whether a phone without Unicode shows `text` as it is."""
    return not _FOREIGN.search(text)


def _fold_letter(letter: str) -> str:
    if letter in _OURS:
        return _OURS[letter]
    if unicodedata.category(letter) in ("Mn", "Cf"):
        return ""  # a tone mark or a zero-width space: nothing to show
    if unicodedata.category(letter) == "So":
        return "?"  # anyascii would spell an emoji out, and each letter is paid for
    ascii_letters = anyascii(letter)
    return ascii_letters if ascii_letters and is_gsm7(ascii_letters) else "?"
