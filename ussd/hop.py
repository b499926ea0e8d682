"""One hop of a call as every gateway's file reads it from its own wire format."""

from dataclasses import field

from locales import Sentence
from values import value


@value
class Hop:
    """`text` is all that was typed in the call so far, joined by `*`; `phone` is E.164.

    `past_dial` is true when the gateway proves that the call was answered before (None: it cannot tell).
    """

    gateway: str
    call: str
    phone: str
    service: str
    text: str = field(repr=False)  # may hold a PIN
    past_dial: bool | None = None


class UnreadableError(Exception):
    """A form that cannot be played; the caller is told `sentence`."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.msgid)
        self.sentence = sentence
