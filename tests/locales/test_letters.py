"""What a basic phone shows of French and of the languages around Sikasso, Lomé and Maroua."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from locales.letters import BASIC, EXTENSION, GSM7, fold, is_gsm7, septets


def test_the_alphabet_has_128_codes_with_the_escape() -> None:
    assert len(BASIC) == 127
    assert len(EXTENSION) == 9  # the form feed is left out: no phone shows it


@pytest.mark.parametrize(
    "text", ["Éléonore à Ségou, où ? Ça ira : 1 000 F @ £5", "ñ ö ä ü Ñ Æ ß", "a\nb\r", "€[~]|\\^{}"]
)
def test_letters_of_gsm7_stay_as_they_are(text: str) -> None:
    assert fold(text) == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("reçu, fenêtre, cœur, naïve, hôpital", "recu, fenetre, coeur, naive, hopital"),
        ("À BIENTÔT, L’ŒIL", "A BIENTOT, L'OeIL"),
        ("« oui » “non” ‘peut-être’…", '" oui " "non" \'peut-etre\'...'),
        ("1\u00a0000\u202fF – n° 12", "1 000 F - no 12"),
        ("Bamako bɛ sɔrɔ, ɲɛ, ŋɔ", "Bamako be soro, ne, ngo"),  # Bambara
        ("ɖevi, ƒo, ɣe, ʋu", "devi, fo, ge, vu"),  # Ewe
        ("ɓ ɗ ƙ ƴ Ɓ Ɗ Ƙ", "b d k y B D K"),  # Hausa, Pulaar
        ("ɩ ʋ ã ẽ ĩ õ ũ ǝ", "i v a e i o u e"),  # Mooré, Kabiyè, Tamasheq
        ("`a`\tb", "'a' b"),
        ("a\u200bb\ufeffc", "abc"),
        ("bien 😀", "bien ?"),
        ("a\x00b\x0cc", "a?b?c"),
        ("e\u0301cole, a\u0300, c\u0327a", "école, à, ca"),  # accents typed as combining marks
    ],
)
def test_other_letters_are_folded(written: str, shown: str) -> None:
    assert fold(written) == shown


@given(st.text())
@example("ɛ\u0303")
@example("\u2126\u212b")  # Ohm and Angstrom signs compose to letters GSM-7 has
def test_the_result_is_gsm7_and_folding_it_again_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert is_gsm7(folded)
    assert fold(folded) == folded
    assert septets(folded) >= len(folded)


@given(st.text(alphabet=sorted(GSM7)))
def test_nothing_is_lost_from_a_text_that_a_phone_can_show(text: str) -> None:
    assert fold(text) == text
    assert fold(unicodedata.normalize("NFD", text)) == text


def test_an_extension_letter_costs_two_septets() -> None:
    assert septets("5€") == 3
    assert septets("") == 0


@pytest.mark.parametrize("text", ["ç", "ok ê", "😀", "\x0c"])
def test_septets_of_a_letter_that_gsm7_lacks(text: str) -> None:
    with pytest.raises(ValueError, match="not a GSM-7 letter"):
        septets(text)
