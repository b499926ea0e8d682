"""Whether an operator answers: what the worker hears of each account in a minute, and the rule that judges it.

Only silence makes an operator slow or down: a refusal, a payer's or the operator's own, is an answer. The rule says at
most so often that an operator is down as `steady` allows, and takes it back with the first good answers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mobilemoney.operator import OperatorAnswer, Outcome
from timing import Clock
from values import value

MINUTE = timedelta(minutes=1)
SHORTEST = timedelta(seconds=1)  # of a minute in TIME_SCALE: the worker comes round no more often
MOST_UNWRITTEN = (
    10_000  # minutes of accounts that wait to be written: an outage of PostgreSQL must not fill the memory
)
ANSWERS, REFUSALS, SILENCES = "answers", "refusals", "silences"
_HEARD = {Outcome.UNKNOWN: SILENCES, Outcome.FAILED: REFUSALS}


class HealthState(StrEnum):
    """UP, SLOW: some questions are not answered. DOWN: most are not, and members are told before they try."""

    UP = "UP"
    SLOW = "SLOW"
    DOWN = "DOWN"


@value
class HealthRule:
    """When an operator is slow, down and back, in minutes, questions and percent of them.

    The last `window` minutes count, if they have `least` questions: from `slow_percent` of silence on it is slow, from
    `down_percent` on down. It is back once the last `back_window` minutes have `back_answers` answers, and less silence
    than that. For `steady` minutes after that it is not down again, and what was before does not count any more.
    """

    window: int = 5
    least: int = 4
    slow_percent: int = 20
    down_percent: int = 60
    back_window: int = 2
    back_answers: int = 2
    steady: int = 3


RULE = HealthRule()


@value
class HeardMinute:
    """What was heard of an account in the minute that begins `at`."""

    at: datetime
    answers: int
    silences: int


@value
class Health:
    """A state; `since` is when it went down, or when it came back."""

    state: HealthState
    since: datetime


ALWAYS_UP = Health(HealthState.UP, datetime(2000, 1, 1, tzinfo=UTC))


@value
class _Seen:
    """Questions, those that were answered, and the percent of silence."""

    questions: int = 0
    answers: int = 0
    percent: float = 0.0


def judged(
    was: Health,
    own: Sequence[HeardMinute],
    everybody: "HeardTogether",
    now: datetime,
    minute: timedelta = MINUTE,
    rule: HealthRule = RULE,
) -> Health:
    """The health of an account after the minutes before `now`.

    An account with too few questions of its own is judged by all accounts of its operator in its country, itself among
    them (`everybody`), each of one weight: one with a wrong key does not make it down for the others.
    """
    first = max(was.since, now - rule.back_window * minute)
    seen = _seen(own, first)
    seen = seen if seen.questions else everybody.since(first)
    answers_now = seen.answers >= rule.back_answers and seen.percent < rule.down_percent
    if was.state is HealthState.DOWN:
        return Health(HealthState.UP, now) if answers_now else was
    first = max(was.since, now - rule.window * minute)
    seen = _seen(own, first)
    seen = seen if seen.questions >= rule.least else everybody.since(first)
    percent = seen.percent if seen.questions >= rule.least else 0
    if percent >= rule.down_percent and not answers_now and now - was.since >= rule.steady * minute:
        return Health(HealthState.DOWN, now)
    return replace(was, state=HealthState.SLOW if percent >= rule.slow_percent else HealthState.UP)


def _seen(heard: Sequence[HeardMinute], first: datetime) -> _Seen:
    counted = [one for one in heard if one.at >= first]
    answers, silences = sum(one.answers for one in counted), sum(one.silences for one in counted)
    questions = answers + silences
    return _Seen(questions, answers, 100 * silences / questions) if questions else _Seen()


@dataclass
class HeardTogether:
    """What was heard of all accounts of an operator in a country: worked out once for all that are judged by it."""

    accounts: list[Sequence[HeardMinute]] = field(default_factory=list)
    _since: dict[datetime, _Seen] = field(default_factory=dict)

    def since(self, first: datetime) -> _Seen:
        """All questions and answers from then on; the percent of silence is the mean of the accounts'."""
        if first not in self._since:
            asked = [seen for heard in self.accounts if (seen := _seen(heard, first)).questions]
            percent = sum(seen.percent for seen in asked) / len(asked) if asked else 0.0
            questions, answers = sum(seen.questions for seen in asked), sum(seen.answers for seen in asked)
            self._since[first] = _Seen(questions, answers, percent)
        return self._since[first]


def minute_length(clock: Clock) -> timedelta:
    """How long a minute of the rule is here."""
    return max(clock.scaled(MINUTE), SHORTEST)


def minute_of(at: datetime, length: timedelta) -> datetime:
    """When the minute began that has this moment."""
    return datetime.fromtimestamp(at.timestamp() // length.total_seconds() * length.total_seconds(), UTC)


HeardCounts = dict[tuple[str, str, datetime], Counter[str]]  # by mutuelle, account and minute


@dataclass
class HeardOperators:
    """What this process has heard and not written yet. What is lost with it is not missed: others go on asking."""

    counts: HeardCounts = field(default_factory=dict)

    def note(self, mutuelle_id: str, account: str, answer: OperatorAnswer, clock: Clock) -> None:
        """An account was asked, and this came of it; our own word is neither an answer nor silence."""
        if not answer.is_ours:
            key = mutuelle_id, account, minute_of(clock(), minute_length(clock))
            self.add({key: Counter([_HEARD.get(answer.outcome, ANSWERS)])})

    def take(self, before: datetime) -> HeardCounts:
        """The minutes that began before then; they are not kept here any more."""
        return {key: self.counts.pop(key) for key in list(self.counts) if key[2] < before}

    def add(self, more: HeardCounts) -> None:
        """Count this too; what could not be written comes back so."""
        if len(self.counts) >= MOST_UNWRITTEN:
            self.counts.clear()
        for key, counts in more.items():
            self.counts.setdefault(key, Counter()).update(counts)
