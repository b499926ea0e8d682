"""What is said about codes and checks: one segment, one screen, and neutral for whoever reads the phone."""

import pytest

from locales import Sentence, languages, render
from locales.letters import fold, septets
from tests.support.messages_care import MESSAGES
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS

TOLD_HOUSEHOLDS = ("cover checked", "code used again")
HEALTH_WORDS = (
    "soin",
    "care",
    "médecin",
    "doctor",
    "patient",
    "malad",
    "santé",
    "health",
    "centre",
    "hôpital",
)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", MESSAGES)
def test_an_answer_fits_a_screen_as_it_fits_an_sms(name: str, language: str) -> None:
    words = fold(render(MESSAGES[name], language))
    assert septets(words) <= BUDGET_SEPTETS - STATE_SEPTETS, f"{septets(words)}: {words}"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", TOLD_HOUSEHOLDS)
def test_who_borrows_a_phone_reads_no_name_and_nothing_of_care(name: str, language: str) -> None:
    words = render(MESSAGES[name], language).lower()
    assert not [word for word in HEALTH_WORDS if word in words]
    assert not _facts(MESSAGES[name]) - {"day", "time", "phone"}


def _facts(sentence: Sentence) -> set[str]:
    return {name for name, _fact in sentence.facts}
