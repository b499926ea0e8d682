"""What doctors type for a check is understood in any spacing, or answered with the right form."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import damm

from mutuelle.care.code_input import CheckParts, care_proof, check_parts, parts_without_word
from talk.answers import Secret, repaired
from talk.trouble import InvalidError

NUMBER, CODE = "101482939", "246813"


def read(typed: str) -> tuple[str, str]:
    parts: CheckParts = check_parts.parse(repaired(typed))
    return parts.number, str(parts.proof)


@pytest.mark.parametrize(
    "typed",
    [
        "101 482 939 246813",
        "101482939246813",
        "101482939 246 813",
        "10 14 82 93 92 46 81 3",
        "101.482.939-246813",
        "1O1 482 939 246813",
        "lOl482939 246813",
        "I01482939,246813",
        "246813 101482939",
        "numéro 101482939 code 246813",
        "n° 101482939/code:246813",
        "101482939code246813",
        "merci de voir 101 482 939, 246813 svp",
        "il est la : 101482939 246813",
        "\u0661\u0660\u0661 482 939 246813",  # Arabic digits
        "１０１482939 246813",  # full width
    ],
)
def test_the_same_request_however_it_is_written(typed: str) -> None:
    assert read(typed) == (NUMBER, CODE)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "bonjour",
        "101482930",
        "24681",
        "101482939 24681",
        "101482939 2468135",
        "101482930 246813",  # a wrong digit
        "101483929 246813",  # two exchanged
        "101482939 246813 246813",
        "il 101482939 24681",
    ],
)
def test_anything_else_is_asked_again_and_nothing_says_which_part_was_wrong(typed: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(typed)
    assert refused.value.sentence.msgid == "Please check each digit."
    assert not refused.value.sentence.facts


@pytest.mark.parametrize(
    ("typed", "proof"),
    [
        (f"{NUMBER} 1981", "1981"),
        ("101 482 939 1981", "1981"),
        ("1014829391981", "1981"),
        ("1981 101482939", "1981"),
        ("1981 101 482 939", "1981"),
        ("101482939 né en 198l", "1981"),
        ("101482939 née en 2O14 svp", "2014"),
        (f"{NUMBER} {CODE} 1981", f"{CODE}1981"),
        ("101 482 939 246 813 1981", f"{CODE}1981"),
        (f"{NUMBER}{CODE}1981", f"{CODE}1981"),
        (f"{CODE} {NUMBER} 1981", f"{CODE}1981"),
        (f"carte {NUMBER} code {CODE} année 1981", f"{CODE}1981"),
        (f"{NUMBER} {CODE} ACC", CODE),
        (f"{NUMBER} 1981 ACC", "1981"),
        (f"{NUMBER} {CODE} 1981 CPN", f"{CODE}1981"),
    ],
)
def test_the_year_of_birth_stands_for_the_code_or_behind_it(typed: str, proof: str) -> None:
    assert read(typed) == (NUMBER, proof)


@pytest.mark.parametrize(
    "typed",
    [f"{NUMBER} 1781", f"{NUMBER} 2468", f"{NUMBER} 81", f"{NUMBER} 1981 {CODE}", f"{NUMBER} {CODE} 3981"],
)
def test_what_is_no_year_of_birth_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidError, match="check each digit"):
        read(typed)


@given(
    st.integers(0, 10**8 - 1),
    st.sampled_from([(3, 3, 3), (9,)]),
    st.lists(
        st.tuples(
            st.integers(0, 10**6 - 1), st.sampled_from(["", "{c}", "{c} {y}", "{y}"]), st.integers(1900, 2099)
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([" ", ", ", "-", " code "]),
)
def test_whatever_is_proven_how_the_first_patient_of_a_message_is_read(
    stem: int, groups: tuple[int, ...], patients: list[tuple[int, str, int]], between: str
) -> None:
    number = f"{stem:08}"
    number += damm.calc_check_digit(number)
    places = [sum(groups[:nth]) for nth in range(len(groups) + 1)]
    shown = " ".join(number[start:end] for start, end in pairwise(places))
    proofs = [form.format(c=f"{code:06}", y=year) for code, form, year in patients]
    proofs[:-1] = [proof or "246813" for proof in proofs[:-1]]  # a number alone only at the end
    read = check_parts.parse(between.join(f"{shown}{between}{proof}".strip(between) for proof in proofs))
    assert (read.number, read.proof or "") == (number, proofs[0].replace(" ", ""))
    assert read.more == (len(proofs) > 1)


def test_where_both_readings_are_a_member_number_the_one_that_was_written_counts() -> None:
    code = next(code for code in (f"{n:06}" for n in range(10**6)) if damm.is_valid(f"{code}{NUMBER[:3]}"))
    assert read(f"{code} {NUMBER}") == read(f"{code} 101 482 939") == (NUMBER, code)
    assert read(f"{NUMBER} {code}") == read(f"101482 939 {code}") == (NUMBER, code)


def test_the_code_is_shown_by_no_repr() -> None:
    parts = check_parts.parse("101482939246813")
    assert CODE not in repr(parts) + str(parts)
    assert isinstance(parts.proof, Secret)


@pytest.mark.parametrize(
    ("typed", "read", "kept"),
    [
        ("101 482 939", (NUMBER, None, False), NUMBER),
        ("le 101482939", (NUMBER, None, False), NUMBER),
        ("246 813", ("", CODE, False), "(code)"),
        (f"{NUMBER} {CODE} 101000000 206813", (NUMBER, CODE, True), f"{NUMBER} (code)"),
        (f"{NUMBER} {CODE} et 101000000", (NUMBER, CODE, True), f"{NUMBER} (code)"),
        (f"{CODE} {NUMBER}, 206813 101000000", (NUMBER, CODE, True), f"{NUMBER} (code)"),
        ("1981", ("", "1981", False), "(code)"),
        (f"{CODE} 1981", ("", f"{CODE}1981", False), "(code)"),
        (f"{NUMBER} 1981 101000000 1990", (NUMBER, "1981", True), f"{NUMBER} (code)"),
        (f"{NUMBER} 1981 et 101000000", (NUMBER, "1981", True), f"{NUMBER} (code)"),
        (f"{NUMBER} {CODE} 101000000 1990", (NUMBER, CODE, True), f"{NUMBER} (code)"),
        (f"{NUMBER} {CODE} 1981 101000000 206813", (NUMBER, f"{CODE}1981", True), f"{NUMBER} (code)"),
        (f"{NUMBER} 1981, 101000000 206813 1990", (NUMBER, "1981", True), f"{NUMBER} (code)"),
        (f"{NUMBER} 201234 101000000 206813", (NUMBER, "201234", True), f"{NUMBER} (code)"),
    ],
)
def test_a_part_alone_and_two_patients(typed: str, read: tuple[str, str | None, bool], kept: str) -> None:
    """`kept`: what a conversation remembers of it, never a code."""
    parts: CheckParts = check_parts.parse(repaired(typed))
    assert (parts.number, parts.proof, parts.more) == read
    assert str(parts) == kept
    assert not check_parts.parse(kept).proof


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        (f"{NUMBER} {CODE}", True),
        (f"Bonjour, patient {NUMBER} code {CODE} merci", True),
        (NUMBER, True),
        ("246 813", True),
        ("2468l3.", True),
        ("code 246813", True),
        ("Numéro : 101 482 939 svp", True),
        ("PAYER 246813", False),
        ("rdv 246813", False),
        ("rappelez le 101482939", False),
        ("70 11 22 33", False),
        ("1000", False),
        ("1981", False),
        ("code 1981", False),
        (f"{NUMBER} 1981", True),
        (f"patient {NUMBER} né en 1981", True),
        (f"{CODE} 1981", False),
    ],
)
def test_a_message_without_a_keyword(body: str, is_read: bool) -> None:
    assert (parts_without_word(body) is not None) is is_read


@pytest.mark.parametrize("typed", ["206813", "206 813", "206-813", "2O68l3"])
def test_a_code_alone(typed: str) -> None:
    assert care_proof.parse(repaired(typed)).proof == Secret("206813")


@pytest.mark.parametrize("typed", ["", "24681", "2468135", "abcdef", "246 813 1"])
def test_what_is_no_code(typed: str) -> None:
    with pytest.raises(InvalidError, match="digits"):
        care_proof.parse(repaired(typed))


@pytest.mark.parametrize(
    ("typed", "service"),
    [
        (f"{NUMBER} {CODE} ACC", "ACC"),
        (f"acc {NUMBER} {CODE}", "ACC"),
        (f"{NUMBER} {CODE} pour mon ami", ""),
        (f"{NUMBER} 1981 accouchement", "ACC"),
        (f"{NUMBER} {CODE} DEL", "ACC"),  # in English
        (f"{NUMBER} {CODE} ACV", "ACV"),  # or it is a mistake in a word of three letters
        (f"{NUMBER} {CODE} medicamants", "MED"),
        (f"{NUMBER} {CODE} ACC LAB", "ACC"),  # two services: the first
        (f"{NUMBER} {CODE} OPH", "OPH"),  # a mutuelle may know it
        (f"Bonjour docteur, patient {NUMBER} code {CODE}, merci", ""),
        (f"{NUMBER} {CODE} Mariam", ""),
        ("lOl.482.939-246813", ""),  # letters that stand for figures
        (f"{NUMBER} {CODE}", ""),
    ],
)
def test_the_care_that_is_named_beside_the_figures(typed: str, service: str) -> None:
    said = check_parts.parse(repaired(typed))
    assert (said.number, said.service) == (NUMBER, service)
    again = check_parts.parse(str(said))  # as the conversation keeps it
    assert (again.number, again.service) == (NUMBER, service)
    assert CODE not in str(said)


def test_the_care_may_come_with_either_part() -> None:
    for first, second in ((NUMBER, f"{CODE} ACC"), (f"{NUMBER} ACC", CODE), (f"{CODE} LAB", NUMBER)):
        both = check_parts.parse(first).with_part(check_parts.parse(second))
        assert (both.number, bool(both.proof), both.service) == (
            NUMBER,
            True,
            "LAB" if "LAB" in first else "ACC",
        )
