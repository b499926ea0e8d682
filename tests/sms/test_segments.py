"""What a message costs: parts as the network counts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales.letters import GSM7, septets
from sms.segments import Encoding, encoding, segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        (
            "a" * 152 + "€" + "a" * 152,
            3,
        ),  # the euro starts the second part whole, and pushes the last letter out
        ("a" * 151 + "€" + "a" * 153, 2),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("ç" * 134, 2),
        ("ç" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ç" * 66 + "😀" + "ç" * 66, 3),  # neither half of the emoji stays behind
    ],
)
def test_parts(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_one_letter_decides_the_alphabet() -> None:
    assert encoding("Cotisation reçue") is Encoding.UCS2
    assert encoding("Cotisation recue, merci à Éléonore") is Encoding.GSM7


@given(st.text(alphabet=sorted(GSM7), max_size=700))
def test_parts_hold_the_text_and_none_is_idle(text: str) -> None:
    count = segments(text)
    assert septets(text) <= (160 if count == 1 else 153 * count)
    assert count <= 1 or septets(text) > (160 if count == 2 else 152 * (count - 1))
