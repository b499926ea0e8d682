"""The rules of cover as properties: whatever a household agrees to and pays, in any order, on any days.

A life is told as it is learnt: policies as they are agreed to, money as it is written down, sometimes some days after
it was received, sometimes before anything was agreed to (a credit).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from mutuelle.contributions.standing import reckon
from mutuelle.cover.rules import CoverState, Period, Receipt, Terms, cover, current, periods
from mutuelle.dates import add_months
from mutuelle.scheme.products import LAST_YEAR_FIRST, LATE_RENEWALS, NEW_START

FIRST = date(2026, 1, 1)
DAY = timedelta(days=1)
# Days between two things that happen: at once, within a month, around the end of a period or of a delay.
PAUSES = (0, 0, 1, 10, 20, 29, 31, 45, 60, 91, 120, 182, 200, 365, 400)
LIVES = settings(max_examples=300, deadline=None)
# A day at every distance that matters to somebody: tomorrow, the end of a month, a grace, a year.
AHEAD = sorted({*range(0, 70), *range(70, 900, 7)})


class Life(NamedTuple):
    """What is known of a household on `today`: policies, and receipts in the order in which they were written down."""

    policies: list[Terms]
    receipts: list[Receipt]
    today: date

    def periods(self, *more: Receipt) -> list[Period]:
        return periods(self.policies, [*self.receipts, *more])


@st.composite
def versions(draw: st.DrawFn, sequence: int, agreed_on: date) -> Terms:
    """Any terms, also such as nobody may sell any more: who bought them is covered by the same rules."""
    return Terms(
        sequence=sequence,
        is_renewal=sequence > 1,
        agreed_on=agreed_on,
        price_minor=draw(st.sampled_from((0, 1_000, 9_999, 12_000))),  # 0: another pays all of it
        insurance_period_months=draw(st.sampled_from((1, 3, 6, 12))),
        waiting_period_months=draw(st.integers(0, 6)),
        grace_period_payment_months=draw(st.integers(0, 6)),
        grace_period_renewal_months=draw(st.integers(0, 3)),
        partial_cover_threshold_percent=draw(st.sampled_from((25, 50, 100))),
        late_renewal=(late := draw(st.sampled_from(LATE_RENEWALS))),
        new_wait_after_months=draw(st.integers(0, 6)) if late == NEW_START else 0,
    )


@st.composite
def lives(draw: st.DrawFn, most: int = 4) -> Life:
    """Agreements and money in the order of their days; each amount may be a part, a whole price or more.

    A payer owes all of a period (price 0) only where the household owes nothing of those before.
    """
    today, policies, receipts = FIRST, list[Terms](), list[Receipt]()
    for sequence in range(1, draw(st.integers(1, most)) + 1):
        today += draw(st.sampled_from(PAUSES)) * DAY
        terms, owed = draw(versions(sequence, today)), sum(one.price_minor for one in policies)
        owes = sum(receipt.amount_minor for receipt in receipts) < owed
        policies.append(replace(terms, price_minor=1_000) if owes and not terms.price_minor else terms)
        for _part in range(draw(st.integers(0, 3))):
            today += draw(st.sampled_from(PAUSES)) * DAY
            late = draw(st.sampled_from((0, 0, 0, 1, 14)))
            amount = draw(st.sampled_from((250, 3_000, 6_000, 12_000, 12_000, 20_000)))
            receipts.append(Receipt(today - late * DAY, amount))
    return Life(policies, receipts, today)


def covered_days(found: Sequence[Period], since: date) -> set[date]:
    return {day for ahead in AHEAD if cover(found, day := since + ahead * DAY).is_covered}


@given(lives(), st.integers(0, 30), st.sampled_from((1, 3_000, 6_000, 12_000, 20_000)))
@LIVES
def test_more_money_never_takes_cover_away(life: Life, late: int, amount: int) -> None:
    """Today's money, or money of an earlier day that is written down today: no covered day is lost, for ever after."""
    more = Receipt(life.today - late * DAY, amount)
    assert covered_days(life.periods(), life.today) <= covered_days(life.periods(more), life.today)


@given(
    versions(1, FIRST),
    versions(2, FIRST),
    st.integers(-30, 95),
    st.sampled_from((250, 3_000, 6_000, 12_000)),
)
@LIVES
def test_a_renewal_never_ends_cover_sooner_than_without_it(
    first: Terms, renewal: Terms, days: int, amount: int
) -> None:
    """Whatever is sold now, also shorter and with shorter delays: agreed to and paid around the end of the first."""
    paid = [Receipt(FIRST, first.price_minor)]
    expires_on = periods([first], paid)[0].expires_on or FIRST
    on = max(expires_on + days * DAY, FIRST)
    renewed = periods([first, replace(renewal, agreed_on=on)], [*paid, Receipt(on, amount)])
    assert covered_days(periods([first], paid), on) <= covered_days(renewed, on)


@given(lives(), st.integers(0, 900), st.integers(1, 20_000))
@LIVES
def test_money_written_down_later_never_moves_a_period_that_has_opened(
    life: Life, late: int, amount: int
) -> None:
    more = Receipt(life.today - late * DAY, amount)
    for before, after in zip(life.periods(), life.periods(more), strict=True):
        if before.opened_on is not None:
            kept = (after.opened_on, after.begins_on, after.entitled_on, after.expires_on, after.grace_until)
            assert kept == (
                before.opened_on,
                before.begins_on,
                before.entitled_on,
                before.expires_on,
                before.grace_until,
            )


@given(lives(), st.integers(1, 40_000), st.integers(1, 900))
@LIVES
def test_a_credit_older_than_the_agreement_dates_nothing(life: Life, amount: int, earlier: int) -> None:
    """Old money opens what money of the day of the agreement would open, and not a day more or less."""
    old, new = (
        [Receipt(on, amount), *life.receipts]
        for on in (life.policies[0].agreed_on - earlier * DAY, life.policies[0].agreed_on)
    )
    assert periods(life.policies, old) == periods(life.policies, new)


@given(lives())
@LIVES
def test_no_agreement_changes_a_day_before_it(life: Life) -> None:
    """No period begins before it was agreed to: the days before stay as they were without it."""
    for nth in range(1, len(life.policies)):
        without, agreed_on = life._replace(policies=life.policies[:nth]), life.policies[nth].agreed_on
        for ahead in AHEAD:
            day = FIRST + ahead * DAY
            if day < agreed_on:
                assert cover(life.periods()[: nth + 1], day) == cover(without.periods(), day)


@given(lives())
@LIVES
def test_a_wait_is_served_whole_and_once(life: Life) -> None:
    """A period that does not go on with a run waits from its first day, but for a new start that is soon enough; one
    that goes on neither waits again nor less.
    """
    before: Period | None = None
    for period in life.periods():
        if period.opened_on is None:
            continue
        if period.anchor_on == period.opened_on:
            waited = add_months(period.opened_on, period.terms.waiting_period_months)
            assert period.entitled_on == waited or soon_enough(period, before)
        else:
            assert before is not None
            assert before.entitled_on is not None
            assert period.opened_on == add_months(period.anchor_on or FIRST, period.months_before)
            assert period.months_before == before.months_after or is_in_arrears(period, before)
            assert period.entitled_on == max(period.opened_on, before.entitled_on)
        before = period


def soon_enough(period: Period, before: Period | None) -> bool:
    """Whether a new start is within its product's months of the end of a period that was paid, and waits no longer."""
    if before is None or before.expires_on is None or before.entitled_on is None or period.opened_on is None:
        return False
    last = add_months(before.expires_on, period.terms.new_wait_after_months)
    return period.opened_on <= last and period.entitled_on == max(period.opened_on, before.entitled_on)


def is_in_arrears(period: Period, before: Period) -> bool:
    """Whether whole periods were missed before this one, of which nobody pays more than the last."""
    missed, length = period.months_before - before.months_after, period.terms.insurance_period_months
    return period.terms.late_renewal == LAST_YEAR_FIRST and missed > 0 and missed % length == 0


@given(versions(1, FIRST), versions(2, FIRST), st.integers(1, 1_500))
@LIVES
def test_last_year_first_is_the_period_that_runs_or_the_one_before_it(
    first: Terms, renewal: Terms, late: int
) -> None:
    """Paid whole on any day after the grace: it covers from that day, and once more paid where a period was missed.

    Nobody waits again, nobody pays two periods that are over, and no day before the payment is covered by it.
    """
    paid = [Receipt(FIRST, first.price_minor)]
    [ended] = periods([first], paid)
    on = max(ended.grace_until or FIRST, ended.expires_on or FIRST) + late * DAY
    agreed, received = [first], list(paid)
    for sequence in (2, 3):
        agreed.append(
            replace(
                renewal,
                sequence=sequence,
                is_renewal=True,
                agreed_on=on,
                late_renewal=LAST_YEAR_FIRST,
                new_wait_after_months=0,
            )
        )
        received.append(Receipt(on, renewal.price_minor))
        found = periods(agreed, received)
        assert cover(found, on - DAY) == cover([ended], on - DAY)
        last = found[-1]
        assert last.entitled_on == max(last.opened_on or FIRST, ended.entitled_on or FIRST)
        if (last.expires_on or FIRST) >= on:
            break
        assert add_months(last.anchor_on or FIRST, last.months_after + renewal.insurance_period_months) > on
    assert (last.opened_on or on) <= on <= (last.expires_on or FIRST)
    assert cover(found, on).is_covered or (ended.entitled_on or FIRST) > on


@given(versions(1, FIRST), st.integers(0, 12), st.integers(0, 500))
@LIVES
def test_a_new_start_waits_again_just_where_it_is_too_late(first: Terms, months: int, late: int) -> None:
    paid = [Receipt(FIRST, first.price_minor)]
    [ended] = periods([first], paid)
    on = (ended.grace_until or FIRST) + (late + 1) * DAY
    again = replace(
        first,
        sequence=2,
        is_renewal=True,
        agreed_on=on,
        late_renewal=NEW_START,
        new_wait_after_months=months,
    )
    _first, begun = periods([first, again], [*paid, Receipt(on, first.price_minor)])
    is_soon = on <= add_months(ended.expires_on or FIRST, months)
    waits_until = add_months(on, 0 if is_soon else first.waiting_period_months)
    assert (begun.opened_on, begun.entitled_on) == (
        on,
        max(waits_until, (ended.entitled_on or on) if is_soon else on),
    )


@given(lives())
@LIVES
def test_nobody_is_covered_before_the_wait_is_over(life: Life) -> None:
    found = life.periods()
    for ahead in AHEAD:
        day = FIRST + ahead * DAY
        stands, entitled_on = cover(found, day), current(found, day).entitled_on
        assert not stands.is_covered or (entitled_on is not None and entitled_on <= day)


@given(lives(), st.integers(0, 500))
@LIVES
def test_every_date_that_is_said_comes_true_if_nothing_more_happens(life: Life, later: int) -> None:
    """From the first day that is said to the last one, every day is covered, and none before the first."""
    today, found = life.today + later * DAY, life.periods()
    said = cover(found, today)
    if said.from_on is None:
        assert not said.is_covered
        return
    assert said.until_on is not None
    assert said.until_on >= max(today, said.from_on)
    for ahead in range((said.until_on - today).days + 1):
        day = today + ahead * DAY
        assert cover(found, day).is_covered == (day >= said.from_on), day


@given(lives(), st.integers(0, 500))
@LIVES
def test_who_is_told_that_it_ended_was_covered_no_later(life: Life, later: int) -> None:
    today = life.today + later * DAY
    said = cover(life.periods(), today)
    if said.state in (CoverState.SUSPENDED, CoverState.EXPIRED, CoverState.UNPAID, CoverState.PART_PAID):
        assert not any(day > today for day in covered_days(life.periods(), today))


@given(lives())
@LIVES
def test_no_franc_is_lost_and_none_is_counted_twice(life: Life) -> None:
    """What was received is what was taken for the policies and what is to the household's credit."""
    found = reckon(life.policies, life.receipts, life.today, "XOF")
    received = sum(receipt.amount_minor for receipt in life.receipts)
    agreed = sum(terms.price_minor for terms in life.policies)
    assert found.credit.amount_minor == max(received - agreed, 0)
    assert found.due.amount_minor == max(agreed - received, 0)


@given(st.dates(FIRST, date(2028, 12, 31)), st.sampled_from((1, 3, 6)), st.integers(2, 30))
@LIVES
def test_a_product_of_months_keeps_the_day_of_its_first_period(opened: date, months: int, times: int) -> None:
    """Renewed without a gap, the nth period begins where n times the months after the first day lie."""
    first = Terms(1, False, opened, 1_000, months, 0, months, 0, 100)
    agreed = [
        replace(
            first,
            sequence=nth + 1,
            is_renewal=nth > 0,
            agreed_on=add_months(opened, nth * months) - DAY * bool(nth),
        )
        for nth in range(times)
    ]
    found = periods(agreed, [Receipt(terms.agreed_on, 1_000) for terms in agreed])
    assert [period.opened_on for period in found] == [
        add_months(opened, nth * months) for nth in range(times)
    ]


@given(lives(), st.data())
@LIVES
def test_a_waiver_ends_a_debt_and_changes_no_cover(life: Life, data: st.DataObject) -> None:
    """What is left of a period whose grace is over is waived: no day's cover changes, only what is owed; more money
    still takes no cover away, and all of it goes to the policies that follow.
    """
    before = life.periods()
    past = [one for one in before if one.due_minor and one.grace_until and one.grace_until < life.today]
    if not past:
        return
    waived = data.draw(st.sampled_from(past))
    nth = before.index(waived)
    policies = list(life.policies)
    policies[nth] = replace(policies[nth], waived_minor=waived.due_minor)
    after = Life(policies, life.receipts, life.today)
    assert [cover(after.periods(), life.today + ahead * DAY) for ahead in AHEAD] == [
        cover(before, life.today + ahead * DAY) for ahead in AHEAD
    ]
    assert [one.due_minor for one in after.periods()] == [
        0 if one is waived else one.due_minor for one in before
    ]
    more = Receipt(life.today, data.draw(st.sampled_from((1, 3_000, 20_000))))
    paid = after.periods(more)
    assert (paid[nth].paid_minor, paid[nth].paid_up_on) == (waived.paid_minor, None)
    assert covered_days(after.periods(), life.today) <= covered_days(paid, life.today)
