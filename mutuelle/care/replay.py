"""Replays the answers to doctors: the rules of cover, on what was known when each was given.

Known then were the journals recorded by then, the policies agreed to by then, and product versions, which never change.
Whether one person was covered is not replayed: people may be corrected later, and nothing keeps their past.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.statements import Entry, entries_of
from mutuelle.care.tables import eligibility_check
from mutuelle.contributions.standing import receipts
from mutuelle.cover.policies import Policy, Waiver, known_terms, policies_of, waivers_of
from mutuelle.cover.rules import Cover, CoverState, cover, periods
from mutuelle.dates import local_date
from mutuelle.households.tables import support_act
from mutuelle.scheme.products import products_of
from mutuelle.tables import mutuelle

REVIEW = "cover review"  # the support act: a person has reviewed answers that the rules do not give
CHUNK = 500  # households read at once


@dataclass(frozen=True)
class ReplayedAnswer:
    """An answer about the cover of a household, and the position of the book when it was given."""

    mutuelle_id: str
    number: str
    reference: str
    policies_known: int
    recorded_at: datetime
    asked_on: date
    state: CoverState
    until_on: date | None

    @property
    def said(self) -> tuple[CoverState, date | None]:
        return self.state, self.until_on


@dataclass(frozen=True)
class Otherwise:
    """An answer that the rules of cover do not give, and what they give."""

    answer: ReplayedAnswer
    by_the_rules: Cover

    @property
    def facts(self) -> dict[str, str]:
        """What a person reviews: which answer, what it said, and what the rules say."""
        said = (Cover(self.answer.state, until_on=self.answer.until_on), self.by_the_rules)
        answered, by_the_rules = (f"{one.state} {one.until_on}" for one in said)
        return {"reference": self.answer.reference, "answered": answered, "by the rules": by_the_rules}


async def answered_otherwise(db: AsyncConnection, mutuelle_id: str | None = None) -> list[Otherwise]:
    """The answers, of one mutuelle or of all, that the rules do not give and that nobody has reviewed."""
    found: list[Otherwise] = []
    reviewed = {tuple(row) for row in await db.execute(_REVIEWED)}
    by_household = [
        (key, list(group))
        for key, group in groupby(await _answers(db, mutuelle_id), lambda one: (one.mutuelle_id, one.number))
    ]
    for start in range(0, len(by_household), CHUNK):
        chunk = by_household[start : start + CHUNK]
        found += await _of_households(db, [answers for _key, answers in chunk])
    return [one for one in found if (one.answer.mutuelle_id, *one.facts.values()) not in reviewed]


async def _answers(db: AsyncConnection, mutuelle_id: str | None) -> list[ReplayedAnswer]:
    """Every answer, household by household."""
    check = eligibility_check.c
    wanted = (
        select(
            check.mutuelle_id,
            check.number,
            check.reference,
            check.policies_known,
            check.recorded_at,
            check.asked_at,
            mutuelle.c.timezone,
            check.state,
            check.until_on,
        )
        .join(mutuelle, mutuelle.c.id == check.mutuelle_id)
        .order_by(check.mutuelle_id, check.number, check.reference)
    )
    if mutuelle_id is not None:
        wanted = wanted.where(check.mutuelle_id == mutuelle_id)
    return [
        ReplayedAnswer(
            mutuelle_id=row.mutuelle_id,
            number=row.number,
            reference=row.reference,
            policies_known=row.policies_known,
            recorded_at=row.recorded_at,
            asked_on=local_date(row.asked_at, row.timezone),
            state=CoverState(row.state),
            until_on=row.until_on,
        )
        for row in await db.execute(wanted)
    ]


async def _of_households(db: AsyncConnection, answers: Sequence[Sequence[ReplayedAnswer]]) -> list[Otherwise]:
    """These households' answers that the rules do not give; policies and entries are read once for all."""
    firsts = [of_one[0] for of_one in answers]
    products = await products_of(db, {first.mutuelle_id for first in firsts})
    policies = await policies_of(db, firsts, products)
    waived = {
        mutuelle_id: await waivers_of(db, mutuelle_id, [one.number for one in firsts])
        for mutuelle_id in {first.mutuelle_id for first in firsts}
    }
    entries = await entries_of(db, [(first.mutuelle_id, accounts.member(first.number)) for first in firsts])
    return [
        Otherwise(answer, stands)
        for of_one, agreed, lines in zip(answers, policies, entries, strict=True)
        for answer, stands in _played(of_one, agreed, waived[of_one[0].mutuelle_id], lines)
        if answer.said != (stands.state, stands.until_on)
    ]


def _played(
    answers: Iterable[ReplayedAnswer],
    agreed: Sequence[Policy],
    waived: Mapping[str, Sequence[Waiver]],
    entries: Sequence[Entry],
) -> Iterable[tuple[ReplayedAnswer, Cover]]:
    """Each answer with the cover that was known when it was given."""
    for answer in answers:
        recorded = receipts(entries, answer.recorded_at)
        policies = agreed[: answer.policies_known]
        terms = known_terms(policies, waived.get(answer.number, ()), answer.recorded_at)
        yield answer, cover(periods(terms, recorded), answer.asked_on)


# An answer that was changed after its review counts as not reviewed: all its facts must agree.
_REVIEWED = select(
    support_act.c.mutuelle_id,
    *(support_act.c.facts[name].astext for name in ("reference", "answered", "by the rules")),
).where(support_act.c.act == REVIEW)
