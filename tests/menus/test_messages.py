"""My messages walked in full: with SMS and without, reminded or not, for one household or two."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import languages
from menus.messages import messages
from mutuelle.schedules.reminders.consent import accept_reminders
from mutuelle.treasury.past_receipts import stop_messages
from sms.africastalking import NAME
from sms.delivery import opt_out
from talk.words import Caller
from tests.menus.test_doctors import WalkOf
from tests.menus.test_walker import COVERED, TWO, world
from tests.support.town import NOON

__all__ = ["world"]  # the fixture


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(
    ("phone", "way"), [(COVERED, ""), (COVERED, "reminded"), (TWO, "stopped"), (TWO, "blocked")]
)
async def test_every_way_fits_and_ends(world: AsyncEngine, phone: str, way: str, language: str) -> None:
    caller = Caller(phone, language, "test", "walk", NOON)
    async with world.begin() as db:
        if way == "reminded":
            await accept_reminders(db, caller)
        if way == "stopped":
            await stop_messages(db, caller)
        if way == "blocked":
            await opt_out(db, phone, NAME, NOON)
    walk = WalkOf(world, caller, menu=messages)
    await walk.everywhere()
    assert walk.acted == walk.agreed
    assert ("Only receipts and warnings come by SMS." in walk.asked) is (way == "stopped")
    assert ("Your operator stops our SMS to this phone." in walk.asked) is (way == "blocked")
    assert ("Stop the SMS that remind you before your cover ends?" in walk.asked) is (way == "reminded")
    assert ("For which household?" in walk.asked) is (phone == TWO)
