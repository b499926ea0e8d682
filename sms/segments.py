"""The number of segments in which a text is sent and billed, and which templates may take more than one.

Counted in septets or UTF-16 units, as the network counts, not in Python characters or bytes.
"""

from enum import StrEnum

from locales.letters import EXTENSION, is_gsm7, septets

MAX_SEGMENTS = 3  # a longer message is a fault of its template
# Templates that need more than one segment, each with its reason in the file that words it.
REPLY_IN_PARTS = (
    "reply in parts"  # of a menu that says how many (`ByMessage.segments`): a treasurer asks for it
)
LONG_TEMPLATES: frozenset[str] = frozenset({REPLY_IN_PARTS})


class Encoding(StrEnum):
    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


# Units that one message holds alone, and each part of a longer one (its header takes the rest).
_LIMITS = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}


def encoding(text: str) -> Encoding:
    """The alphabet that the network must use: one letter outside GSM-7 more than halves a segment."""
    return Encoding.GSM7 if is_gsm7(text) else Encoding.UCS2


def segments(text: str) -> int:
    """The number of parts of `text`: 0 only for the empty text.

    A letter of two units (an extension letter, a surrogate pair) is never split over two parts.
    """
    used = encoding(text)
    alone, part = _LIMITS[used]
    if used is Encoding.GSM7 and septets(text) <= alone:
        return 1 if text else 0  # the usual case, without measuring each letter
    widths = _widths(text)
    if sum(widths) <= alone:
        return 1
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count


def may_be_cut(text: str) -> bool:
    """Whether `text` is as long as a part that another follows, behind a header of six bytes or of seven."""
    _alone, part = _LIMITS[encoding(text)]
    return part - 1 <= sum(_widths(text)) <= part


def _widths(text: str) -> list[int]:
    """The units of each letter."""
    if encoding(text) is Encoding.GSM7:
        return [2 if letter in EXTENSION else 1 for letter in text]
    return [2 if ord(letter) > 0xFFFF else 1 for letter in text]
