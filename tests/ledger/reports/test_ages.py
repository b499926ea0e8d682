"""Who owes what since when: the oldest debt is settled first, what was taken back never was a debt."""

from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts as a
from ledger.book import Journal, Movement, Origin, post
from ledger.periods import close_period
from ledger.reports import Control
from ledger.reports.ages import AgeRow
from ledger.reports.page import Part
from tests.support.ledger_scene import SIK
from tests.support.ledger_year import MM, YEAR, asking, booked, day, live, printed, rows_of, text_of, voice

HOME, DUES = a.member("1"), a.contributions()
ON = day(6, 30)


async def aged(pool: AsyncEngine, account: str, last: date = ON) -> list[tuple[tuple[int, ...], int]]:
    """What stands open on the account by age, and what is paid ahead."""
    async with pool.connect() as db:
        rows = await rows_of(db, "ages", asking(last, last))
    assert all(row.holds for row in rows if isinstance(row, Control))
    found = [
        row for row in rows if isinstance(row, AgeRow) and row.part is Part.LINE and row.account == account
    ]
    assert all(sum(row.by_age) == row.owed for row in found)
    return [(row.by_age, row.ahead) for row in found]


async def test_the_oldest_debt_is_settled_first(pool: AsyncEngine) -> None:
    called = [
        booked(on, "called", (HOME, DUES, 1_000)) for on in (day(1, 1), day(4, 20), day(5, 20), day(6, 29))
    ]
    await live(pool, [*called, booked(day(6, 30), "paid", (MM, HOME, 1_300))])
    assert await aged(pool, HOME, day(6, 29)) == [((1_000, 1_000, 1_000, 1_000), 0)]
    assert await aged(pool, HOME) == [((1_000, 1_000, 700, 0), 0)]


async def test_ages_begin_and_end_where_they_say(pool: AsyncEngine) -> None:
    debts = {30: 1, 31: 10, 60: 100, 61: 1_000, 90: 10_000, 91: 100_000}
    called = [
        booked(date.fromordinal(ON.toordinal() - age), "called", (HOME, DUES, due))
        for age, due in debts.items()
    ]
    await live(pool, called)
    assert await aged(pool, HOME) == [((1, 110, 11_000, 100_000), 0)]


async def test_what_was_taken_back_settles_nothing(pool: AsyncEngine) -> None:
    wrong = booked(day(6, 1), "called", (HOME, DUES, 5_000))
    back = booked(day(6, 2), "reversal", (DUES, HOME, 5_000), takes_back=wrong)
    await live(pool, [booked(day(2, 1), "called", (HOME, DUES, 1_000)), wrong, back])
    assert await aged(pool, HOME) == [((0, 0, 0, 1_000), 0)]
    assert await aged(pool, HOME, day(6, 1)) == [((5_000, 0, 0, 1_000), 0)]  # it stood on that day


async def test_a_reversal_that_is_dated_before_its_original_counts_from_its_own_day(
    pool: AsyncEngine,
) -> None:
    wrong = booked(day(6, 10), "called", (HOME, DUES, 5_000))
    await live(pool, [wrong])
    async with pool.begin() as db:
        back = booked(day(6, 2), "reversal", (DUES, HOME, 5_000), takes_back=wrong)
        assert [posted.stands for posted in await post(db, [back])] == [True]
    assert await aged(pool, HOME, day(6, 5)) == [((0, 0, 0, 0), 5_000)]
    assert await aged(pool, HOME) == []


async def test_who_paid_too_much_owes_nothing(pool: AsyncEngine) -> None:
    await live(
        pool, [booked(day(6, 1), "called", (HOME, DUES, 600)), booked(day(6, 2), "paid", (MM, HOME, 900))]
    )
    assert await aged(pool, HOME) == [((0, 0, 0, 0), 300)]
    assert await aged(pool, HOME, day(6, 1)) == [((600, 0, 0, 0), 0)]


async def test_what_we_owe_ages_the_other_way_round(pool: AsyncEngine) -> None:
    await live(pool)
    assert await aged(pool, "health:payable:cscom-1", day(6, 14)) == [((10_500, 0, 0, 0), 0)]
    assert await aged(pool, "health:payable:cscom-1", day(7, 15)) == [((0, 1_500, 0, 0), 0)]
    assert await aged(pool, a.suspense("om-ML"), day(5, 15)) == [((0, 750, 0, 0), 0)]


async def test_a_late_call_is_as_old_as_the_day_it_is_for(pool: AsyncEngine) -> None:
    await live(pool, [booked(day(1, 2), "called", (HOME, DUES, 100))])
    today = datetime.now(UTC).date()
    async with pool.begin() as db:
        await close_period(
            db, SIK, day(9, 30), Origin(source="t", key="9", actor="treasurer", reason="agreed")
        )
        late = Journal(SIK, "t", "late", "called", day(1, 3), "w", "r", [Movement(HOME, DUES, 7, "XOF")])
        assert [posted.stands for posted in await post(db, [late])] == [True]
    assert await aged(pool, HOME, today) == [((0, 0, 0, 107), 0)]


AGED = """\
Receivables and payables by age, Mutuelle Benkadi
As of 2026-06-10. Chart SYCEBNL of 2024-01-01.

Fund: Health (XOF)
Account                  0-30 days 31-60 days 61-90 days over 90 days      Owed Paid ahead
------------------------------------------------------------------------------------------
~401:cscom-1                10,500                                       10,500
411:101482937                                                                          700
411:101482945                                                   9,500     9,500
receivable:etat                         5,000                             5,000
suspense:om-ML                                       750                    750
------------------------------------------------------------------------------------------
~401 Care facilities to     10,500                                       10,500
pay, owed by us
411 Members, owed to us                                         9,500     9,500        700
receivable State, donors                5,000                             5,000
and other debtors, owed
to us
suspense Receipts to be                              750                    750
assigned, owed by us

Control: 5 lines, total 2,550 XOF. Agrees with the trial balance.

~: a number that an accountant has yet to confirm. In letters: no number is known.
Members: contributions of which a first part was paid, late or not. The SMS DETAIL also
counts those of which nothing was paid yet; the SMS RETARDS only who is late.
"""


async def test_the_list_as_a_treasurer_reads_it(pool: AsyncEngine) -> None:
    await live(pool, YEAR)
    async with pool.connect() as db:
        said = await text_of(db, "ages", asking(day(6, 10), day(6, 10)), voice("en", width=90))
    assert printed(said) == AGED
