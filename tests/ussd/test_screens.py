"""What fits on a handset, and what happens to what does not."""

from hypothesis import given
from hypothesis import strategies as st

from locales import _
from locales.letters import is_gsm7, septets
from talk.screen import Screen
from talk.words import Option
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS, fit_for

fit = fit_for()

ROOM = BUDGET_SEPTETS - STATE_SEPTETS
HELP = _("Please press a number of the list.")


def test_the_note_is_left_out_where_there_is_no_room_for_it() -> None:
    short = fit(Screen("Où ?", note=HELP), "fr")
    assert short.text == "Tapez un numéro de la liste.\nOù ?"
    long = fit(Screen("é" * (ROOM - 5), note=HELP), "fr")
    assert long.whole
    assert long.text == "é" * (ROOM - 5)


def test_what_does_not_fit_is_cut_and_said_to_be() -> None:
    shown = fit(Screen("x" * 300), "fr")
    assert not shown.whole
    assert septets(shown.text) == ROOM


def test_a_choice_keeps_the_digit_it_has() -> None:
    choices = (Option("pay", _("Pay"), "2"), Option("language", _("Language"), "8"))
    shown = fit(Screen("Keneya", choices=choices), "fr")
    assert shown.text == "Keneya\n2 Payer\n8 Langue / Language"
    assert shown.keys == {"2": "pay", "8": "language"}


def test_a_smaller_network_gets_smaller_pages() -> None:
    choices = tuple(Option(str(nth), f"Village {nth}") for nth in range(9))
    usual = fit(Screen("Où ?", choices=choices), "fr")
    small = fit_for(80)(Screen("Où ?", choices=choices), "fr")
    assert (usual.pages, small.pages) == (1, 3)


@given(
    st.text(max_size=60),
    st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=40),
    st.integers(0, 60),
    st.booleans(),
)
def test_every_page_of_any_list_fits_and_every_choice_has_one_page(
    question: str, labels: list[str], page: int, back: bool
) -> None:
    choices = tuple(Option(str(nth), label) for nth, label in enumerate(labels))
    shown = fit(Screen(question, choices=choices, page=page, back=back), "fr")
    assert is_gsm7(shown.text)
    assert septets(shown.text) <= ROOM
    assert shown.whole
    pages = [fit(Screen(question, choices=choices, page=nth, back=back), "fr") for nth in range(shown.pages)]
    assert [key for each in pages for key in each.keys.values()] == [choice.key for choice in choices]


def test_a_page_has_as_many_choices_as_there_are_digits_even_where_more_would_fit() -> None:
    choices = tuple(Option(letter, letter) for letter in "abcdefghijkl")
    pages = [fit(Screen("?", choices=choices, page=page), "fr") for page in (0, 1)]
    assert [shown.pages for shown in pages] == [2, 2]
    assert ["".join(shown.keys.values()) for shown in pages] == ["abcdefghi", "jkl"]
    assert "98 Suite" in pages[0].text


def test_a_name_longer_than_a_page_is_cut_to_what_fits_beside_the_way_on() -> None:
    choices = (Option("long", "x" * 300), Option("short", "y"))
    shown = fit(Screen("?", choices=choices, back=True), "fr")
    assert shown.whole
    note = "Tapez un numéro :"  # it has room in the place of the question
    assert septets(shown.text.replace("?", note, 1)) == ROOM
    assert "98 Suite" in shown.text
