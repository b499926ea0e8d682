"""One hop of a call as every gateway's file reads it from its own wire format."""

from dataclasses import field

from locales import Sentence, _
from values import value

UNREADABLE = _("The network sent an unreadable call. Please dial again.")
NO_NUMBER = _("Your number cannot be read. Please call from a phone with a visible number.")
LONGEST_CALL_ID = 100
LONGEST_TEXT = 1000


@value
class Hop:
    """`text` is all that was typed in the call so far, joined by `*`; `phone` is E.164.

    `past_dial`: the gateway proves that the call was answered before (True) or begins (False); None: it cannot tell.
    With `last_only` the gateway sends the last input alone, and `text` is that, or what was dialled behind the code;
    `sequence` is its number of the hop, if it counts them. `over`: how the call ended, in a word.
    """

    gateway: str
    call: str
    phone: str
    service: str
    text: str = field(repr=False)  # may hold a PIN
    past_dial: bool | None = None
    last_only: bool = False
    sequence: int | None = None
    over: str = ""

    @property
    def is_dial(self) -> bool:
        """Whether the call begins, with nothing dialled behind the code as far as can be told."""
        return self.past_dial is False if self.last_only and self.text else not self.text

    @property
    def dialled(self) -> list[str]:
        """The answers dialled at once, if this hop is the first of its call."""
        behind_code = self.past_dial is False if self.last_only else not self.past_dial
        return self.text.split("*") if behind_code and self.text else []


class UnreadableError(Exception):
    """A request that cannot be played; the caller is told `sentence`."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.msgid)
        self.sentence = sentence
