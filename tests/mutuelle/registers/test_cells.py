"""One cell: everything that people write is read, and what could mean two things is refused."""

from datetime import date

import pytest

from locales import render
from mutuelle.registers import cells
from mutuelle.registers.cells import Birth, Reader, Setting
from mutuelle.registers.columns import FORMS, HOUSEHOLDS
from mutuelle.registers.vocabulary import LANGUAGE_WORDS, ROLE_WORDS, SERVICE_WORDS
from talk.trouble import Invalid

MALI = Setting("ML", date(2026, 11, 22))
services = cells.some_of(SERVICE_WORDS, ("everything",))

READ: list[tuple[Reader, str, object]] = [
    (cells.day, "31/12/2026", date(2026, 12, 31)),
    (cells.day, "1-2-2026", date(2026, 2, 1)),
    (cells.day, "31.12.2026", date(2026, 12, 31)),
    (cells.day, "2026-12-31", date(2026, 12, 31)),
    (cells.day, "2026-12-31 00:00:00", date(2026, 12, 31)),
    (cells.since, "2019", date(2019, 1, 1)),
    (cells.since, "22/11/2026", date(2026, 11, 22)),
    (cells.birth, "1981", Birth(1981, "1981")),
    (cells.birth, "45", Birth(1981, "45 ans")),
    (cells.birth, "45 ans", Birth(1981, "45 ans")),
    (cells.birth, "0", Birth(2026, "0 ans")),
    (cells.birth, "12/05/1981", Birth(1981, "1981")),
    (cells.birth, "1981-05-12", Birth(1981, "1981")),
    (cells.births, "38 12, 7", (Birth(1988, "38 ans"), Birth(2014, "12 ans"), Birth(2019, "7 ans"))),
    (cells.births, "38 ans / 1 an", (Birth(1988, "38 ans"), Birth(2025, "1 ans"))),
    (cells.franc_amount(0, 999_999), "12 000 F", 12_000),
    (cells.franc_amount(0, 999_999), "12.000 FCFA", 12_000),
    (cells.franc_amount(0, 999_999), "12000", 12_000),
    (cells.percent, "50 %", 50),
    (cells.mobile, "76 00 00 01", "+22376000001"),
    (cells.mobile, "+223 76 00 00 01", "+22376000001"),
    (cells.mobile, "00223 76000001", "+22376000001"),
    (cells.mobiles, "76 00 00 01 / 76000002", ("+22376000001", "+22376000002")),
    (cells.mobiles, "76000001, 76 00 00 01", ("+22376000001",)),
    (cells.phone, "20 21 00 00", "+22320210000"),
    (cells.name, "AWA KONÉ", "Awa Koné"),
    (cells.name, "N'Golo Coulibaly-Diarra", "N'Golo Coulibaly-Diarra"),
    (cells.yes_or_no, "Oui", True),
    (cells.yes_or_no, "non", False),
    (cells.one_of(ROLE_WORDS), "Trésorière", "treasurer"),
    (services, "Vaccination / médecine générale", ("vaccination", "general medicine")),
    (services, "tous", ("everything",)),
    (cells.languages(LANGUAGE_WORDS), "bambara, fr, Bambara", ("bm", "fr")),
    (cells.matching("[0-9A-Z/-]+"), "a-14/2023", "A-14/2023"),
    (cells.timezone, "Africa/Bamako", "Africa/Bamako"),
]

REFUSED: list[tuple[Reader, str, str]] = [
    (cells.day, "31/02/2026", "is not a date"),
    (cells.day, "12/31/2026", "is not a date"),
    (cells.day, "31/12/26", "is not a date"),
    (cells.day, "46387", "is not a date"),
    (cells.day, "31/12-2026", "is not a date"),
    (cells.day, "31/12/2926", "is not a date"),
    (cells.since, "2027", "has not come yet"),
    (cells.since, "23/11/2026", "has not come yet"),
    (cells.birth, "116", "no year of birth"),
    (cells.birth, "2027", "no year of birth"),
    (cells.birth, "1899", "no year of birth"),
    (cells.birth, "vieux", "no year of birth"),
    (cells.births, "38 douze", "no year of birth"),
    (cells.franc_amount(0, 999_999), "1 000 000", "must be 0 to 999999"),
    (cells.franc_amount(0, 999_999), "12,5", "type a number"),
    (cells.franc_amount(0, 999_999), "5000.00", "type a number"),
    (cells.franc_amount(0, 999_999), "12.5", "type a number"),
    (cells.franc_amount(0, 999_999), "12 00 F", "type a number"),
    (cells.franc_amount(0, 999_999), "12 €", "type a number"),
    (cells.percent, "150 %", "must be 1 to 100"),
    (cells.mobile, "20 21 00 00", "not a mobile number"),
    (cells.mobile, "7600", "not a phone number"),
    (cells.mobiles, "76000001/76000002/76000003/76000004", "3 phones at most"),
    (cells.name, "Awa Koné 2", "letters only"),
    (cells.name, "Awa (veuve)", "letters only"),
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
    with pytest.raises(Invalid) as fault:
        read(cell, MALI)
    assert why in render(fault.value.sentence, "en")


def test_an_age_stays_the_same_said_a_year_later() -> None:
    later = Setting("ML", date(2027, 3, 1))
    now, then = cells.birth("45", MALI), cells.birth("45", later)
    assert (now.said, now.year) == ("45 ans", 1981)
    assert (then.said, then.year) == ("45 ans", 1982)


def test_no_file_has_one_name_for_two_columns() -> None:
    for form in FORMS:
        names = [
            cells.folded(name) for column in form.columns for name in set(map(cells.folded, column.names))
        ]
        assert len(names) == len(set(names)), form.key
    assert cells.folded("Payé jusqu’au") == cells.folded(HOUSEHOLDS.column("paid_until").shown)


def test_names_become_identifiers() -> None:
    assert cells.slug("Koutiébougou-Sud (quartier)") == "koutiebougou-sud-quartier"
    assert cells.slug("  ") == ""
