"""Member numbers: a slip of the finger is another number of nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutuelle.households.member_numbers import draw_number, member_number, shown_number
from talk.trouble import InvalidError

PREFIXES = st.integers(100, 999)


@given(PREFIXES)
def test_a_drawn_number_is_read_back(prefix: int) -> None:
    number = draw_number(prefix)
    assert number.startswith(str(prefix))
    assert member_number.parse(shown_number(number)) == number


@given(PREFIXES, st.integers(0, 8), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(prefix: int, place: int, step: int) -> None:
    number = draw_number(prefix)
    wrong = number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]
    with pytest.raises(InvalidError):
        member_number.parse(wrong)


@given(PREFIXES, st.integers(0, 7))
def test_every_pair_of_neighbours_exchanged_is_found(prefix: int, place: int) -> None:
    number = draw_number(prefix)
    if number[place] == number[place + 1]:
        return
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    with pytest.raises(InvalidError):
        member_number.parse(swapped)


def test_a_number_is_read_aloud_in_threes() -> None:
    assert shown_number("199000010") == "199 000 010"


def test_numbers_are_not_handed_out_one_after_the_other() -> None:
    assert len({draw_number(199) for _nth in range(50)}) > 45
