"""What a caller is to be shown, before any channel gives it its shape.

A channel's `fit` turns a Screen into a Shown: the text, and which key on this page means which choice.
"""

from collections.abc import Callable
from dataclasses import field

from locales import Sentence
from talk.words import Choice
from values import value


@value
class View:
    """Where the caller stands in one question: `page` of the list, and the first letters typed.

    `keys` are those of the page that was shown: a digit is resolved through them, never counted anew. `words` is the
    screen that a confirmation was shown as: a yes to it is no yes to another. `again`: a PIN or code is asked for once
    more, because it was wrong.
    """

    question: str = ""
    page: int = 0
    letters: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    words: str = ""
    again: bool = False


@value
class Screen:
    """`note` is said above `text` if there is room. `invites_letters`: the list is long, nothing of it is shown yet.

    `confirms`: the choices are the yes and the no of a confirmation; `own`: of one that touches nobody else.
    """

    text: Sentence | str
    note: Sentence | None = None
    choices: tuple[Choice, ...] = ()
    page: int = 0
    back: bool = False
    end: bool = False
    invites_letters: bool = False
    confirms: bool = False
    own: bool = False


@value
class Shown:
    """A screen in its channel's shape. `pages` counts those of the list; `end` closes the conversation.

    `whole` is false when words had to be left out: never so in a screen that is agreed to. `noted` is false when
    there was a note and no room for it.
    """

    text: str
    end: bool
    keys: dict[str, str] = field(default_factory=dict)
    pages: int = 1
    whole: bool = True
    noted: bool = True
    kept: str = ""  # what a record keeps instead of `text`, where `text` holds what is shown once

    @property
    def on_record(self) -> str:
        return self.kept or self.text


Fit = Callable[[Screen, str], Shown]
