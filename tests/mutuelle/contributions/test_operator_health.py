"""The rule over random minutes: silence is told in time, refusals never, and it never flaps more than it says."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from mobilemoney import OperatorAnswer, Outcome, our_word
from mutuelle.contributions.operator_health import (
    ALWAYS_UP,
    MINUTE,
    RULE,
    SILENCES,
    Health,
    HealthState,
    HeardMinute,
    HeardOperators,
    HeardTogether,
    judged,
    minute_of,
)
from tests.support.town import NOON
from timing import Clock

Minutes = Sequence[tuple[int, int]]  # answers and silences of each
BUSY = st.tuples(st.integers(0, 30), st.integers(0, 30))
MINUTES = st.lists(BUSY, max_size=40)
DOWN, UP, SLOW = HealthState.DOWN, HealthState.UP, HealthState.SLOW


def heard_in(minutes: Minutes) -> list[HeardMinute]:
    return [HeardMinute(NOON + nth * MINUTE, *counts) for nth, counts in enumerate(minutes) if any(counts)]


def lived(minutes: Minutes, others: Iterable[Minutes] = ()) -> list[Health]:
    """The health after each minute, judged as the worker does: at its end, of what is over."""
    own, peers = heard_in(minutes), [heard_in(one) for one in others]
    health, found = ALWAYS_UP, []
    for nth in range(1, len(minutes) + 1):
        now = NOON + nth * MINUTE
        past = [one for one in own if one.at < now]
        together = HeardTogether([past, *([one for one in peer if one.at < now] for peer in peers)])
        health = judged(health, past, together, now)
        found.append(health)
    return found


def states(minutes: Minutes, others: Iterable[Minutes] = ()) -> list[HealthState]:
    return [one.state for one in lived(minutes, others)]


@given(MINUTES, st.lists(st.integers(1, 30), min_size=RULE.window, max_size=RULE.window))
def test_who_is_silent_for_a_window_is_down_whatever_was_before(before: Minutes, silences: list[int]) -> None:
    whole = [*before, *[(0, RULE.least + count) for count in silences]]
    found = lived(whole)
    assert found[-1].state is DOWN
    if len(before) > RULE.steady and before and found[len(before) - 1] == ALWAYS_UP:
        assert DOWN in {one.state for one in found[len(before) : len(before) + RULE.window]}


@example([(7, 0), (0, 0), (0, 9)], [2, 2, 2])
@given(MINUTES, st.lists(st.integers(RULE.back_answers, 30), min_size=2, max_size=10))
def test_it_is_back_with_the_first_good_minutes(before: Minutes, answers: list[int]) -> None:
    found = states([*before, *[(count, 0) for count in answers]])
    assert all(state is not DOWN for state in found[len(before) + RULE.back_window - 1 :])


@given(st.lists(st.integers(0, 30), max_size=60))
def test_answers_and_refusals_alone_never_make_it_slow_or_down(answers: list[int]) -> None:
    assert set(states([(count, 0) for count in answers])) <= {UP}


@given(st.lists(BUSY, max_size=120))
def test_it_goes_down_at_most_once_in_the_steady_minutes_and_the_one_that_it_was_down(
    minutes: Minutes,
) -> None:
    found = lived(minutes)
    went_down = [one.since for one in found if one.state is DOWN]
    times = sorted(set(went_down))
    for before, after in pairwise(times):
        assert after - before >= (RULE.steady + 1) * MINUTE
    assert len(times) <= len(minutes) // (RULE.steady + 1) + 1


@given(st.lists(st.tuples(st.just(0), st.integers(0, 1)), max_size=60))
def test_too_few_questions_tell_nothing(minutes: Minutes) -> None:
    for nth, state in enumerate(states(minutes), start=1):
        if sum(silences for _answers, silences in minutes[max(0, nth - RULE.window) : nth]) < RULE.least:
            assert state is not DOWN or DOWN in states(minutes[: nth - 1])


def test_without_questions_of_its_own_an_account_is_judged_by_those_of_its_operator() -> None:
    silent, idle = [(0, 4)] * 5, [(0, 0)] * 5
    assert states(idle, [silent])[-1] is DOWN
    assert states([(9, 0)] * 5, [silent])[-1] is UP, "its own word counts before others'"


def test_one_account_with_a_wrong_key_makes_no_other_down() -> None:
    wrong_key, well, idle = [(0, 50)] * 5, [(2, 0)] * 5, [(0, 0)] * 5
    assert states(idle, [wrong_key, well])[-1] is SLOW
    assert states(wrong_key, [well, well])[-1] is DOWN


def test_the_share_decides() -> None:
    assert states([(10, 0)] * 5)[-1] is UP
    assert states([(8, 2)] * 5)[-1] is SLOW
    assert states([(4, 6)] * 5)[-1] is DOWN


def test_what_is_heard_is_counted_by_its_minute_and_given_away_once() -> None:
    heard, clock = HeardOperators(), Clock.at(NOON)
    heard.note("BEN", "orange", OperatorAnswer(Outcome.UNKNOWN), clock)
    heard.note("BEN", "orange", OperatorAnswer(Outcome.FAILED), clock)
    for outcome in Outcome:
        heard.note("BEN", "orange", our_word(outcome, "the operator was not asked"), clock)
    heard.note("BEN", "orange", OperatorAnswer(Outcome.PENDING), Clock.at(NOON + MINUTE))
    assert heard.take(NOON) == {}
    taken = heard.take(NOON + MINUTE)
    assert taken == {("BEN", "orange", NOON): {SILENCES: 1, "refusals": 1}}
    heard.add(taken)
    assert heard.take(NOON + MINUTE) == taken
    assert minute_of(NOON + timedelta(seconds=59), MINUTE) == NOON
