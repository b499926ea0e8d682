"""Phone numbers as gateways and people write them."""

import pytest

from locales import render
from talk.phones import gateway_phone, region_of, shown_phone, typed_phone
from talk.trouble import InvalidError


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("+22370000001", "+22370000001"),
        (" 22370000001", "+22370000001"),  # the plus was decoded as a blank
        ("22370000001", "+22370000001"),
        ("+22997123456", "+2290197123456"),  # Benin before 2024-11-30
        ("+2290197123456", "+2290197123456"),
        ("+254711XXXYYY", None),  # vanity letters are somebody else's number
        ("+22370000001\n", "+22370000001"),
        ("MTN", None),
        ("*144#", None),
        ("", None),
        ("+1", None),
        ("+" + "9" * 30, None),
    ],
)
def test_a_gateways_caller(sent: str, read: str | None) -> None:
    assert gateway_phone(sent) == read


@pytest.mark.parametrize(
    "typed", ["76 00 00 33", "76000033", "76OOOO33", "+223 76 00 00 33", "0022376000033", "76-00-00-33"]
)
def test_a_typed_number_is_read_in_its_country(typed: str) -> None:
    assert typed_phone(typed, "ML") == "+22376000033"


@pytest.mark.parametrize("typed", ["12", "MTN", "20 22 11", "+2252720123456", "76 00 00 3X", ""])
def test_what_is_no_mobile_number_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidError) as trouble:
        typed_phone(typed, "ML")
    assert render(trouble.value.sentence, "fr")


def test_a_number_is_shown_as_people_of_its_country_write_it() -> None:
    assert shown_phone("+22370000001") == "70 00 00 01"
    assert region_of("+22891234567") == "TG"
