"""Two treasurers give and withdraw a role: never one alone, never about oneself, never too late."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.officers.colleagues import allow_colleague_pin
from mutuelle.officers.joint_acts import LAPSED, REFUSED, acts_to_sign
from mutuelle.officers.pins import WRONG
from mutuelle.officers.role_changes import WITHDRAW
from mutuelle.officers.roles import Role
from mutuelle.officers.tables import joint_act, role_change
from mutuelle.tables import doctor
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.officer_acts import answers, broken, calling, proposes, roles_of, templates
from tests.support.officers import DOCTOR, FANTA, ISSA, MODIBO, OUMOU, PIN, appoint, give_pin
from tests.support.town import NOON, found_town


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """The usual town; its two treasurers have the PIN of the tests."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    return pool


async def refusal(work: Awaitable[object]) -> str:
    """The English of the sentence with which `work` is refused."""
    with pytest.raises(RefusedError) as refused:
        await work
    return refused.value.sentence.msgid


async def test_one_proposes_another_approves_and_the_person_is_told(town: AsyncEngine) -> None:
    assert await proposes(town) is None
    assert await roles_of(town, OUMOU) == []
    assert await templates(town, ISSA) == ["signature asked"]
    assert await templates(town, FANTA) == []
    assert await answers(town) is None
    assert await roles_of(town, OUMOU) == [Role.COLLECTOR]
    assert await templates(town, OUMOU) == ["role given"]
    async with town.connect() as db:
        change = (await db.execute(select(role_change).where(role_change.c.phone == OUMOU))).one()
        assert (change.what, change.actor) == ("given", "two treasurers")
        assert change.act == await db.scalar(select(joint_act.c.id))
    assert await broken(town) == set()


async def test_a_doctor_is_given_with_facility_and_languages(town: AsyncEngine) -> None:
    given = partial(proposes, town, role=Role.DOCTOR, phone=DOCTOR, name="Dr Rokia Bah")
    await given(facility_id="cscom", languages=("fr", "bm"))
    await answers(town)
    async with town.connect() as db:
        row = (await db.execute(select(doctor).where(doctor.c.phone == DOCTOR))).one()
    assert (row.facility_id, row.languages, row.until) == ("cscom", ["fr", "bm"], None)
    await given(what=WITHDRAW)
    await answers(town)
    assert await roles_of(town, DOCTOR) == []
    await given(facility_id="cscom", languages=("fr",))
    await answers(town)
    assert await roles_of(town, DOCTOR) == [Role.DOCTOR]
    assert await broken(town) == set()


async def test_a_withdrawn_office_ends_at_once_and_what_was_open_in_it_is_refused(town: AsyncEngine) -> None:
    await appoint(town, MODIBO, Role.TREASURER, name="Modibo Keïta")
    await proposes(town, by=MODIBO)
    await proposes(town, what=WITHDRAW, role=Role.TREASURER, phone=MODIBO, name="Modibo Keïta")
    async with town.connect() as db:
        both = {p.facts["phone"]: p.id for p in await acts_to_sign(db, calling(ISSA), "BEN")}
    await answers(town, proposal=both[MODIBO])
    assert await roles_of(town, MODIBO) == []
    said = await refusal(proposes(town, by=MODIBO, phone=DOCTOR))
    assert said.startswith("This office is no longer yours")
    assert await answers(town, proposal=both[OUMOU]) == LAPSED
    assert (await templates(town, MODIBO))[-1] == "signature refused"
    assert (await refusal(answers(town, proposal=both[OUMOU]))).startswith("This proposal was answered")
    assert await roles_of(town, OUMOU) == []
    assert await broken(town) == set()


async def test_a_refusal_is_told_and_gives_nothing(town: AsyncEngine) -> None:
    await proposes(town)
    assert await answers(town, answer=REFUSED) is None
    assert await roles_of(town, OUMOU) == []
    assert await templates(town, FANTA) == ["signature refused"]
    assert await broken(town) == set()


async def test_nobody_approves_her_own_proposal(town: AsyncEngine) -> None:
    await proposes(town)
    async with town.connect() as db:
        assert await acts_to_sign(db, calling(FANTA), "BEN") == []
        (found,) = await acts_to_sign(db, calling(ISSA), "BEN")
    assert (await refusal(answers(town, by=FANTA, proposal=found.id))).startswith("Another treasurer")


async def test_nor_the_same_person_with_a_second_phone(town: AsyncEngine) -> None:
    await appoint(town, MODIBO, Role.TREASURER, name="fanta coulibaly")
    await proposes(town)
    assert (await refusal(answers(town, by=MODIBO))).startswith("Another treasurer")


async def test_nobody_approves_what_is_about_herself(town: AsyncEngine) -> None:
    await appoint(town, MODIBO, Role.TREASURER, name="Modibo Keïta")
    await proposes(town, what=WITHDRAW, role=Role.TREASURER, phone=ISSA, name="Issa Dembélé")
    async with town.connect() as db:
        assert await acts_to_sign(db, calling(ISSA), "BEN") == []
        (found,) = await acts_to_sign(db, calling(MODIBO), "BEN")
    assert (await refusal(answers(town, by=ISSA, proposal=found.id))).startswith("Nobody answers")
    assert (await refusal(proposes(town, phone=FANTA))).startswith("Nobody proposes a role for herself")


async def test_of_two_treasurers_one_cannot_remove_the_other_but_may_leave(town: AsyncEngine) -> None:
    leaves = partial(proposes, town, what=WITHDRAW, role=Role.TREASURER)
    said = await refusal(leaves(phone=ISSA, name="Issa Dembélé"))
    assert said.startswith("It takes another treasurer")
    assert await leaves(phone=FANTA, name="Fanta Coulibaly") is None
    assert await answers(town) is None
    assert (await roles_of(town, FANTA), await roles_of(town, ISSA)) == ([], [Role.TREASURER])
    said = await refusal(leaves(by=ISSA, phone=ISSA, name="Issa Dembélé"))
    assert said.startswith("The last treasurer")


async def test_a_proposal_ends_after_a_week(town: AsyncEngine) -> None:
    await proposes(town)
    async with town.connect() as db:
        (found,) = await acts_to_sign(db, calling(ISSA), "BEN")
    late = NOON + timedelta(days=7)
    assert (await refusal(answers(town, proposal=found.id, at=late))).startswith("This proposal was answered")
    assert await proposes(town, at=late) is None, "it may be proposed again"


async def test_a_wrong_pin_does_nothing_and_is_counted(town: AsyncEngine) -> None:
    assert await proposes(town, pin="99999") == WRONG
    async with town.connect() as db:
        assert await acts_to_sign(db, calling(ISSA), "BEN") == []
    await proposes(town)
    assert await answers(town, pin="99999") == WRONG
    assert await roles_of(town, OUMOU) == []


async def test_approved_twice_at_once_it_is_carried_out_once(town: AsyncEngine) -> None:
    await appoint(town, MODIBO, Role.TREASURER, name="Modibo Keïta")
    await proposes(town)
    async with town.connect() as db:
        (found,) = await acts_to_sign(db, calling(ISSA), "BEN")
    both = (answers(town, by=by, proposal=found.id) for by in (ISSA, MODIBO))
    said = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in said) == ["NoneType", "RefusedError"]
    assert await broken(town) == set()


async def test_two_removals_at_once_leave_a_treasurer(town: AsyncEngine) -> None:
    """Each leaves with the other's approval: the second finds nobody left to stay."""
    leaves = partial(proposes, town, what=WITHDRAW, role=Role.TREASURER)
    await leaves(phone=FANTA, name="Fanta Coulibaly")
    await leaves(by=ISSA, phone=ISSA, name="Issa Dembélé")
    said = await asyncio.gather(answers(town), answers(town, by=FANTA), return_exceptions=True)
    assert sorted(type(one).__name__ for one in said) == ["NoneType", "RefusedError"]
    assert len(await roles_of(town, FANTA)) + len(await roles_of(town, ISSA)) == 1


async def test_the_same_is_not_proposed_twice_and_not_without_end(town: AsyncEngine) -> None:
    await proposes(town)
    assert (await refusal(proposes(town, by=ISSA))).startswith("This is proposed already")
    for nth in range(7):
        await proposes(town, phone=f"+2237600005{nth}")
    assert (await refusal(proposes(town, phone="+22376000058"))).startswith("Too many proposals wait")


async def test_what_makes_no_sense_is_refused(town: AsyncEngine) -> None:
    held = proposes(town, role=Role.TREASURER, phone=ISSA, name="Issa Dembélé")
    assert "has this role already" in await refusal(held)
    assert "does not have this role" in await refusal(proposes(town, what=WITHDRAW))
    assert (await refusal(proposes(town, by=OUMOU))).startswith("This office is no longer yours")


async def test_a_colleague_is_allowed_a_new_pin(town: AsyncEngine) -> None:
    await appoint(town, OUMOU, Role.COLLECTOR)
    async with town.begin() as db:
        allow = partial(allow_colleague_pin, mutuelle="BEN", pin=Secret(PIN))
        assert await allow(db, calling(FANTA), phone=OUMOU) is None
        for nobody in (FANTA, MODIBO):
            assert "is not a colleague" in await refusal(allow(db, calling(FANTA), phone=nobody))
        assert "no longer yours" in await refusal(allow(db, calling(OUMOU), phone=ISSA))
    assert (await templates(town, OUMOU))[-1] == "new pin allowed"


async def test_two_who_allow_each_other_at_once_do_not_wait_for_each_other(town: AsyncEngine) -> None:
    async def allows(by: str, phone: str) -> object:
        async with town.begin() as db:
            return await allow_colleague_pin(db, calling(by), mutuelle="BEN", phone=phone, pin=Secret(PIN))

    for _again in range(6):
        assert set(await asyncio.gather(allows(FANTA, ISSA), allows(ISSA, FANTA))) == {None}
