"""Every SMS of the product: one segment in every language with the longest facts, and the table of them in docs.

A room lists its messages in `tests/<room>/messages_<topic>.py`, each under its name in a dict `MESSAGES`; one that
names a keyword is a function of the language, whose word it names.
`pytest tests/test_messages.py --rewrite-transcripts` writes `docs/messages.md` anew, for a person to read.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from locales import Sentence, language_name, languages, render_within
from locales.letters import septets
from mutuelle.notify import SEGMENT
from sms.segments import LONG_TEMPLATES, segments

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "messages.md"
HEAD = """# Every message

Each SMS that the service sends, in each language, with the longest facts that the tables allow: names of 26 letters,
mutuelles of 20, amounts of six digits. A segment holds 160 septets. Written by `pytest tests/test_messages.py
--rewrite-transcripts`, and compared with the code by the same test.
"""


Message = Sentence | Callable[[str], Sentence]


def _messages() -> dict[str, Message]:
    found: dict[str, Message] = {}
    for path in sorted(ROOT.glob("tests/**/messages_*.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        assert not found.keys() & module.MESSAGES.keys(), path
        found |= module.MESSAGES
    return found


MESSAGES = _messages()


def body(name: str, language: str) -> str:
    message = MESSAGES[name]
    return render_within(message(language) if callable(message) else message, language, SEGMENT)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_one_segment(name: str, language: str) -> None:
    words = body(name, language)
    assert segments(words) == 1 or name in LONG_TEMPLATES, f"{septets(words)}: {words}"


def table() -> str:
    lines = [HEAD, "| message | language | septets | with the longest facts |", "|---|---|---|---|"]
    for name in sorted(MESSAGES):
        for language in languages():
            words = body(name, language)
            shown = words.replace("|", "\\|").replace("\n", " / ")
            lines.append(f"| {name} | {language_name(language)} | {septets(words)} | {shown} |")
    return "\n".join(lines) + "\n"


def test_the_table_in_the_docs_is_what_is_sent(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite-transcripts"):
        TABLE.write_text(table())
    assert TABLE.read_text() == table()
