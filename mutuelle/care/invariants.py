"""Invariants of care codes and of eligibility checks.

An answer binds the mutuelle, so the rules of cover are replayed on what was known when it was given
(`mutuelle/care/replay.py`).
"""

import re

from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import Invariant
from mutuelle.care.replay import answered_otherwise
from mutuelle.scheme.limits import USUAL


async def _answers_that_do_not_stand(db: AsyncConnection) -> list[str]:
    return [f"{one.answer.mutuelle_id} {one.answer.reference}" for one in await answered_otherwise(db)]


def past_limit(limit: str, whose: str, table: str, at: str, counted: str) -> str:
    """The query for who has more rows of `table` that are `counted`, on one channel and day, than `limit` allows."""
    query = """
        select day.mutuelle_id || ' ' || day.whose || ' ' || day.made_on
        from (select f.mutuelle_id, f.WHOSE as whose, (f.MADE_AT at time zone m.timezone)::date as made_on, count(*)
              from TABLE f join mutuelle m on m.id = f.mutuelle_id
              where COUNTED
              group by f.mutuelle_id, f.WHOSE, f.channel = 'sms', made_on) day
        where day.count > greatest( -- of a day on which the limit changed, the higher one
            coalesce((select value from mutuelle_limit l where l.mutuelle_id = day.mutuelle_id
                         and l.name = 'LIMIT' and l.since < day.made_on
                       order by since desc, version desc limit 1), USUAL),
            (select max(value) from mutuelle_limit l where l.mutuelle_id = day.mutuelle_id
                and l.name = 'LIMIT' and l.since = day.made_on))
        """
    words = {"WHOSE": whose, "MADE_AT": at, "TABLE": table, "COUNTED": counted, "LIMIT": limit}
    words["USUAL"] = str(getattr(USUAL, limit))
    return re.sub(r"\b[A-Z_]+\b", lambda word: words[word[0]], query)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "care_code_of_a_known_phone",
        "No phone of which nobody knows who holds it has made a care code since.",
        """
        select c.mutuelle_id || ' ' || c.number || ' ' || c.position from care_code c
        join household_phone p on p.mutuelle_id = c.mutuelle_id and p.number = c.number and p.phone = c.made_by
        where c.made_at > p.doubted_at
        """,
    ),
    Invariant(
        "check_answer_stands",
        "What a doctor was answered is the cover that the books gave when he asked, or a person has looked at it.",
        _answers_that_do_not_stand,
    ),
    Invariant(
        "check_used_its_code",
        "An answer used up the code that was made for its patient or on the household's card, and no code was used up "
        "without one.",
        """
        select coalesce(c.mutuelle_id, k.mutuelle_id) || ' ' || coalesce(c.reference, k.number || '-' || k.position)
        from (select * from eligibility_check where code_position is not null) c
        full join care_code k on k.mutuelle_id = c.mutuelle_id and k.number = c.number and k.position = c.code_position
        where (c.reference is not null or k.used_at is not null)
          and (c.asked_at is distinct from k.used_at or k.card is null and c.rank is distinct from k.rank)
        """,
    ),
    Invariant(
        "card_code_was_in_hand",
        "A code of a card served after the card was handed over, and before it ended.",
        """
        select k.mutuelle_id || ' ' || k.number || '-' || k.position from care_code k
        join care_card c on c.mutuelle_id = k.mutuelle_id and c.number = k.number and c.card = k.card
        where k.used_at is not null
          and (c.handed_at is null or k.used_at < c.handed_at or k.used_at > c.ended_at)
        """,
    ),
    Invariant(
        "card_has_ten_codes",
        "A card has ten codes.",
        """
        select c.mutuelle_id || ' ' || c.number || '-' || c.card from care_card c
        left join care_code k on k.mutuelle_id = c.mutuelle_id and k.number = c.number and k.card = c.card
        group by c.mutuelle_id, c.number, c.card having count(k.line) <> 10
        """,
    ),
    Invariant(
        "check_was_told",
        "A household whose phone is its own, and that has not said 'not me', was told of every check of its cover.",
        """
        select c.mutuelle_id || ' ' || c.reference from eligibility_check c
        where exists (select from household_phone p join household h using (mutuelle_id, number)
              where p.mutuelle_id = c.mutuelle_id and p.number = c.number and p.since <= c.asked_at
                and (h.registered_by is null or h.confirmed_at < c.asked_at))
          and not exists (select from household_change d where d.mutuelle_id = c.mutuelle_id and d.number = c.number
                and d.what = 'denied' and d.changed_at <= c.asked_at)
          and not exists (select from sms_outbox o where o.mutuelle_id = c.mutuelle_id
                and o.key = 'cover checked ' || c.reference || ' 1')
        """,
    ),
    Invariant(
        "check_was_told_to_treasurers",
        "The treasurers in office were told of every check that no phone of the household made.",
        """
        select c.mutuelle_id || ' ' || c.reference from eligibility_check c
        join mutuelle m on m.id = c.mutuelle_id
        left join care_code k on k.mutuelle_id = c.mutuelle_id and k.number = c.number and k.position = c.code_position
        where (k.position is null or k.card is not null)
          and exists (select from officer o where o.mutuelle_id = c.mutuelle_id and o.role = 'treasurer'
                and (c.asked_at at time zone m.timezone)::date between o.since and coalesce(o.until, 'infinity'))
          and not exists (select from sms_outbox s where s.mutuelle_id = c.mutuelle_id
                and s.key = 'check to know ' || c.reference || ' 1')
        """,
    ),
    Invariant(
        "care_code_lives_briefly",
        "A code for care that was made on a phone lives fifteen minutes.",
        """
        select mutuelle_id || ' ' || number || '-' || position from care_code
        where card is null and expires_at <> made_at + interval '15 minutes'
        """,
    ),
    Invariant(
        "failed_checks_stop",
        "No facility tries on by SMS, or by calls, after its day's wrong numbers and codes.",
        past_limit(
            "guesses_a_day",
            "facility_id",
            "failed_check",
            "tried_at",
            "reason not in ('used', 'frozen') and forgiven_at is null",
        ),
    ),
    Invariant(
        "checks_without_code_stop",
        "No doctor, by SMS or by calls, has more answers without a code than his day's.",
        past_limit(
            "without_code_a_doctor", "doctor_phone", "eligibility_check", "asked_at", "code_position is null"
        ),
    ),
    Invariant(
        "checks_without_code_stop_in_facility",
        "No facility, by SMS or by calls, has more answers without a code than its day's.",
        past_limit(
            "without_code_a_facility", "facility_id", "eligibility_check", "asked_at", "code_position is null"
        ),
    ),
)
