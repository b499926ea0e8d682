"""The clock that is handed down: it stands still where it should, and divides waits."""

from datetime import timedelta

from tests.support import town
from tests.support.town import NOON
from timing import Clock

MINUTE = timedelta(minutes=1)


def test_it_goes_on_until_it_is_stopped() -> None:
    moved = town.Clock(NOON)
    going = Clock(moved, 2.0)
    still = going.stopped()
    moved.now += MINUTE
    assert (going(), still(), still.scale) == (NOON + MINUTE, NOON, 2.0)


def test_it_divides_waits_by_its_scale() -> None:
    fast = Clock.at(NOON, 60.0)
    assert fast.scaled(MINUTE) == timedelta(seconds=1)
    assert (fast.until(MINUTE), fast.ago(MINUTE)) == (
        NOON + timedelta(seconds=1),
        NOON - timedelta(seconds=1),
    )
    assert Clock.at(NOON).until(MINUTE) == NOON + MINUTE
