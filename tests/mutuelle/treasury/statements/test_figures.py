"""What the cells of a portal are taken for, and which are refused."""

from datetime import UTC, date, datetime

import pytest

from mutuelle.treasury.statements.figures import amount, moment, payer_phone
from mutuelle.treasury.statements.numbers import numbers_in, references_in
from talk.trouble import InvalidError

NUMBER = "101000101"  # valid, of the mutuelle with prefix 101
OTHER = "101023006"
AMOUNTS = {
    "12000": 12_000,
    "12 000": 12_000,
    "12\u202f000,00 FCFA": 12_000,
    "12 000,00": 12_000,
    "12,000.00": 12_000,
    "12.000,00": 12_000,
    "12,000": 12_000,
    "12.000": 12_000,
    "1.234.567": 1_234_567,
    "1'234'567": 1_234_567,
    "1,234,567.0": 1_234_567,
    "1500.0000": 1_500,
    "1500.00": 1_500,
    "5000.000": 5_000,
    "12000F": 12_000,
    "XOF 12,000": 12_000,
    "F CFA 500": 500,
    "+500": 500,
    "-500": -500,
    "−500": -500,
    "-12 000,00 F": -12_000,
    "(500)": -500,
    "500-": -500,
    "0": 0,
}
NO_AMOUNTS = [
    "",
    "F",
    "cinq mille",
    "12 000,50",
    "1.5",
    "12 00",
    "1,23",
    "1,2,3",
    "12.00.000",
    "5000 6000",
    "5e3",
    "--",
]
BAMAKO, LAGOS = "Africa/Bamako", "Africa/Lagos"
MOMENTS = {
    "2026-03-15": (date(2026, 3, 15), None),
    "15/03/2026": (date(2026, 3, 15), None),
    "15.03.26": (date(2026, 3, 15), None),
    "15-Mar-2026": (date(2026, 3, 15), None),
    "15 mars 2026": (date(2026, 3, 15), None),
    "20260315": (date(2026, 3, 15), None),
    "15/03/2026 14:05": (date(2026, 3, 15), datetime(2026, 3, 15, 14, 5, tzinfo=UTC)),
    "15/03/2026 14h05": (date(2026, 3, 15), datetime(2026, 3, 15, 14, 5, tzinfo=UTC)),
    "15/03/2026 à 14:05": (date(2026, 3, 15), datetime(2026, 3, 15, 14, 5, tzinfo=UTC)),
    "15/03/2026 02:05:09 PM": (date(2026, 3, 15), datetime(2026, 3, 15, 14, 5, 9, tzinfo=UTC)),
    "2026-03-15T14:05:00Z": (date(2026, 3, 15), datetime(2026, 3, 15, 14, 5, tzinfo=UTC)),
    "2026-03-15T14:05:00.123+02:00": (date(2026, 3, 15), datetime(2026, 3, 15, 12, 5, tzinfo=UTC)),
    "20260315140509": (date(2026, 3, 15), datetime(2026, 3, 15, 14, 5, 9, tzinfo=UTC)),
}
NO_MOMENTS = [
    "",
    "hier",
    "31/02/2026",
    "03/15/2026",
    "15/03",
    "45366",
    "2026-03-15T25:00:00Z",
    "15 blabla 2026",
]
NOTES = {
    "101000101": {NUMBER},
    "101 000 101": {NUMBER},
    "101.000.101": {NUMBER},
    "101-000-101": {NUMBER},
    "101/000/101": {NUMBER},
    "101–000–101": {NUMBER},
    "101*000*101": {NUMBER},
    "(101 - 000 - 101)": {NUMBER},
    "101\xa0000\u202f101": {NUMBER},
    "N:101000101F": {NUMBER},
    "le 30/11/2026: 101000101": {NUMBER},
    "1 0 1 0 0 0 1 0 1": {NUMBER},
    "N°101000101": {NUMBER},
    "num 101000101 merci": {NUMBER},
    "SIK101000101": {NUMBER},
    "cotisation2026 101000101": {NUMBER},
    "cotisation 2026 101 000 101": {NUMBER},
    "101000101, 15 000 F": {NUMBER},
    "15 000 101 000 101": {NUMBER},
    "1O1OOO1O1": {NUMBER},
    "101 OOO 101": {NUMBER},
    "l0l000l0l": {NUMBER},
    "I01000I01": {NUMBER},
    "no101000101": {NUMBER},
    "１０１０００１０１": {NUMBER},
    f"pour {NUMBER} et {OTHER}": {NUMBER, OTHER},
    "101000102": set(),  # the last digit is wrong
    "100100101": set(),  # two digits are exchanged
    "1010001011": set(),  # ten digits
    "22370000001": set(),
    "+223 70 00 01 01": set(),
    "199000010": set(),  # of another mutuelle
    "TX 998101000101334": set(),
    "3f2b1c1e-9d55-4a0e-8b1a-101000101abc": set(),
    "": set(),
}


@pytest.mark.parametrize("cell", AMOUNTS)
def test_an_amount_is_read_as_portals_write_it(cell: str) -> None:
    assert amount(cell, "XOF") == AMOUNTS[cell]


@pytest.mark.parametrize("cell", NO_AMOUNTS)
def test_what_could_be_two_amounts_is_none(cell: str) -> None:
    with pytest.raises(InvalidError):
        amount(cell, "XOF")


@pytest.mark.parametrize("cell", ["12 EUR", "1 500 FG", "USD 20"])
def test_an_amount_of_another_currency_is_none(cell: str) -> None:
    with pytest.raises(InvalidError):
        amount(cell, "XOF")


def test_a_form_may_say_which_mark_is_before_parts_of_a_unit() -> None:
    assert amount("150.000", "XOF", ".") == 150
    assert amount("1,500.00", "XOF", ".") == 1_500
    assert amount("150.25", "CDF", ".") == 15_025


@pytest.mark.parametrize("cell", MOMENTS)
def test_a_moment_is_read_as_portals_write_it(cell: str) -> None:
    assert moment(cell, BAMAKO) == MOMENTS[cell]


@pytest.mark.parametrize("cell", NO_MOMENTS)
def test_what_is_no_day_is_refused(cell: str) -> None:
    with pytest.raises(InvalidError):
        moment(cell, BAMAKO)


def test_the_day_is_that_of_the_mutuelle() -> None:
    assert moment("2026-03-15T23:30:00Z", LAGOS)[0] == date(2026, 3, 16)
    assert moment("15/03/2026 23:30", LAGOS)[0] == date(2026, 3, 15)


@pytest.mark.parametrize(
    ("cell", "phone"),
    [
        ("22370000001", "+22370000001"),
        ("+223 70 00 00 01", "+22370000001"),
        ("0022370000001", "+22370000001"),
        ("70000001", "+22370000001"),
        ("22890112233", "+22890112233"),
        ("MSISDN: 22370000001", "+22370000001"),
        ("22370****01", None),
        ("Awa Koné", None),
        ("AWA KONE 3", None),
    ],
)
def test_a_payer_is_a_phone_or_nobody(cell: str, phone: str | None) -> None:
    assert payer_phone(cell, "ML") == phone


@pytest.mark.parametrize("note", NOTES)
def test_member_numbers_are_found_as_people_write_them(note: str) -> None:
    assert numbers_in(note, 101) == NOTES[note]


def test_our_references_are_found_with_and_without_their_dashes() -> None:
    ours = "3f2b1c1e-9d55-4a0e-8b1a-2f6f0c3d9a11"
    assert [str(one) for one in references_in(f"ref {ours.upper()}; {ours.replace('-', '')}")] == [ours]
