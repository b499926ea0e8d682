"""Leases on messages to send: claims, budgets a phone, results, retries.

The result of a send is written only with the lease token of its claim; a claim that lost its token writes nothing.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from uuid import UUID, uuid4

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prepared import Prepared
from sms.delivery import ended_by_stop
from sms.provider import Provider, SendResult, SendStatus
from sms.routes import Routes
from sms.tables import OWN_STOPS, MessageState, outbox
from timing import Clock

log = logging.getLogger("keneya.sms")

CALL_LIMIT = timedelta(seconds=45)  # two calls (the second without a sender id), 12 s each, and a margin
LEASE = timedelta(seconds=90)  # twice the call: after it no sender can still be at work

MAX_ATTEMPTS = (
    12  # with the waits below about two hours; then the message is too old, and a person looks at it
)
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
ACCOUNT_WAIT = timedelta(minutes=5)  # a person tops up the account: retrying more often is useless

# So long after a call without an answer its provider is taken for silent: new messages go to the other of their route.
SILENCE = timedelta(minutes=2)

DAY = timedelta(days=1)
# A forged or mistaken flood to one phone costs the mutuelle at most this many messages a day; a member who uses every
# service in one day receives about ten. Two senders at the same moment may go one over: it is a brake, not exact.
ORDINARY_A_DAY = 30
# Receipts have their own budget, above the payments of the busiest collector's phone in a day.
RECEIPTS_A_DAY = 300
# Replies have a third. `sms/limits.py` limits how many messages are answered (a member 60 a day, a doctor 300), so this
# is only the last brake.
REPLIES_A_DAY = 300

_chance = SystemRandom()


@dataclass(frozen=True)
class Claim:
    """A message that this process may send until the lease expires. `attempts` includes this one."""

    mutuelle: str
    id: UUID
    phone: str
    body: str
    template: str
    attempts: int
    resends: int
    provider: str
    refused_by: str | None  # the other provider, which refused it for good
    reference: str | None  # ours, if the provider's reports name it
    token: UUID


async def claim_due(
    db: AsyncConnection, provider: Provider, routes: Routes, clock: Clock, limit: int
) -> tuple[list[Claim], int]:
    """Claim up to `limit` messages due at `provider`, receipts and replies first; also returns how many were withheld.

    A message waits for the provider that it was given to, else for the first of its route that is not silent.
    """
    token, now = uuid4(), clock()
    facts = {
        "now": now,
        "limit": min(limit, provider.concurrency),
        "token": token,
        "lease_until": now + LEASE,
        "provider": provider.name,
        "by_reference": provider.reports_by_reference,
        "accounts": list(routes.accounts),
        "prefixes": [prefix for prefix, _order in routes.by_prefix],
        "firsts": [order[0] for _prefix, order in routes.by_prefix],
        "seconds": [order[-1] for _prefix, order in routes.by_prefix],
        "silent_since": clock.ago(SILENCE),
        "day_ago": clock.ago(DAY),
        "ordinary": ORDINARY_A_DAY,
        "replies": REPLIES_A_DAY,
        "receipts": RECEIPTS_A_DAY,
    }
    rows = (await db.execute(_CLAIM, facts)).all()
    for row in rows:
        if row.state == MessageState.WITHHELD:
            log.info(
                "sms_withheld", extra={"mutuelle": row.mutuelle_id, "sms": str(row.id), "reason": row.reason}
            )
    claims = [
        Claim(
            row.mutuelle_id,
            row.id,
            row.phone,
            row.body,
            row.template,
            row.attempts,
            row.resends,
            provider.name,
            row.refused_by,
            row.provider_message_id,
            token,
        )
        for row in rows
        if row.state == MessageState.SENDING
    ]
    return claims, len(rows) - len(claims)


IS_DUE = "state = 'DUE' and due_at <= cast(:now as timestamptz)"
_CLAIM = text(
    """
    with route as (
        select * from unnest(cast(:prefixes as text[]), cast(:firsts as text[]), cast(:seconds as text[]))
            with ordinality as routes (prefix, one, two, nth) -- the longest prefix first
    ), silent as ( -- a message that it was given since is in doubt
        select distinct provider as name from sms_outbox
        where state = 'IN_DOUBT' and in_doubt_at > cast(:silent_since as timestamptz)
    ), due as (
        select mutuelle_id, id, phone, template, is_reply, attempts, due_at,
            case when receipt_code is not null then 'receipt' when is_reply then 'reply' else 'ordinary' end as kind
        from sms_outbox waiting
        where IS_DUE and cast(:provider as text) = coalesce(
            case when waiting.provider = any (cast(:accounts as text[]))
                and (attempts > 0 or waiting.provider not in (select name from silent)) then waiting.provider end,
            (select candidate.name from (select one, two from route where starts_with(waiting.phone, prefix)
                        order by nth limit 1) mine
                    cross join lateral (values (one, 1), (two, 2)) as candidate (name, place)
                order by candidate.name is not distinct from waiting.refused_by,
                    candidate.name in (select name from silent), place limit 1))
        order by (receipt_code is null and not is_reply), due_at
        limit :limit
        for update skip locked
    ), budget as ( -- of ordinary messages: what a mutuelle has decided, or the usual
        select mutuelle_id, coalesce((
                select l.value from mutuelle_limit l join mutuelle m on m.id = l.mutuelle_id
                where l.mutuelle_id = whose.mutuelle_id and l.name = 'messages_a_day'
                    and l.since <= (cast(:now as timestamptz) at time zone m.timezone)::date
                order by l.since desc, l.version desc limit 1
            ), cast(:ordinary as int)) as ordinary
        from (select distinct mutuelle_id from due) whose
    ), counted as (
        select due.*,
            row_number() over (
                partition by mutuelle_id, phone, kind, attempts = 0 order by due_at, id
            ) + (
                select count(*) from sms_outbox sent
                where sent.mutuelle_id = due.mutuelle_id and sent.phone = due.phone
                    and sent.called_at > :day_ago
                    and case when sent.receipt_code is not null then 'receipt' when sent.is_reply then 'reply'
                        else 'ordinary' end = due.kind
            ) as nth
        from due
    ), judged as (
        select counted.*, case
            when ENDED_BY_STOP then 'the phone said STOP'
            when attempts = 0 and nth > case kind when 'receipt' then cast(:receipts as int)
                when 'reply' then cast(:replies as int) else budget.ordinary end
                then 'over the budget of its phone and day'
            end as withheld
        from counted join budget using (mutuelle_id)
    )
    update sms_outbox message set
        state = case when withheld is null then 'SENDING' else 'WITHHELD' end,
        reason = withheld,
        final_at = case when withheld is not null then cast(:now as timestamptz) end,
        lease_token = case when withheld is null then cast(:token as uuid) end,
        lease_until = case when withheld is null then cast(:lease_until as timestamptz) end,
        called_at = case when withheld is null then :now else message.called_at end,
        attempts = message.attempts + case when withheld is null then 1 else 0 end,
        provider_message_id = case when withheld is null and cast(:by_reference as boolean) then message.id::text end,
        provider = :provider
    from judged
    where message.mutuelle_id = judged.mutuelle_id and message.id = judged.id
    returning message.mutuelle_id, message.id, message.phone, message.body, message.template, message.state,
        message.attempts, message.resends, message.reason, message.refused_by, message.provider_message_id
    """.replace("IS_DUE", IS_DUE).replace(
        "ENDED_BY_STOP", ended_by_stop("counted", "cast(:provider as text)")
    )
)


async def phones_reached(
    db: AsyncConnection, mutuelle: str, phones: Collection[str], now: datetime
) -> list[str]:
    """Those of `phones` to which a receipt of `mutuelle` that is written now will be handed over."""
    whose = {"mutuelle": mutuelle, "phones": list(phones), "own": list(OWN_STOPS)}
    limits = {"day_ago": now - DAY, "receipts": RECEIPTS_A_DAY}
    return [phone for (phone,) in await _REACHED.rows(db, whose | limits)]


# The array stands in a query of its own: so the planner, who never knows how long it is, keeps one plan.
_REACHED = Prepared(
    text("""
    select phone from unnest((select cast(:phones as text[]))) as asked (phone)
    where not exists (select from sms_optout stop
            where stop.phone = asked.phone and stop.until is null and stop.source <> all (cast(:own as text[])))
        and cast(:receipts as int) > (select count(*) from sms_outbox sent
            where sent.mutuelle_id = :mutuelle and sent.phone = asked.phone and sent.receipt_code is not null
                and coalesce(sent.called_at, sent.created_at) > :day_ago)
    """)
)


async def record(
    db: AsyncConnection, claim: Claim, outcome: SendResult, routes: Routes, clock: Clock
) -> None:
    """Write the result of a call, also after the lease expired, unless the message is being resent."""
    values = {
        "provider_message_id": outcome.provider_message_id or claim.reference,
        "provider_status": outcome.status,
        "reason": outcome.reason,
        **_consequence(claim, outcome, routes.of(claim.phone), clock),
    }
    kept = await _write(db, claim, values)
    event = "sms_outcome" if kept else "sms_lease_lost"
    level = logging.INFO if kept and outcome.answer is SendStatus.ACCEPTED else logging.WARNING
    level = (
        logging.ERROR if values["state"] == MessageState.FAILED else level
    )  # not retried: a person must see it
    facts = {
        "mutuelle": claim.mutuelle,
        "sms": str(claim.id),
        "template": claim.template,
        "state": values["state"],
    }
    log.log(level, event, extra={**facts, "reason": outcome.reason, "resends": claim.resends})


async def give_back(db: AsyncConnection, claim: Claim) -> None:
    """Undo a claim whose call was not begun."""
    await _write(db, claim, {"state": MessageState.DUE, "attempts": claim.attempts - 1, "in_doubt_at": None})


async def _write(db: AsyncConnection, claim: Claim, values: Mapping[str, object]) -> bool:
    """Update the message and end the lease; False if the lease token is not this claim's any more."""
    ours = (
        (outbox.c.mutuelle_id == claim.mutuelle)
        & (outbox.c.id == claim.id)
        & (outbox.c.lease_token == claim.token)
        & outbox.c.state.in_([MessageState.SENDING, MessageState.IN_DOUBT])
    )
    free = {"lease_token": None, "lease_until": None}
    result = await db.execute(update(outbox).where(ours).values(**free, **values))
    return result.rowcount == 1


def _consequence(claim: Claim, outcome: SendResult, route: Sequence[str], clock: Clock) -> dict[str, object]:
    """The columns to write for each answer of the provider."""
    now = clock()
    unsent = {"state": MessageState.DUE, "due_at": now, "in_doubt_at": None}
    if outcome.answer not in (SendStatus.ACCEPTED, SendStatus.UNKNOWN) and (
        other := _other(claim, outcome, route)
    ):
        refused_by = claim.provider if outcome.answer is SendStatus.REFUSED else claim.refused_by
        return unsent | {"provider": other, "refused_by": refused_by}
    rounds = -(-claim.attempts // max(1, len(route)))  # of all its providers
    again = unsent | {"provider": claim.provider if claim.resends or claim.refused_by else None}
    match outcome.answer:
        case SendStatus.ACCEPTED:
            return {"state": MessageState.SENT, "sent_at": now, "in_doubt_at": None}
        case SendStatus.UNKNOWN:
            return {"state": MessageState.IN_DOUBT, "in_doubt_at": now}
        case SendStatus.ACCOUNT:
            return again | {"due_at": clock.until(ACCOUNT_WAIT), "attempts": claim.attempts - 1}
        case SendStatus.LATER if rounds < MAX_ATTEMPTS:
            return again | {"due_at": clock.until(_backoff(rounds))}
        case SendStatus.LATER | SendStatus.REFUSED:
            return {"state": MessageState.FAILED, "final_at": now, "in_doubt_at": None}


def _other(claim: Claim, outcome: SendResult, route: Sequence[str]) -> str | None:
    """The provider to which a message goes at once that this one has proven unsent; None if there is none.

    One that refused it for good gets it never again; otherwise the last of the route waits. A resend has no other: its
    first call may have sent it.
    """
    if claim.resends:
        return None
    place = route.index(claim.provider) + 1 if claim.provider in route else 0
    left = route if outcome.answer is SendStatus.REFUSED else route[place:]
    return next((name for name in left if name not in (claim.provider, claim.refused_by)), None)


def _backoff(attempts: int) -> timedelta:
    """Exponential backoff with full jitter, so that retries do not all meet a recovered provider at once."""
    longest: timedelta = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1))
    return longest * _chance.random()
