"""Callers with names and phones of their own, and what a gateway sends for each of their hops.

No two have the same name or phone, so that a screen tells whose it is.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from settings import DEMO_SECRET

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnst" for vowel in "aeiou"]
AGES = "45*38*12"
HEAD = (
    f"POST /at/{DEMO_SECRET}/{{route}} HTTP/1.1\r\nhost: keneya\r\n"
    "content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
)


def name_of(nth: int) -> str:
    """A name of its own for each, all of one length."""
    syllables = []
    for _place in range(4):
        nth, digit = divmod(nth, len(SYLLABLES))
        syllables.append(SYLLABLES[digit])
    return "".join(syllables).capitalize() + " Kone"


def phone_of(nth: int) -> str:
    return f"+2237{nth:07}"


def request(nth: int, words: str) -> bytes:
    """Africa's Talking's form for one hop of caller `nth`."""
    return hop_request(phone_of(nth), nth, words)


def hop_request(phone: str, call: int, words: str) -> bytes:
    """The same for any phone, in a call that is told from others by its number."""
    form = {
        "phoneNumber": phone,
        "serviceCode": "*384*57#",
        "text": words,
        "sessionId": f"ATUid_{call:032x}",
        "networkCode": "99999",
    }
    return _post("ussd", form)


def sms_request(phone: str, message: int, words: str) -> bytes:
    """Africa's Talking's form for one SMS that `phone` wrote."""
    return _post("sms", {"from": phone, "to": "38457", "text": words, "id": f"bench-{message}"})


def _post(route: str, form: Mapping[str, str]) -> bytes:
    body = urlencode(form).encode()
    return HEAD.format(route=route, length=len(body)).encode() + body
