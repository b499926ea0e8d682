"""Callers whose screens are known beforehand: one call is rehearsed, and every other differs by its name alone.

No two callers have the same name or phone, so that a screen tells whose it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlencode

from bench.wire import Exchange, Hop
from settings import DEMO_SECRET

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnst" for vowel in "aeiou"]
AGES = "45*38*12"
HEAD = (
    f"POST /at/{DEMO_SECRET}/ussd HTTP/1.1\r\nhost: keneya\r\n"
    "content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
)
_people = count(1)  # nobody calls twice: a second call would be offered to go on with the first


class Unexpected(Exception):
    """The rehearsed call was not answered as a call to join is."""


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
    form = {
        "phoneNumber": phone_of(nth),
        "serviceCode": "*384*57#",
        "text": words,
        "sessionId": f"ATUid_{nth:032x}",
        "networkCode": "99999",
    }
    body = urlencode(form).encode()
    return HEAD.format(length=len(body)).encode() + body


def texts(name: str) -> list[str]:
    """The texts of a call: home, join, the village, her name, the people, all at once. Then it asks for consent."""
    return ["", "1", "1*1", f"1*1*{name}", f"1*1*{name}*{AGES}", f"1*1*{name}*{AGES}*1"]


def agreeing(name: str) -> str:
    """The text behind the consent: she agrees."""
    return f"{texts(name)[-1]}*1"


def text_at_once(name: str) -> str:
    """All of it in one dial, up to the consent."""
    return f"1*1*{name}*{AGES.replace('*', ' ')}*1"


@dataclass(frozen=True)
class Play:
    """The screens of a call to join, as they were rehearsed by caller 0."""

    screens: tuple[bytes, ...]

    def dial(self, nth: int) -> list[Hop]:
        """A call that goes no further than home."""
        return [Hop(request(nth, ""), self.screens[0])]

    def join(self, nth: int) -> list[Hop]:
        """A whole call, up to the question whether she agrees."""
        name = name_of(nth)
        return [
            Hop(request(nth, words), self._own(screen, name))
            for words, screen in zip(texts(name), self.screens, strict=True)
        ]

    def join_at_once(self, nth: int) -> list[Hop]:
        """The same in one hop, whose screen is hers alone."""
        name = name_of(nth)
        return [Hop(request(nth, text_at_once(name)), self._own(self.screens[-1], name))]

    def _own(self, screen: bytes, name: str) -> bytes:
        return screen.replace(name_of(0).encode(), name.encode())

    def dials(self) -> Iterator[Hop]:
        """Dials without end, each of another caller."""
        return (hop for nth in _people for hop in self.dial(nth))

    def joins(self) -> Iterator[Hop]:
        """Calls to join without end, each of another caller."""
        return (hop for nth in _people for hop in self.join(nth))

    def enrolments(self, welcome: re.Pattern[bytes], agreed: list[str]) -> Iterator[Hop]:
        """Whole calls without end, each of another caller who becomes a member; her phone is added to `agreed`."""
        for nth in _people:
            yield from self.join(nth)
            agreed.append(phone_of(nth))
            yield Hop(request(nth, agreeing(name_of(nth))), welcome)

    def mixed(self) -> Iterator[list[Hop]]:
        """Calls without end: one step by step, one at once, in turn."""
        return (self.join(nth) if nth % 2 else self.join_at_once(nth) for nth in _people)


HOPS_OF_MIXED = (len(texts("")) + 1) / 2  # of one call, on average
HOPS_OF_ENROLMENT = len(texts("")) + 1
NUMBER = re.compile(rb"\d{3} \d{3} \d{3}")


async def rehearse(port: int) -> Play:
    """Caller 0 plays the call; Unexpected unless each screen is another and the last one asks her by her name."""
    exchange = Exchange(port)
    answers = [await exchange.ask(request(0, words)) for words in texts(name_of(0))]
    exchange.close()
    screens = tuple(body for _status, body in answers)
    asks_her = name_of(0).encode() in screens[-1] and b"12 000" in screens[-1]
    if not asks_her or len(set(screens)) < len(screens) or not all(s.startswith(b"CON ") for s in screens):
        raise Unexpected(" / ".join(screen.decode(errors="replace") for screen in screens))
    return Play(screens)


async def rehearse_welcome(port: int) -> re.Pattern[bytes]:
    """A caller joins; the pattern of what each is told who does."""
    exchange, nth = Exchange(port), next(_people)
    for words in (*texts(name_of(nth)), agreeing(name_of(nth))):
        _status, body = await exchange.ask(request(nth, words))
    exchange.close()
    if not body.startswith(b"END ") or len(NUMBER.findall(body)) != 1:
        raise Unexpected(body.decode(errors="replace"))
    return re.compile(NUMBER.pattern.join(map(re.escape, NUMBER.split(body))))
