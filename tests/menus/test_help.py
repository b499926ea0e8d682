"""Help by SMS names words that open what they say, for members, for each office, and for strangers."""

import re

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import languages, render
from menus.by_message import menus_by_message
from menus.help import at_work
from mutuelle.benefits.services import short_word
from mutuelle.officers.roles import Role
from sms.keywords import Phrasebook
from sms.segments import segments
from tests.support.officers import appoint
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, found_town, join

BOOK = Phrasebook(menus_by_message())


async def test_members_officers_and_strangers_are_helped_each_with_their_own(
    pool: AsyncEngine, clock: Clock
) -> None:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    await appoint(pool, MARIAM, Role.TREASURER, name="Mariam Traoré", pin=None, at=NOON)
    deps = sms_deps(pool, clock)
    member, treasurer, stranger = [
        await Writer(deps, phone=phone).send("aide" if phone != OUMAR else "?")
        for phone in (AWA, MARIAM, OUMAR)
    ]
    assert "FAMILLE" in member
    assert "BILAN" not in member
    assert "BILAN" in treasurer
    assert "ADHERER" in stranger
    for words in (member, treasurer, stranger):
        assert segments(words) == 1
        assert [word for word in re.findall(r"\b[A-Z]{2,}\b", words) if BOOK.read(word) is None] == []


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("role", [Role.DOCTOR, Role.TREASURER, Role.ENROLMENT])
def test_the_words_of_an_office_open_it(role: Role, language: str) -> None:
    sentence = at_work({role}, language)
    assert sentence is not None
    words = re.findall(r"\b[A-Z]{2,}\b", render(sentence, language))
    assert words
    care = short_word("ACC", language)  # an example behind a keyword
    assert [word for word in words if word != care and BOOK.read(word) is None] == []
