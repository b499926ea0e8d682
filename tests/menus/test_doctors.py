"""Finding a doctor where there are many: walked in full, with the longest facts; and by SMS."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import languages
from menus.doctors import FEW, doctors, doctors_by_message, where
from mutuelle.care.referents import Referent
from mutuelle.scheme.mutuelles import Place
from talk.questions import screen_of
from talk.screen import View
from talk.words import Caller, Choose, choose
from tests.menus.test_walker import COVERED, STRANGER, Walk, Watch, world
from tests.support.clinic import DR_ROKIA, contract, open_facility
from tests.support.town import NOON
from ussd.screens import fit_for

__all__ = ["world"]  # the fixture
LETTERS = "ABCDEFGH"


@dataclass
class WalkOf(Walk):
    """The walk of one menu alone."""

    menu: Any = doctors

    def _watched(self, caller: Caller) -> Any:
        return Watch(self.menu(caller), self)


@pytest.fixture
async def city(world: AsyncEngine) -> AsyncEngine:
    """So many doctors in one place that they are asked for by language or service."""
    async with world.begin() as db:
        for nth, letter in enumerate(LETTERS[:FEW]):
            await contract(
                db,
                f"+2237600027{nth}",
                f"Dr {letter}-Fatoumata Sangaré-Dembélé"[:30],
                languages=("bm", "sef") if nth else ("xyz",),
            )
        await open_facility(db, facility="poste", name="Poste", services=("ante- and post-natal visits",))
    return world


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [STRANGER, COVERED])
async def test_every_way_to_a_doctor_fits_and_ends(city: AsyncEngine, phone: str, language: str) -> None:
    walk = WalkOf(city, Caller(phone, language, "test", "walk", NOON))
    await walk.everywhere()
    assert {
        "Many doctors here. How do you choose?",
        "Which language?",
        "Which care?",
    } <= walk.asked
    assert walk.acted == walk.agreed
    assert bool(walk.acted) is (phone == COVERED)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("in_office", [True, False])
@pytest.mark.parametrize("count", [1, 5, 11])
def test_the_households_doctor_stands_above_every_list_of_places(
    count: int, in_office: bool, language: str
) -> None:
    chosen = Referent(
        DR_ROKIA, "Dr Souleymane-Issa Dembélé-Bah", "Hôpital", "+2290197123456", in_office=in_office
    )
    places = [Place("BEN", f"v{nth}", f"Kouroubarrage-Zangasso {nth}"[:24]) for nth in range(count)]
    question = choose(where(chosen), places)
    assert isinstance(question, Choose)
    for page in range(-1 if count > 9 else 0, count):
        shown = fit_for()(screen_of(question, View(page=page), back=True), language)
        assert shown.whole, shown.text
        assert "Dembélé-Bah" in shown.text


async def test_by_language_only_those_who_speak_it_are_left(city: AsyncEngine) -> None:
    walk = WalkOf(city, Caller(STRANGER, "en", "test", "walk", NOON))
    await walk.dial("1", "1")
    speakers = (await walk.dial("1", "1", "4")).shown.text
    assert speakers.startswith("Dr A-Fatoumata")  # one speaks XYZ: shown at once


async def test_by_service_a_facility_without_a_doctor_is_shown_too(city: AsyncEngine) -> None:
    walk = WalkOf(city, Caller(STRANGER, "en", "test", "walk", NOON))
    assert "pregnancy" in (await walk.dial("1", "2")).shown.text
    assert (await walk.dial("1", "2", "3")).shown.text.startswith("Poste. Open:")


@pytest.mark.parametrize("language", languages())
async def test_by_message_a_place_is_named_first(city: AsyncEngine, language: str) -> None:
    walk = WalkOf(city, Caller(COVERED, language, "test", "walk", NOON), menu=doctors_by_message)
    none = await walk.dial("tombouctou")
    assert "Kouroubarrage-Zangasso 1" in none.shown.text, "the places that can be named"
    assert (await walk.dial("tombouctou", "tombouctou")).shown.end
    several = await walk.dial("kourou")
    assert not several.shown.end
