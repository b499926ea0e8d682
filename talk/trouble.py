"""The two kinds of trouble a caller hears about; every other one is a fault, apologised for and logged."""

from locales import Sentence


class TroubleError(Exception):
    """Carries the sentence that the caller reads."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.msgid)
        self.sentence = sentence


class InvalidError(TroubleError):
    """The answer cannot be used: the same question is asked again."""


class RefusedError(TroubleError):
    """What was asked for cannot be done; inside an action, everything is rolled back."""


class CannotActError(Exception):
    """The channel has no memory of the call, so nothing may be confirmed or done in this hop."""


class MenuError(Exception):
    """A menu broke a rule of conversations: a foreign await, something after its action, nothing to say."""
