"""One cell: everything that people write is read, and what could mean two things is refused."""

from datetime import date

import pytest

from locales import render
from mutuelle.imports import cells, days, figures, phones
from mutuelle.imports.cells import Reader, Setting
from mutuelle.imports.columns import FORMS, HOUSEHOLDS, PRODUCTS
from mutuelle.imports.days import Birth
from mutuelle.imports.vocabulary import LANGUAGE_WORDS, ROLE_WORDS, SERVICE_WORDS
from mutuelle.sheets.faults import UnreadError
from mutuelle.sheets.letters import folded
from talk.trouble import InvalidError

MALI = Setting("ML", date(2026, 11, 22))
SHARE = PRODUCTS.column("partial_cover_threshold_percent").read
services = cells.some_of(SERVICE_WORDS, ("everything",))

FEBRUARY = (
    *(
        "03/02/27",
        "3-févr-27",
        "3 février 2027",
        "3 fév. 2027",
        "2027-02-03",
        "3.2.2027",
        "03 02 2027",
        "03022027",
    ),
    *(
        "20270203",
        "mercredi 3 février 2027",
        "le 3 fevrier 2027",
        "03-Feb-27",
        "February 3, 2027",
        "3 / 2 / 2027",
    ),
    *("03/02/2027 00:00", "2027-02-03T00:00:00.000Z"),
)
TWELVE_THOUSAND = (
    *(
        "12 000,00 F",
        "12.000",
        "12 000 FCFA",
        "12\u00a0000\u00a0F",
        "12\u202f000",
        "12,000",
        "12000.00",
        "12'000",
    ),
    *("12.000,00 CFA", "FCFA 12 000", "12 000 francs CFA", "12OOO", "12 000 XOF", "12 000.- frs"),
)
ONE_PHONE = (
    *(
        "+22376000001",
        "+223 76 00 00 01",
        "0022376000001",
        "00 223 76 00 00 01",
        "223 76000001",
        "76.00.00.01",
    ),
    *("76-00-00-01", "(+223) 76 00 00 01", "'76000001", "76000001.0", "76 OO OO O1", "tél. 76000001"),
)
TWO_PHONES = (
    *("76 00 00 01 / 76000002", "76000001;76000002", "76000001, 76000002", "76000001 et 76000002"),
    *("+223 76 00 00 01 +223 76 00 00 02", "+22376000001+22376000002", "76 00 00 01 + 76 00 00 02"),
    *(
        "76 00 00 01 76 00 00 02",
        "76000001 76000002",
        "76 00 00 01 - 76 00 00 02",
        "76000001 ou +22376000002",
    ),
)
READ: list[tuple[Reader, str, object]] = [
    (days.day, "31/12/2026", date(2026, 12, 31)),
    (days.day, "1-2-2026", date(2026, 2, 1)),
    (days.day, "31.12.2026", date(2026, 12, 31)),
    (days.day, "2026-12-31", date(2026, 12, 31)),
    (days.day, "2026-12-31 00:00:00", date(2026, 12, 31)),
    *((days.day, written, date(2027, 2, 3)) for written in FEBRUARY),
    (days.day, "31/12-2026", date(2026, 12, 31)),
    (days.day, "31/12/26", date(2026, 12, 31)),
    (days.since, "12/05/85", date(1985, 5, 12)),
    (days.since, "mars 2019", date(2019, 3, 1)),
    (days.since, "03/2019", date(2019, 3, 1)),
    (days.since, "2019", date(2019, 1, 1)),
    (days.since, "22/11/2026", date(2026, 11, 22)),
    (days.birth, "1981", Birth(1981, "1981")),
    (days.birth, "45", Birth(1981, "45 ans")),
    (days.birth, "45 ans", Birth(1981, "45 ans")),
    (days.birth, "0", Birth(2026, "0 ans")),
    (days.birth, "12/05/1981", Birth(1981, "1981")),
    (days.birth, "1981-05-12", Birth(1981, "1981")),
    (days.birth, "12/05/81", Birth(1981, "1981")),
    (days.birth, "12/05/20", Birth(2020, "2020")),
    (days.birth, "née en 1981", Birth(1981, "1981")),
    (days.birth, "vers 1960", Birth(1960, "1960")),
    (days.birth, "45.0", Birth(1981, "45 ans")),
    (days.birth, "3 mois", Birth(2026, "3 mois")),
    (days.birth, "18 mois", Birth(2025, "18 mois")),
    (days.birth, "1 an et demi", Birth(2025, "18 mois")),
    (days.birth, "6 semaines", Birth(2026, "6 semaines")),
    (days.birth, "bébé", Birth(2026, "0 ans")),
    (days.birth, "Nouveau-né", Birth(2026, "0 ans")),
    (days.births, "38,12", (Birth(1988, "38 ans"), Birth(2014, "12 ans"))),
    (days.births, "45 38 0,5", (Birth(1981, "45 ans"), Birth(1988, "38 ans"), Birth(2026, "6 mois"))),
    (
        days.births,
        "12 ans, 3 mois et bébé",
        (Birth(2014, "12 ans"), Birth(2026, "3 mois"), Birth(2026, "0 ans")),
    ),
    (days.births, "38 12, 7", (Birth(1988, "38 ans"), Birth(2014, "12 ans"), Birth(2019, "7 ans"))),
    (days.births, "38 ans / 1 an", (Birth(1988, "38 ans"), Birth(2025, "1 ans"))),
    (figures.franc_amount(0, 999_999), "12 000 F", 12_000),
    (figures.franc_amount(0, 999_999), "12.000 FCFA", 12_000),
    (figures.franc_amount(0, 999_999), "12000", 12_000),
    *((figures.franc_amount(0, 999_999), written, 12_000) for written in TWELVE_THOUSAND),
    (SHARE, "50 %", 50),
    (SHARE, "50,0 pour cent", 50),
    (figures.months(0, 36), "3 mois", 3),
    (figures.months(0, 36), "1 an", 12),
    (figures.whole(0, 30, "ans?"), "18 ans", 18),
    (phones.mobile, "76 00 00 01", "+22376000001"),
    (phones.mobile, "+223 76 00 00 01", "+22376000001"),
    (phones.mobile, "00223 76000001", "+22376000001"),
    *((phones.mobiles, written, ("+22376000001",)) for written in ONE_PHONE),
    *((phones.mobiles, written, ("+22376000001", "+22376000002")) for written in TWO_PHONES),
    (phones.mobiles, "76000001, 76 00 00 01", ("+22376000001",)),
    (phones.mobile, "Tél : 76.00.00.01", "+22376000001"),
    (phones.phone, "20 21 00 00", "+22320210000"),
    (cells.name, "AWA KONÉ", "Awa Koné"),
    (cells.name, "N'Golo Coulibaly-Diarra", "N'Golo Coulibaly-Diarra"),
    (cells.name, "KONE Awa (veuve)", "KONE Awa"),
    (cells.name, "Koné, Awa", "Awa Koné"),
    (cells.name, "Koné, Awa Mariam (Mme)", "Awa Mariam Koné"),
    (cells.name, "KONE Awa, veuve", "KONE Awa"),
    (cells.name, "N`Golo Diarra ", "N'Golo Diarra"),
    (cells.yes_or_no, "Oui", True),
    (cells.yes_or_no, "non", False),
    (cells.one_of(ROLE_WORDS), "Trésorière", "treasurer"),
    (services, "Vaccination / médecine générale", ("vaccination", "general medicine")),
    (services, "tous", ("everything",)),
    (cells.languages(LANGUAGE_WORDS), "bambara, fr, Bambara", ("bm", "fr")),
    (cells.matching("[0-9A-Z/-]+"), "a-14/2023", "A-14/2023"),
    *((figures.register_number, written, "A-14") for written in ("A 14", "a-14", "A14", "A-014", "N° A 14")),
    *((figures.register_number, written, "1") for written in ("1", "001", "n°1", "No 1", "1.0", "#1")),
    (figures.register_number, "2023/014", "2023/14"),
    (figures.register_number, "14 bis", "14-BIS"),
    (cells.timezone, "Africa/Bamako", "Africa/Bamako"),
]

TWO_OR_ONE = ("0,5", "38 12,7", "38, 12,5", "12 ans 3 mois", "12 ans et 3 mois", "12/05/2016")
REFUSED: list[tuple[Reader, str, str]] = [
    (days.day, "31/02/2026", "is not a date"),
    (days.day, "12/31/2026", "is not a date"),
    (days.day, "46387", "as spreadsheets count it (31/12/2026?)"),
    (days.day, "31/12/2926", "is not a date"),
    (days.day, "juin 2027", "is not a date"),
    (days.day, "3 jui 2027", "is not a date"),
    (days.since, "2027", "has not come yet"),
    (days.since, "23/11/2026", "has not come yet"),
    (days.birth, "116", "no year of birth"),
    (days.birth, "2027", "no year of birth"),
    (days.birth, "1899", "no year of birth"),
    (days.birth, "vieux", "no year of birth"),
    (days.births, "38 douze", "no year of birth"),
    *((days.births, written, "in two ways") for written in TWO_OR_ONE),
    (figures.franc_amount(0, 999_999), "1 000 000", "must be 0 to 999999"),
    (figures.franc_amount(0, 999_999), "12,5", "not a number"),
    (figures.franc_amount(0, 999_999), "12.5", "not a number"),
    (figures.franc_amount(0, 999_999), "12 00 F", "not a number"),
    (figures.franc_amount(0, 999_999), "12 €", "not a number"),
    (SHARE, "150 %", "must be 1 to 100"),
    (phones.mobile, "20 21 00 00", "not a mobile number"),
    (phones.mobile, "7600", "not a phone number"),
    (phones.mobiles, "76000001/76000002/76000003/76000004", "3 phones at most"),
    (cells.name, "Awa Koné 2", "letters only"),
    (cells.name, "Awa (dite Mama)", "letters only"),
    (cells.name, "Awa Koné, Moussa Koné", "letters only"),
    (figures.franc_amount(0, 999_999), "12 000,000", "not a number"),
    (phones.mobiles, "2,2376E+10", "has shortened this number"),
    (phones.mobiles, "76 00 00 01 76 00", "not a phone number"),
    (figures.register_number, "1 234", "not a number of the register"),
    (cells.name, "A", "in letters"),
    (cells.name, "Abdoulaye Boubacar Coulibaly Diarra", "too long"),
    (cells.words(2, 12), "Une grande famille", "From 2 to 12 letters"),
    (cells.one_of(ROLE_WORDS), "président", "is not one of: trésorier, collecteur, agent d'inscription."),
    (services, "dentiste", "is not one of"),
    (cells.languages(LANGUAGE_WORDS), "martien", "is not one of"),
    (cells.yes_or_no, "peut-être", "is not one of"),
    (cells.matching("[0-9A-Z/-]+"), "n°14", "cannot stand here"),
    (cells.timezone, "Bamako", "is not a time zone"),
]


@pytest.mark.parametrize(("read", "cell", "meant"), READ, ids=[cell for _read, cell, _meant in READ])
def test_what_people_write_is_read(read: Reader, cell: str, meant: object) -> None:
    assert read(cell, MALI) == meant


@pytest.mark.parametrize(("read", "cell", "why"), REFUSED, ids=[cell for _read, cell, _why in REFUSED])
def test_what_could_be_something_else_is_refused(read: Reader, cell: str, why: str) -> None:
    with pytest.raises(InvalidError) as fault:
        read(cell, MALI)
    assert why in render(fault.value.sentence, "en")


@pytest.mark.parametrize(
    ("read", "cell", "letter"),
    [
        (phones.mobiles, "76 00 00 01 (fils)", "f"),
        (phones.mobile, "76 00 00 0x", "x"),
        (figures.franc_amount(0, 999_999), "12 €", "€"),
        (figures.franc_amount(0, 999_999), "12,5", ","),
        (days.day, "31/12/2026 ?", "?"),
        (days.birth, "45*", "*"),
        (cells.name, "Awa Koné 2", "2"),
        (figures.register_number, "14 (a)", "("),
    ],
)
def test_the_letter_that_cannot_stand_there_is_named(read: Reader, cell: str, letter: str) -> None:
    with pytest.raises(UnreadError) as fault:
        read(cell, MALI)
    assert fault.value.letter == letter


def test_figures_that_are_two_pairs_of_phones_are_refused() -> None:
    austria = Setting("AT", date(2026, 11, 22))  # where mobile numbers are of several lengths
    with pytest.raises(UnreadError) as fault:
        phones.mobiles("6641 2345 6 664 1 23 4", austria)
    assert "can be read in two ways" in render(fault.value.sentence, "en")


def test_what_is_left_out_of_a_name_is_counted() -> None:
    mali = Setting("ML", date(2026, 11, 22))
    for cell in ("Awa Koné (veuve)", "Fanta Koné (Veuve)", "Oumar Diarra, chef de ménage", "Issa Ba"):
        cells.name(cell, mali)
    assert mali.left_out == {"veuve": 2, "chef de menage": 1}


def test_an_age_stays_the_same_said_a_year_later() -> None:
    later = Setting("ML", date(2027, 3, 1))
    now, then = days.birth("45", MALI), days.birth("45", later)
    assert (now.said, now.year) == ("45 ans", 1981)
    assert (then.said, then.year) == ("45 ans", 1982)


def test_no_file_has_one_name_for_two_columns() -> None:
    for form in FORMS:
        names = [folded(name) for column in form.columns for name in set(map(folded, column.names))]
        assert len(names) == len(set(names)), form.key
    assert folded("Payé jusqu’au") == folded(HOUSEHOLDS.column("paid_until").shown)


def test_names_become_identifiers() -> None:
    assert cells.slug("Koutiébougou-Sud (quartier)") == "koutiebougou-sud-quartier"
    assert cells.slug("  ") == ""
