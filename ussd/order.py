"""Where a hop stands in its call: the one before once more, an older one, the next, or the first of a new call.

A gateway that sends all that was typed says so itself. One that sends the last input only is counted: by its own
sequence, or by the session, for which the same input shortly after is the same hop.
"""

from collections.abc import Sequence

from talk.session import NamedText, Session, digest, named_text
from ussd.hop import Hop

REPEAT_MS = 2_000  # a person needs longer to read a screen and press the same key again


def text_of(heard: Hop, session: Session, keys: Sequence[bytes], at_ms: int, repeat_ms: int) -> NamedText:
    """The text that this hop brings its call to. `at_ms`: when it came; `repeat_ms`: how long an input may repeat."""
    if not heard.last_only:
        return named_text(keys, heard.text, len(heard.text))
    if heard.sequence is not None:
        return _nth(heard, session, keys, heard.sequence)
    last = _nth(heard, session, keys, session.length)
    soon = at_ms - session.answered_ms <= repeat_ms
    if session.last in last.digests and (soon or session.is_closed(at_ms)):
        return last
    return _nth(heard, session, keys, session.length + 1)


def _nth(heard: Hop, session: Session, keys: Sequence[bytes], number: int) -> NamedText:
    return named_text(keys, f"{session.nonce}*{number}*{heard.text}", number)


def begins_anew(heard: Hop, session: Session, text: NamedText, at_ms: int, repeat_ms: int) -> bool:
    """Whether this hop is the dial of a new call under the name of an earlier one, and no copy of a hop of that."""
    if not heard.last_only or heard.past_dial:
        return False
    if heard.past_dial is None:
        return session.is_closed(at_ms) and session.last not in text.digests
    soon = at_ms - session.answered_ms <= repeat_ms
    counted = heard.sequence is not None and not session.is_closed(at_ms)
    return not ((soon or counted) and any(map(session.screens.__contains__, text.digests)))


def goes_on(heard: Hop, session: Session, keys: Sequence[bytes], at_ms: int) -> bool:
    """Whether this hop follows the last one, in a call still open; all that was typed has something more behind it."""
    if session.is_closed(at_ms):
        return False
    if heard.last_only:
        return heard.sequence is None or heard.sequence > session.length
    before, last = heard.text[: session.length], session.last
    return any(digest(key, before) == last for key in keys)


def typed(heard: Hop, session: Session) -> str:
    """What this hop adds. Never the part behind the last star: a name may hold one."""
    return heard.text if heard.last_only else heard.text[session.length :].removeprefix("*")
