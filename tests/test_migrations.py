"""A database of the first release, with people in it, comes to the newest schema whole."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import migrations
from embedded import OWNER_ROLE, SERVICE_ROLE, Engines
from invariants import examine
from ledger.book import Account, open_accounts
from ledger.invariants.book import INVARIANTS as LEDGER
from mutuelle.contributions.portfolio import portfolio
from mutuelle.invariants import INVARIANTS
from mutuelle.officers.roles import Role, appointments_of_phone
from mutuelle.scheme.mutuelles import get_mutuelle
from sms.invariants import INVARIANTS as SMS
from tests.conftest import _superuser
from tests.support.town import NOON

RELEASED = "0003"
AWA, FANTA, OUMOU, ROKIA = "+22376000001", "+22376000007", "+22376000021", "+22376000031"
ROWS = f"""
insert into mutuelle values ('BEN', 199, 'Mutuelle Benso', 'Sikasso', 'ML', 'XOF', 'Africa/Bamako', '{FANTA}',
    'soins au centre', '2024-01-01');
insert into place values ('BEN', 'v1', 'Bandiagala');
insert into product values ('BEN', 'P1', 1, 'Famille', '2024-01-01', null, 12000, 6, 12, 3000, 1500, 18, 0, 12, 1, 3,
    1, 50, 4, 100);
insert into household values ('BEN', '199000001', 'Awa Koné', 'v1', '2026-11-01', null);
insert into household_phone values ('BEN', '199000001', '{AWA}', '2026-11-01');
insert into beneficiary values ('BEN', '199000001', 1, 'Awa Koné', 1981, '2026-11-01', null),
    ('BEN', '199000001', 2, null, 2014, '2026-11-01', '2026-11-09');
insert into policy values ('BEN', '199000001', 1, 'new', 'P1', 1, 2, 12000, 0, '2026-11-01', '2026-11-01');
insert into officer values ('BEN', 'treasurer', '{FANTA}', 'Fanta Coulibaly', '2024-01-01', null),
    ('BEN', 'collector', '{OUMOU}', 'Oumou Traoré', '2024-01-01', '2026-06-30');
insert into facility values ('BEN', 'f1', 'Centre de Benso', 'centre', 'v1', '+22376000041', '8 h - 16 h', '{{}}');
insert into doctor values ('BEN', '{ROKIA}', 'Rokia Sangaré', 'f1', '{{fr}}', '2024-01-01');
insert into sms_inbox values ('africastalking', 'old', '{AWA}', '57', 'BONJOUR', '2026-11-02');
"""


def _to_released(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, RELEASED)


@pytest.fixture
async def released(engines: Engines) -> AsyncIterator[str]:
    """A database at the first release's schema, with a few rows in every table that a later step changes."""
    async with _superuser(engines) as db:
        await db.execute(text(f"create database released owner {OWNER_ROLE}"))
    owner = create_async_engine(engines.url("owner", "released"))
    async with owner.begin() as db:
        await db.run_sync(_to_released)
        for statement in ROWS.split(";\n"):
            if statement.strip():
                await db.execute(text(statement))
        await open_accounts(db, [Account("BEN", "health:member:199000001", "XOF")])
    await owner.dispose()
    yield "released"
    async with _superuser(engines) as db:
        await db.execute(text("drop database released with (force)"))


async def test_rows_of_the_first_release_come_to_the_newest_schema(engines: Engines, released: str) -> None:
    for _again in range(2):
        await migrations.migrate(engines.url("owner", released), SERVICE_ROLE)
    pool = create_async_engine(engines.url("service", released))
    async with pool.connect() as db:
        assert [
            f.invariant.name for f in await examine(db, [*LEDGER, *SMS, *INVARIANTS]) if not f.holds
        ] == []
        assert await _roles(pool) == {FANTA: [Role.TREASURER], OUMOU: [], ROKIA: [Role.DOCTOR]}
        insured = await portfolio(db, await get_mutuelle(db, "BEN"), NOON.date())
        assert [one.due.amount_minor for one in insured.values()] == [12_000]
        state = (await db.execute(text("select state, handled_as from sms_inbox"))).one()
    assert tuple(state) == ("SET_ASIDE", "old")  # nobody is answered weeks late
    await pool.dispose()


async def _roles(pool: AsyncEngine) -> dict[str, list[Role]]:
    async with pool.connect() as db:
        return {
            phone: [appointment.role for appointment in await appointments_of_phone(db, phone, NOON)]
            for phone in (FANTA, OUMOU, ROKIA)
        }
