"""A long SMS in parts, as a phone and its network send it (3GPP TS 23.040, 9.2.3.24.1)."""

from locales.letters import EXTENSION
from sms.segments import Encoding, encoding

ROOM = {Encoding.GSM7: 153, Encoding.UCS2: 67}  # behind a header with a reference of one byte


def network_parts(text: str, *, wide: bool = False) -> list[str]:
    """The texts of the parts; `wide`: behind a reference of two bytes. A letter of two units is never cut."""
    used = encoding(text)
    room = ROOM[used] - wide
    parts, left = [""], room
    for letter in text:
        width = 1 + (letter in EXTENSION if used is Encoding.GSM7 else ord(letter) > 0xFFFF)
        if width > left:
            parts, left = [*parts, ""], room
        parts[-1] += letter
        left -= width
    return parts
