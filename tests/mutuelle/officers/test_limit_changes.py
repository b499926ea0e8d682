"""A limit of the mutuelle is changed by two treasurers; the day before keeps its own."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Sentence, languages, render
from locales.letters import fold, septets
from mutuelle.officers.joint_acts import REFUSED, NewJointAct, propose
from mutuelle.officers.limit_changes import LIMIT_CHANGE, decided_limits, limit_change, limits_now
from mutuelle.officers.messages import signature_asked
from mutuelle.scheme.limits import BOUNDS, LABELS, USUAL, limits_of
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.messages_officers import MUTUELLE, NAME
from tests.support.officer_acts import AGREED, answers, broken, calling, templates
from tests.support.officers import FANTA, ISSA, PIN, give_pin, set_limit
from tests.support.town import NOON, found_town


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    return pool


async def proposes_limit(
    pool: AsyncEngine, name: str, value: int, *, at: datetime = NOON, was: int | None = None
) -> Sentence | None:
    async with pool.begin() as db:
        (found,) = [one for one in await limits_now(db, calling(FANTA, at), "BEN") if one.name == name]
        act = limit_change(found, value)
        if was is not None:
            act = NewJointAct(act.kind, act.facts | {"was": was}, act.reason)
        return await propose(
            db, calling(FANTA, at), mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED
        )


async def days_on(pool: AsyncEngine, at: datetime) -> int:
    async with pool.connect() as db:
        return (await limits_of(db, "BEN", at.date())).cash_days


async def refusal(pool: AsyncEngine, name: str, value: int, was: int | None = None) -> str:
    with pytest.raises(RefusedError) as refused:
        await proposes_limit(pool, name, value, was=was)
    return render(refused.value.sentence, "en")


async def test_two_treasurers_change_a_limit_from_that_day_on(town: AsyncEngine) -> None:
    assert await proposes_limit(town, "cash_days", 8) is None
    assert (await templates(town, ISSA))[-1] == "signature asked"
    assert await days_on(town, NOON) == USUAL.cash_days, "one signature changes nothing"
    later = NOON + timedelta(days=2)
    assert await answers(town, at=later) is None
    assert [await days_on(town, later + timedelta(days=nth)) for nth in (-1, 0, 9)] == [5, 8, 8]
    async with town.connect() as db:
        (decided,) = await decided_limits(db, "BEN")
        (now,) = [
            one for one in await limits_now(db, calling(FANTA, later), "BEN") if one.name == "cash_days"
        ]
    assert (decided.who, decided.change.since) == ("Fanta Coulibaly, Issa Dembélé", later.date())
    assert (now.value, now.since) == (8, later.date())
    assert await broken(town) == set()


async def test_a_refused_change_is_none(town: AsyncEngine) -> None:
    await proposes_limit(town, "cash_days", 8)
    await answers(town, answer=REFUSED)
    assert await days_on(town, NOON) == USUAL.cash_days
    assert await broken(town) == set()


async def test_what_makes_no_sense_is_not_proposed(town: AsyncEngine) -> None:
    assert await refusal(town, "cash_days", 0) == "Days of cash in hand: from 1 day to 31 days."
    assert (
        await refusal(town, "cash_held_minor", 100) == "Cash of one collector: from 1 000 F to 9 999 999 F."
    )
    assert await refusal(town, "cash_days", 5) == "This limit is so already."
    assert await refusal(town, "cash_days", 6, was=4) == "This limit has changed since. Please look again."


async def test_a_limit_has_one_open_proposal(town: AsyncEngine) -> None:
    await proposes_limit(town, "cash_days", 8)
    assert "proposed already" in await refusal(town, "cash_days", 9)
    assert await proposes_limit(town, "codes_a_day", 9) is None


async def test_a_limit_that_changed_meanwhile_is_not_signed(town: AsyncEngine) -> None:
    await proposes_limit(town, "cash_days", 8)
    await set_limit(town, "cash_days", 3)
    with pytest.raises(RefusedError, match="changed since"):
        await answers(town)
    assert await days_on(town, NOON) == 3


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", BOUNDS)
def test_every_limit_is_signed_for_in_one_sms(language: str, name: str) -> None:
    most = BOUNDS[name].stop - 1
    facts = {"name": name, "value": most, "was": most - 1, "currency": "XOF"}
    asked = signature_asked(MUTUELLE, NAME, LIMIT_CHANGE.label(facts))
    assert septets(fold(render(asked, language))) <= 160
    assert name in LABELS
