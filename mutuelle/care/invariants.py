"""Invariants of care codes and of eligibility checks.

An answer binds the mutuelle, so the rules of cover are replayed on what was known when it was given
(`mutuelle/care/replay.py`).
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import Invariant
from mutuelle.care.replay import answered_otherwise
from mutuelle.scheme.limits import USUAL


async def _answers_that_do_not_stand(db: AsyncConnection) -> list[str]:
    return [f"{one.answer.mutuelle_id} {one.answer.reference}" for one in await answered_otherwise(db)]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "check_answer_stands",
        "What a doctor was answered is the cover that the books gave when he asked, or a person has looked at it.",
        _answers_that_do_not_stand,
    ),
    Invariant(
        "check_used_its_code",
        "An answer used up the code that was made for its patient, and no code was used up without one.",
        """
        select coalesce(c.mutuelle_id, k.mutuelle_id) || ' ' || coalesce(c.reference, k.number || '-' || k.position)
        from eligibility_check c
        full join care_code k on k.mutuelle_id = c.mutuelle_id and k.number = c.number and k.position = c.code_position
        where (c.reference is not null or k.used_at is not null)
          and (c.asked_at is distinct from k.used_at or c.rank is distinct from k.rank)
        """,
    ),
    Invariant(
        "check_was_told",
        "A household with a phone was told of every check of its cover.",
        """
        select c.mutuelle_id || ' ' || c.reference from eligibility_check c
        where exists (select from household_phone p where p.mutuelle_id = c.mutuelle_id and p.number = c.number
                and p.since <= c.asked_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = c.mutuelle_id
                and o.key = 'cover checked ' || c.reference || ' 1')
        """,
    ),
    Invariant(
        "care_code_lives_briefly",
        "A code for care lives fifteen minutes.",
        """
        select mutuelle_id || ' ' || number || '-' || position from care_code
        where expires_at <> made_at + interval '15 minutes'
        """,
    ),
    Invariant(
        "failed_checks_stop",
        "No facility tries on by SMS, or by calls, after its day's wrong numbers and codes.",
        """
        select day.mutuelle_id || ' ' || day.facility_id || ' ' || day.tried_on
        from (select f.mutuelle_id, f.facility_id, (f.tried_at at time zone m.timezone)::date as tried_on, count(*)
              from failed_check f join mutuelle m on m.id = f.mutuelle_id
              where f.reason <> 'used' and f.forgiven_at is null
              group by f.mutuelle_id, f.facility_id, f.channel = 'sms', tried_on) day
        where day.count > greatest( -- of a day on which the limit changed, the higher one
            coalesce((select value from mutuelle_limit l where l.mutuelle_id = day.mutuelle_id
                         and l.name = 'guesses_a_day' and l.since < day.tried_on
                       order by since desc, version desc limit 1), USUAL),
            (select max(value) from mutuelle_limit l where l.mutuelle_id = day.mutuelle_id
                and l.name = 'guesses_a_day' and l.since = day.tried_on))
        """.replace("USUAL", str(USUAL.guesses_a_day)),
    ),
)
