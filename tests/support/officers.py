"""Officers for the tests: appointed, with a PIN that the test knows."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.acts import By
from mutuelle.officers.appointments import give_role
from mutuelle.officers.pin_hashing import hash_pin
from mutuelle.officers.pins import PURPOSE, note_pin_change
from mutuelle.officers.roles import NewOfficer, Role
from mutuelle.officers.tables import officer_pin
from mutuelle.scheme.limits import NewLimit, write_limit
from talk.keyring import Keyring
from tests.support.town import NOON
from tests.support.town_fixtures import KEYS

SEALS = Keyring(KEYS)
PIN = "40713"
FANTA, ISSA = "+22376000007", "+22376000008"  # the treasurers of the usual town
TODAY = NOON.date()
OUMOU, MODIBO, DOCTOR = "+22376000021", "+22376000022", "+22376000023"


async def appoint(
    pool: AsyncEngine,
    phone: str,
    role: Role,
    *,
    name: str = "Oumou Traoré",
    code: str = "BEN",
    pin: str | None = PIN,
    at: datetime = NOON,
) -> None:
    """Appoint `phone` to a role, with a PIN unless `pin` is None."""
    async with pool.begin() as db:
        await give_role(db, code, NewOfficer(role, phone, name), by=By("a test", "the test needs it", at))
    if pin:
        await give_pin(pool, phone, pin=pin, at=at)


async def set_limit(
    pool: AsyncEngine, name: str, value: int, *, code: str = "BEN", since: date = TODAY, at: datetime = NOON
) -> None:
    """Set a limit of the mutuelle, also one that no mutuelle would be given; a second time it is a forgery."""
    async with pool.begin() as db:
        by = By("a test", "the test needs it", at)
        await write_limit(db, code, NewLimit(name, value, since), by=by)


async def give_pin(
    pool: AsyncEngine, phone: str, *, pin: str = PIN, at: datetime = NOON, keyring: Keyring = SEALS
) -> None:
    """Give `phone` this PIN, as if it had been shown and used."""
    sealed = keyring.seal(PURPOSE, await hash_pin(pin), phone)
    row = {"phone": phone, "sealed": sealed, "origin": "screen", "issued_at": at, "used_at": at}
    async with pool.begin() as db:
        await db.execute(officer_pin.insert(), row)
        await note_pin_change(db, phone, "received", by=By("officer", "a PIN of the tests", at))
