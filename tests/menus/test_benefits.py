"""What a member reads of care by SMS: one segment with the longest facts, and nothing left out without a word."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import languages, render
from locales.letters import fold
from menus.benefits import in_one_message, one_by_message
from mutuelle.benefits.quotes import Asked, facts_for
from mutuelle.care.shares import unknown_care
from mutuelle.contributions.standing import standing
from mutuelle.scheme.mutuelles import get_mutuelle
from sms.segments import segments
from talk.layout import longest
from tests.support.benefits import LONGEST_NAMED, LONGEST_RULES, opens_benefits, rule
from tests.support.doctor_desk import calling, covered_household
from tests.support.town import AWA, NOON

OWN = {"W" + one + two: f"{one}{two}" + "W" * 18 for one in "ABCDE" for two in "ABCDEF"} | LONGEST_NAMED
ROOM = 160


async def asked(pool: AsyncEngine) -> list[Asked]:
    """A member who is covered, and a stranger, in a mutuelle with thirty services of its own."""
    household = await covered_household(pool)
    posts = [rule("WWW", "post", copay_minor=999_999, waiting_months=24)]
    own = [rule(code, copay_minor=999_999) for code in OWN if code != "WWW"]
    async with pool.begin() as db:
        await opens_benefits(db, *LONGEST_RULES, *posts, *own, prices={}, named=OWN)
        stands = await standing(db, household, NOON)
        found, mutuelle = await facts_for(db, stands), await get_mutuelle(db, "BEN")
    today = mutuelle.today(NOON)
    return [Asked(mutuelle, found, stands, today), Asked(mutuelle, found, None, today)]


@pytest.mark.parametrize("language", languages())
async def test_each_sms_about_care_is_one_segment_and_says_what_it_leaves_out(
    pool: AsyncEngine, language: str
) -> None:
    caller = calling(AWA, NOON)
    for one in await asked(pool):
        for service in (*one.facts.services_on(one.today), "TRA"):
            forms = one_by_message(one, service)
            words = fold(render(longest(forms, language, ROOM), language))
            assert segments(words) == 1, words
            assert words == fold(render(forms[0], language)) or words.endswith(", 7, 2."), words
        words = fold(render(longest(in_one_message(caller, one), language, ROOM), language))
        assert segments(words) == 1, words
        assert "..." in words
    async with pool.connect() as db:
        assert segments(fold(render(await unknown_care(db, "BEN", language), language))) == 1


async def test_what_is_left_is_told_until_nothing_is_owed_any_more(pool: AsyncEngine) -> None:
    """Not covered any more: the rule is said, and that it counts for who is covered; never for what is not paid."""
    household = await covered_household(pool)
    async with pool.begin() as db:
        await opens_benefits(db)
        late = await standing(db, household, NOON + timedelta(days=900))
        found, mutuelle = await facts_for(db, late), await get_mutuelle(db, "BEN")
    one = Asked(mutuelle, found, late, late.today)
    said = {service: render(one_by_message(one, service)[0], "fr") for service in ("CON", "VAC", "TRA")}
    assert said["CON"].endswith("Valable une fois couvert.")
    assert said["VAC"] == "Vaccination, centre de santé : la mutuelle ne paie pas ce soin ici."
    assert said["TRA"] == "Transport de référé : la mutuelle ne paie pas ce soin."
