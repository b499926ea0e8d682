"""The directory of care: who can be seen where, and what it never tells."""

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.care.directory import place_in_words, places_called, places_of_care, practices_at
from mutuelle.care.words import LANGUAGES, SERVICES, language_word
from mutuelle.founding.rules import SERVICES as CLOSED_LIST
from mutuelle.scheme.mutuelles import Place
from talk.trouble import InvalidError
from tests.support.clinic import DR_ROKIA, contract, open_facility
from tests.support.town import found

TODAY = date(2026, 11, 22)
BANDIAGALA = Place("BEN", "v1", "Bandiagala")


@pytest.fixture
async def care(db: AsyncConnection) -> AsyncConnection:
    """Two facilities in one village, a third in another; one doctor."""
    await found(db)
    await open_facility(db)
    await open_facility(db, facility="poste", name="Poste Nyèta", hours="lun-ven 8h-15h")
    await open_facility(db, facility="hopital", name="Hôpital Jigiya", place="v3", hours="jour et nuit")
    await contract(db)
    return db


async def test_only_places_with_a_facility_are_listed_by_name(care: AsyncConnection) -> None:
    assert [place.name for place in await places_of_care(care, ["BEN"])] == ["Bandiagala", "Niéna-Sud"]


async def test_another_mutuelle_has_places_of_its_own(care: AsyncConnection) -> None:
    await found(care, code="ZAN", prefix=198)
    assert await places_of_care(care, ["ZAN"]) == []


async def test_doctors_come_before_facilities_that_have_none(care: AsyncConnection) -> None:
    rokia, poste = await practices_at(care, BANDIAGALA, TODAY)
    assert (rokia.doctor, rokia.facility, rokia.hours, rokia.languages) == (
        "Dr Rokia Berthé",
        "CSCom Hèrè",
        "lun-sam 8h-17h",
        ("bm", "fr"),
    )
    assert (poste.doctor, poste.doctor_phone, poste.label) == ("", "", "Poste Nyèta")


async def test_the_phone_is_the_facilitys_never_the_doctors_own(care: AsyncConnection) -> None:
    rokia = (await practices_at(care, BANDIAGALA, TODAY))[0]
    assert rokia.doctor_phone == DR_ROKIA
    assert rokia.phone == "76 00 00 31"


@pytest.mark.parametrize(("days", "listed"), [(-1, False), (0, True), (400, True)])
async def test_a_doctor_is_listed_from_the_first_day_of_the_contract(
    care: AsyncConnection, days: int, listed: bool
) -> None:
    await contract(care, "+22376000029", "Dr Issa Ko", facility="hopital", on=TODAY - timedelta(days=days))
    doctors = [p.doctor for p in await practices_at(care, Place("BEN", "v3", "Niéna-Sud"), TODAY)]
    assert ("Dr Issa Ko" in doctors) is listed


@pytest.mark.parametrize(("days", "listed"), [(-1, False), (0, True), (1, True)])
async def test_a_doctor_is_listed_to_the_last_day_of_the_contract(
    care: AsyncConnection, days: int, listed: bool
) -> None:
    until = TODAY + timedelta(days=days)
    await contract(care, "+22376000029", "Dr Issa Ko", facility="hopital", until=until)
    found_there = await practices_at(care, Place("BEN", "v3", "Niéna-Sud"), TODAY)
    assert ("Dr Issa Ko" in [p.doctor for p in found_there]) is listed
    assert "Hôpital Jigiya" in [p.facility for p in found_there]


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("niéna", ["Niéna-Sud"]),
        ("NIENA SUD", ["Niéna-Sud"]),
        ("sud", ["Niéna-Sud"]),
        ("bandiagalla", ["Bandiagala"]),
        ("andiagala", ["Bandiagala"]),
        ("ena", []),
        ("Tombouctou", []),
        ("Koutiébougou", []),  # served, but without a facility
    ],
)
async def test_a_place_is_found_as_people_write_it(
    care: AsyncConnection, typed: str, named: list[str]
) -> None:
    found_places = places_called(await places_of_care(care, ["BEN"]), place_in_words.parse(typed))
    assert [place.name for place in found_places] == named


@pytest.mark.parametrize("typed", ["", "7", "x", "12 34"])
def test_what_is_no_place_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidError):
        place_in_words.parse(typed)


def test_every_service_of_the_charter_has_its_words() -> None:
    assert set(SERVICES) == set(CLOSED_LIST)


def test_a_language_without_words_is_shown_by_its_code() -> None:
    assert language_word("bm") == LANGUAGES["bm"]
    assert language_word("xyz") == "XYZ"
