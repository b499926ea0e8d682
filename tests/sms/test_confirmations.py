"""Confirmations by SMS: their codes, their room, and that what the channel says is one segment."""

from itertools import product

import pytest

from locales import _, languages, render
from locales.letters import fold, septets
from sms.confirmations import ALPHABET, LENGTH, ROOM, TAKEN_FOR, code_of, fit_for, pressed, read_yes_or_no
from sms.segments import segments
from talk.keyring import Keyring
from talk.questions import screen_of
from talk.screen import View
from talk.words import Confirm
from tests.support.messages_channel import MESSAGES
from tests.support.sms_phone import SEALS
from tests.support.town import AWA, MARIAM
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", MESSAGES)
def test_what_the_channel_says_is_one_segment(name: str, language: str) -> None:
    body = fold(render(MESSAGES[name], language))
    assert segments(body) == 1, f"{len(body)}: {body}"


def test_a_code_hangs_on_the_phone_the_conversation_the_words_and_the_key() -> None:
    other = Keyring([b"another key"])
    codes = {
        code_of(keyring, phone, talk, words)
        for keyring, phone, talk, words in product(
            (SEALS, other), (AWA, MARIAM), ("one", "two"), ("Payer 3 000 F", "Payer 3 100 F")
        )
    }
    assert len(codes) == 16


def test_no_two_letters_of_a_code_look_alike_and_none_is_a_vowel() -> None:
    assert not set(ALPHABET) & set("01ILOSZBUQAEIOU")
    assert len(set(ALPHABET.translate(TAKEN_FOR))) == len(ALPHABET) == 24
    assert all(len(code_of(SEALS, AWA, "talk", str(nth))) == LENGTH for nth in range(200))


@pytest.mark.parametrize("language", languages())
def test_whatever_fits_a_screen_with_its_two_keys_fits_an_sms_with_its_code(language: str) -> None:
    keys = septets(fold("\n1 " + render(_("Yes"), language) + "\n2 " + render(_("No"), language)))
    most = BUDGET_SEPTETS - STATE_SEPTETS - keys
    for size in (10, 90, 110, 130, most):
        screen = screen_of(Confirm(_("{words}", words="a" * size), _("Yes"), _("No")), View(), back=True)
        shown = fit_for(SEALS, AWA, "talk")(screen, language)
        assert shown.whole
        assert septets(shown.text) <= ROOM
        (yes, no) = shown.keys
        assert yes in shown.text
        assert no in shown.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("OUI", (True, "")),
        ("oui 4f7k", (True, "4F7K")),
        ("OUI4F7K", (True, "4F7K")),
        ("0UI4F7K", (True, "4F7K")),
        ("Oui, 4F 7K.", (True, "4F7K")),
        ("YES 4F7K thank you", (True, "4F7K")),
        ("oui 4f7", (True, "")),
        ("oui 4f7k9", (True, "")),
        ("NON", (False, "")),
        ("no 4F7K", (False, "4F7K")),
        ("non merci", (False, "")),
        ("ouille", None),
        ("4F7K", None),
        ("nonante", None),
        ("", None),
        ("...", None),
    ],
)
def test_yes_and_no_are_read_in_both_languages(body: str, said: tuple[bool, str] | None) -> None:
    assert read_yes_or_no(body) == said


def test_only_the_whole_code_presses_the_key() -> None:
    view = View("q", keys={"OUI 4F7K": "yes", "NON": "no"}, words="Payer ?")
    assert pressed(view, "yes 4f7k") == "OUI 4F7K"
    assert pressed(view, "no thanks") == "NON"
    for body in ("oui", "oui 4f7", "oui 4f7x", "4f7k", "oui oui", ""):
        assert pressed(view, body) is None
