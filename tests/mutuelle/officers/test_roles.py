"""Offices on the day, in the mutuelle's own calendar; given, ended and given again."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.acts import By
from mutuelle.officers import appointments
from mutuelle.officers.appointments import give_role, withdraw_role
from mutuelle.officers.pins import may_receive_pin
from mutuelle.officers.roles import NewOfficer, Role, appointment_of, appointments_of, officers_of
from mutuelle.officers.tables import role_change
from mutuelle.scheme.mutuelles import treasurers
from mutuelle.tables import mutuelle, officer
from talk.trouble import RefusedError
from tests.support.clinic import DR_ROKIA
from tests.support.officer_acts import broken, calling, roles_of
from tests.support.officers import DOCTOR, FANTA, ISSA, OUMOU, appoint
from tests.support.town import NOON, found, found_town


def by(at: datetime = NOON) -> By:
    return By("Mme Diallo", "elected on Sunday", at)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    return pool


async def test_each_mutuelle_and_role_is_an_office_of_its_own(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zan", treasurers=("Fanta Coulibaly",))
    await appoint(town, FANTA, Role.COLLECTOR, pin=None)
    async with town.connect() as db:
        held = await appointments_of(db, calling(FANTA))
        assert [(appointment.mutuelle_id, appointment.role) for appointment in held] == [
            ("BEN", Role.COLLECTOR),
            ("BEN", Role.TREASURER),
            ("ZAN", Role.TREASURER),
        ]
        assert len({appointment.key for appointment in held}) == 3
        in_office = await officers_of(db, "BEN", NOON)
    assert [appointment.phone for appointment in in_office if appointment.role is Role.DOCTOR] == [DR_ROKIA]


async def test_an_office_counts_from_its_first_to_its_last_day_there(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await db.execute(update(officer).values(since=date(2026, 11, 22), until=date(2026, 11, 23)))
    async with town.connect() as db:
        assert len(await appointments_of(db, calling(ISSA, datetime(2026, 11, 22, 0, 0, tzinfo=UTC)))) == 1
        assert len(await appointments_of(db, calling(ISSA, datetime(2026, 11, 21, 23, 59, tzinfo=UTC)))) == 0
        assert len(await appointments_of(db, calling(ISSA, datetime(2026, 11, 23, 23, 59, tzinfo=UTC)))) == 1
        assert len(await appointments_of(db, calling(ISSA, datetime(2026, 11, 24, 0, 0, tzinfo=UTC)))) == 0
        assert len(await treasurers(db, "BEN", date(2026, 11, 23))) == 2


async def test_the_day_is_the_mutuelles_own(town: AsyncEngine, owner: AsyncEngine) -> None:
    """In Pago Pago it is eleven hours earlier than in Greenwich."""
    async with owner.begin() as db:
        await db.execute(update(mutuelle).values(timezone="Pacific/Pago_Pago"))
        await db.execute(update(officer).values(since=date(2026, 11, 22)))
    async with town.connect() as db:
        assert await appointments_of(db, calling(ISSA, datetime(2026, 11, 22, 10, 59, tzinfo=UTC))) == []
        assert len(await appointments_of(db, calling(ISSA, datetime(2026, 11, 22, 11, 0, tzinfo=UTC)))) == 1


async def test_a_withdrawn_office_ends_at_once_and_can_be_given_again(town: AsyncEngine) -> None:
    for nth in range(2):
        await appoint(town, OUMOU, Role.ENROLMENT, name=f"Oumou {'AB'[nth]}.", pin=None)
        assert await roles_of(town, OUMOU) == [Role.ENROLMENT]
        async with town.begin() as db:
            with pytest.raises(RefusedError):
                await give_role(db, "BEN", NewOfficer(Role.ENROLMENT, OUMOU, "Oumou"), by=by())
            await withdraw_role(db, "BEN", Role.ENROLMENT, OUMOU, by=by())
            with pytest.raises(RefusedError):
                await appointment_of(db, calling(OUMOU), "BEN", Role.ENROLMENT)
            with pytest.raises(RefusedError):
                await withdraw_role(db, "BEN", Role.ENROLMENT, OUMOU, by=by())
    async with town.connect() as db:
        mine = select(role_change.c.what, role_change.c.name).where(role_change.c.phone == OUMOU)
        changes = (await db.execute(mine.order_by(role_change.c.position))).all()
    assert [tuple(change) for change in changes] == [
        ("given", "Oumou A."),
        ("withdrawn", "Oumou A."),
        ("given", "Oumou B."),
        ("withdrawn", "Oumou B."),
    ]
    assert await broken(town) == set()


async def test_who_held_no_office_is_shown_a_new_pin(town: AsyncEngine) -> None:
    """A phone that was nobody's for a time may be another person's now: the old PIN is not what they know."""
    await appoint(town, OUMOU, Role.COLLECTOR)
    async with town.begin() as db:
        assert not await may_receive_pin(db, calling(OUMOU))
        await give_role(db, "BEN", NewOfficer(Role.ENROLMENT, OUMOU, "Oumou Traoré"), by=by())
        assert not await may_receive_pin(db, calling(OUMOU)), "a second office: the PIN stays"
        for role in (Role.COLLECTOR, Role.ENROLMENT):
            await withdraw_role(db, "BEN", role, OUMOU, by=by())
        await give_role(
            db, "BEN", NewOfficer(Role.COLLECTOR, OUMOU, "Sitan Koné"), by=by(NOON + timedelta(days=90))
        )
        assert await may_receive_pin(db, calling(OUMOU, NOON + timedelta(days=90)))


async def test_what_cannot_be_given_is_refused(town: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    async with town.begin() as db:
        with pytest.raises(RefusedError, match="There is no such facility"):
            await give_role(db, "BEN", NewOfficer(Role.DOCTOR, DOCTOR, "Dr Bah", "nowhere"), by=by())
        monkeypatch.setattr(appointments, "MOST_OFFICERS", 3)
        with pytest.raises(RefusedError, match="too many officers"):
            await give_role(db, "BEN", NewOfficer(Role.COLLECTOR, OUMOU, "Oumou"), by=by())
