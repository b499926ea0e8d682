"""What the channel itself says by SMS: of a missing code or part, of what has ended, of STOP, of too many messages."""

from locales import Sentence, _
from talk.keywords import START, word_for

TOO_MANY = _("You wrote a lot today: we read you again tomorrow. Until then, call the service.")
PART_MISSING = _("Your message did not come whole, and nothing was done. Please send it again, shorter.")
STARTED = _("Done: you get our messages again.")


def stopped(language: str) -> Sentence:
    """The answer to the first STOP."""
    return _(
        "Done: we write to you no more, except receipts, warnings and answers. For all our messages, send {start}.",
        start=word_for(START, language),
    )


def no_code(yes: str) -> Sentence:
    """The answer to a yes that needs its code."""
    return _("The code is missing: reply {yes} to agree.", yes=yes)


def other_code(yes: str) -> Sentence:
    """The answer to a yes with other figures than its code."""
    return _("This is not the code: reply {yes} to agree.", yes=yes)


def to_stop(no: str) -> Sentence:
    """The way out of a question that was not answered."""
    return _("To stop, reply {no}.", no=no)


def stopped_asking(word: str) -> Sentence:
    """The answer to a word that ends a question."""
    return _("Stopped: nothing was done. For anything else, send {word}.", word=word)


def lapsed(word: str) -> Sentence:
    """The answer to a yes without an open confirmation."""
    return _(
        "Nothing waits for an answer, and this message did nothing. To begin again, send {word}.", word=word
    )


def dealt_with(word: str) -> Sentence:
    """The same, if the last request was agreed to already."""
    return _(
        "Your last request was dealt with, and this message did nothing more. For anything else, send {word}.",
        word=word,
    )
