"""Confirmations by SMS: their codes and their room."""

import re
from itertools import product

import pytest

from locales import _, languages, render
from locales.letters import fold, septets
from mutuelle.households.confirmation import is_it_you
from sms.confirmations import ROOM, Reply, as_asked, code_of, fit_for, pressed, read_yes_or_no
from sms.segments import segments
from talk.keyring import Keyring
from talk.questions import screen_of
from talk.screen import View
from talk.words import Confirm
from tests.support.messages_households import WAITING
from tests.support.sms_phone import SEALS, code_in
from tests.support.town import AWA, MARIAM
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS


def test_a_code_hangs_on_the_phone_the_conversation_the_words_and_the_key() -> None:
    other = Keyring([b"another key"])
    codes = {
        code_of(keyring, phone, talk, words)
        for keyring, phone, talk, words in product(
            (SEALS, other), (AWA, MARIAM), ("one", "two"), ("Payer 3 000 F", "Payer 3 100 F")
        )
    }
    assert len(codes) == 16


def test_a_code_is_four_figures_and_no_round_amount() -> None:
    codes = {code_of(SEALS, AWA, "talk", str(nth)) for nth in range(500)}
    assert all(re.fullmatch("[1-9][0-9]{2}[1-9]", code) for code in codes)
    assert len(codes) > 400


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


@pytest.mark.parametrize("language", languages())
def test_what_the_service_asks_a_phone_is_one_segment_with_its_code(language: str) -> None:
    question = Confirm(is_it_you(WAITING), _("Yes"), _("No"))
    body = as_asked(SEALS, AWA, "asked 199000010", question, language)
    assert segments(body) == 1
    assert code_in(body) == code_of(SEALS, AWA, "asked 199000010", body.rsplit("\n", 1)[0])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("OUI", Reply(True, "", True)),
        ("oui 4712", Reply(True, "4712", False)),
        ("OUI4712", Reply(True, "4712", False)),
        ("0UI 47I2", Reply(True, "4712", False)),
        ("Oui, 47 12.", Reply(True, "4712", False)),
        ("OUI CODE 4712", Reply(True, "4712", False)),
        ("YES 4712 thank you", Reply(True, "4712", False)),
        ("4712", Reply(True, "4712", False)),
        ("oui 471", Reply(True, "", False)),
        ("oui 47129", Reply(True, "", False)),
        ("ok merci", Reply(True, "", True)),
        ("D'accord", Reply(True, "", True)),
        ("J'accepte", Reply(True, "", True)),
        ("oui mais combien", Reply(True, "", False)),
        ("NON", Reply(False, "", True)),
        ("no 4712", Reply(False, "4712", True)),
        ("non merci", Reply(False, "", True)),
        ("pas d'accord", Reply(False, "", True)),
        ("ouille", None),
        ("payer 4712", None),
        ("471", None),
        ("merci", None),
        ("nonante", None),
        ("", None),
        ("...", None),
    ],
)
def test_yes_and_no_are_read_in_both_languages(body: str, said: Reply | None) -> None:
    assert read_yes_or_no(body) == said


def reply(body: str) -> Reply:
    found = read_yes_or_no(body)
    assert found
    return found


def test_only_the_whole_code_presses_the_key() -> None:
    view = View("q", keys={"OUI 4712": "yes", "NON": "no"}, words="Payer ?")
    assert pressed(view, reply("yes 4712"), bare=False) == "OUI 4712"
    assert pressed(view, reply("no thanks"), bare=False) == "NON"
    for body in ("oui", "oui 471", "oui 4713", "4713", "oui oui"):
        assert pressed(view, reply(body), bare=True) is None


def test_a_plain_yes_presses_the_key_of_what_touches_nobody_else_while_it_is_new() -> None:
    view = View("q", keys={"OUI 4712": "yes", "NON": "no", "OUI": "yes"}, words="Payer ?")
    assert pressed(view, reply("d'accord"), bare=True) == "OUI"
    assert pressed(view, reply("d'accord"), bare=False) is None
    assert pressed(view, reply("oui 4713"), bare=True) is None
    assert pressed(view, reply("oui mais combien"), bare=True) is None
