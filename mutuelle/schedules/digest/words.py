"""The words of the digest: one segment for any sums; no figure is ever left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from locales import Fact, Money, Sentence, _, _n, render
from locales.letters import fold, septets
from mutuelle.scheme.mutuelles import Mutuelle
from talk.layout import longest

SMS_SEPTETS, SCREEN_SEPTETS = 160, 156
DAY = timedelta(days=1)
NO_SIGN, NO_PAYERS, SHORTEST = 1, 2, 3  # how short a form is; a higher one leaves out more


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """What a mutuelle received in some time, and where its money is at the end of it.

    Amounts in minor units of its currency. `payers` are distinct households. `cash_minor` is all the cash: collectors
    hold `collectors_minor` of it, the rest is in the treasurers' box. `by_operator`: whether a route leads to one.
    """

    mutuelle: Mutuelle
    received_minor: int
    payers: int
    cash_minor: int
    mobile_minor: int
    bank_minor: int
    collectors_minor: int = 0
    by_operator: bool = True

    @property
    def shows_mobile(self) -> bool:
        """Without an operator an empty account of mobile money says nothing."""
        return self.by_operator or self.mobile_minor != 0


@dataclass(frozen=True, kw_only=True)
class Figures(Holdings):
    """The figures of a digest at `at`. `since` is when the counting of what came in began, None for the very start.

    `unresolved` payments wait for an answer, for a person or for their owner, the oldest since `oldest_at`; `late` of
    them are cash that was recorded days after it was received.
    """

    since: datetime | None
    at: datetime
    up_to_date: int
    households: int
    unresolved: int
    oldest_at: datetime | None
    late: int = 0


def summary(
    figures: Figures, language: str, *, asks: bool, seal: str | None = None, room: int = SCREEN_SEPTETS
) -> Sentence:
    """The longest form that fits a segment (`asks`: it ends with the question OK or ERR) or, without it, `room`.

    `seal` is the short seal of the book at these figures, if there is one.
    """
    return longest(list(_forms(figures, asks, seal)), language, SMS_SEPTETS if asks else room)


def is_for_payouts(code: str) -> bool:
    """Whether an account of the book is one from which an operator sends money to phones."""
    return code.split(":")[1] == "disbursement"


def floats_to_compare(
    mutuelle: Mutuelle, held: Sequence[tuple[str, int]], at: datetime, language: str
) -> list[Sentence]:
    """The balance of each operator's account (by code, in minor units), as many accounts as fit a segment.

    Only the operator's menu shows a payment that was settled but never made: no invariant finds it.
    """
    found: list[Sentence] = []
    lines: list[str] = []
    for code, minor in held:
        name: Sentence | str = code.split(":")[-1]
        if is_for_payouts(code):
            name = _("payouts {operator}", operator=name)
        line = render(_("{name} {amount}", name=name, amount=Money(minor, mutuelle.currency)), language)
        wider = _compare(mutuelle, ", ".join([*lines, line]), at)
        if lines and septets(fold(render(wider, language))) > SMS_SEPTETS:
            found.append(_compare(mutuelle, ", ".join(lines), at))
            lines = []
        lines.append(line)
    return [*found, _compare(mutuelle, ", ".join(lines), at)] if lines else found


def _compare(mutuelle: Mutuelle, lines: str, at: datetime) -> Sentence:
    return _(
        "{mutuelle} {day}, in our book: {floats}. Compare with the operator's own menu. "
        "Not the same? Send ERR and why.",
        mutuelle=mutuelle.id,
        day=f"{mutuelle.today(at):%d/%m}",
        floats=lines,
    )


def _forms(figures: Figures, asks: bool, seal: str | None) -> Iterator[Sentence]:
    """From long to short: the name becomes the code, then go the currency sign, "households" behind the payers, the
    question, late cash, the seal.
    """
    day = f"{figures.mutuelle.today(figures.since):%d/%m}" if figures.since else ""
    code = f"{figures.mutuelle.id} {day}".strip()
    heads = (_heading(figures.mutuelle.name, day), _heading(figures.mutuelle.id, day), code)
    shown = (figures, replace(figures, late=0)) if figures.late else (figures,)
    if seal:
        for one in shown:
            yield from (_sealed(one, head, seal) for head in heads)
            yield from (_sealed(one, code, seal, short=short) for short in (NO_SIGN, NO_PAYERS))
            yield _sealed(one, code, seal, short=NO_PAYERS, asks=False)
    for one in shown:
        yield from (_form(one, head, asks=asks) for head in heads)
        yield from (_form(one, code, asks=asks, short=short) for short in (NO_SIGN, NO_PAYERS))
        yield _form(one, code, asks=False, short=NO_PAYERS)
    yield _shortest(shown[-1], figures.mutuelle.id)


def _heading(name: str, day: str) -> Sentence:
    return (
        _("{mutuelle}, since {day}", mutuelle=name, day=day)
        if day
        else _("{mutuelle}, in all", mutuelle=name)
    )


def _form(figures: Figures, head: Sentence | str, *, asks: bool, short: int = 0) -> Sentence:
    facts = _facts(figures, head, short)
    if asks:
        return _(
            "{head}: {income}. {held}. Households up to date: {ready}/{all}. {waiting}. OK or ERR?", **facts
        )
    return _("{head}: {income}. {held}. Households up to date: {ready}/{all}. {waiting}.", **facts)


def _sealed(
    figures: Figures, head: Sentence | str, seal: str, *, short: int = 0, asks: bool = True
) -> Sentence:
    """With the seal, which an auditor asks for: it stays when the question and the colons are left out."""
    facts = _facts(figures, head, short) | {"seal": seal}
    if asks:
        return _(
            "{head}: {income}. {held}. Households up to date: {ready}/{all}. {waiting}. Seal {seal}. OK or ERR?",
            **facts,
        )
    facts["waiting"] = waiting(figures, bare=True)
    return _("{head}: {income}. {held}. Households up to date {ready}/{all}. {waiting}. Seal {seal}", **facts)


def _shortest(figures: Figures, head: str) -> Sentence:
    """For sums of hundreds of millions in each place."""
    facts = _facts(figures, head, SHORTEST) | {"waiting": waiting(figures, bare=True)}
    return _("{head}: {income}. {held}. Up to date {ready}/{all}. {waiting}", **facts)


def _facts(figures: Figures, head: Sentence | str, short: int) -> dict[str, Fact]:
    return {
        "head": head,
        "income": income(figures, short),
        "held": held(figures, short),
        "ready": figures.up_to_date,
        "all": figures.households,
        "waiting": waiting(figures) if short else waiting(figures, in_words=True),
    }


def _amount(found: Holdings, amount_minor: int, short: int) -> Money | str:
    """An amount; in all short forms without its currency sign."""
    money = Money(amount_minor, found.mutuelle.currency)
    return money.bare if short else money


def income(found: Holdings, short: int = 0) -> Sentence:
    """What members paid, and how many households of them."""
    if not found.received_minor:
        return _("nothing received")
    received = _amount(found, found.received_minor, short)
    if short >= NO_PAYERS:
        return _("{received} ({payers})", received=received, payers=found.payers)
    return _n(
        "{received} from {n} household", "{received} from {n} households", found.payers, received=received
    )


def held(found: Holdings, short: int = 0) -> Sentence:
    """How much money is where; cash that collectors hold is not in the box."""
    box = _box(found, short)
    if not found.shows_mobile:
        if not found.bank_minor:
            return box
        return _("{box}, bank {bank}", box=box, bank=_amount(found, found.bank_minor, short))
    mobile = _amount(found, found.mobile_minor, short)
    if not found.bank_minor:
        return _("{box}, mobile {mobile}", box=box, mobile=mobile)
    bank = _amount(found, found.bank_minor, short)
    return _("{box}, mobile {mobile}, bank {bank}", box=box, mobile=mobile, bank=bank)


def _box(found: Holdings, short: int) -> Sentence:
    cash = _amount(found, found.cash_minor - found.collectors_minor, short)
    if not found.collectors_minor:
        return _("Cash {cash}", cash=cash)
    collectors = _amount(found, found.collectors_minor, short)
    if short == SHORTEST:
        return _("Cash {cash}, coll. {collectors}", cash=cash, collectors=collectors)
    return _("Cash {cash}, collectors {collectors}", cash=cash, collectors=collectors)


def waiting(figures: Figures, *, bare: bool = False, in_words: bool = False) -> Sentence:
    """The payments without a final outcome or an owner; `bare`: in as few letters as possible.

    The age is that of the oldest one, at least an hour.
    """
    if figures.oldest_at is None:
        return _("Nothing to check")
    age = figures.at - figures.oldest_at
    hours = max(age // timedelta(hours=1), 1)
    since = _("{days} d", days=age // DAY) if age >= DAY else _("{hours} h", hours=hours)
    if in_words and not figures.late:
        return _n(
            "To check: {n} payment, {age} old",
            "To check: {n} payments, the oldest {age} old",
            figures.unresolved,
            age=since,
        )
    facts: dict[str, Fact] = {"count": figures.unresolved, "age": since}
    if figures.late:
        return _("To check: {count} ({age}), late cash {late}", **facts, late=figures.late)
    if bare:
        return _("To check {count} ({age})", **facts)
    return _("To check: {count} ({age})", **facts)
