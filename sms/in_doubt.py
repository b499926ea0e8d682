"""Messages in doubt, which may have been sent: a delivery report decides, else one resend, then a person.

A message is resent at most once, with the same words and receipt code, and only after REPORT_GRACE, in which its
delivery report may still come.
"""

import logging
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sms.delivery import apply_new_reports, ended_by_stop
from timing import Clock

log = logging.getLogger("keneya.sms")

REPORT_GRACE = timedelta(minutes=10)  # most reports come within seconds


async def settle_in_doubt(db: AsyncConnection, provider: str, clock: Clock) -> None:
    """In this order: expire leases, apply new delivery reports, resend once what is due for it at `provider`.

    Only the provider that may have a message resends it: two of them could both have sent it.
    """
    now = clock()
    lapsed = (await db.execute(_LAPSE, {"now": now})).all()
    for row in lapsed:
        log.warning("sms_lease_lapsed", extra={"mutuelle": row.mutuelle_id, "sms": str(row.id)})
    await apply_new_reports(db, now)
    resent = (
        await db.execute(_RESEND, {"now": now, "before": clock.ago(REPORT_GRACE), "provider": provider})
    ).all()
    for row in resent:
        log.warning("sms_resend", extra={"mutuelle": row.mutuelle_id, "sms": str(row.id)})


# The lease token stays: a sender that wakes before the resend may still record its outcome.
_LAPSE = text(
    """
    with lapsed as (
        select mutuelle_id, id from sms_outbox where state = 'SENDING' and lease_until <= :now
        for update skip locked
    )
    update sms_outbox message
    set state = 'IN_DOUBT', in_doubt_at = :now, lease_until = null, reason = 'no outcome within the lease'
    from lapsed where message.mutuelle_id = lapsed.mutuelle_id and message.id = lapsed.id
    returning message.mutuelle_id, message.id
    """
)

# After the one resend a message stays IN_DOUBT, for a person to see: a third SMS would not help.
_RESEND = text(
    """
    with doubtful as (
        select mutuelle_id, id from sms_outbox
        where state = 'IN_DOUBT' and resends = 0 and in_doubt_at <= :before and provider = :provider
            and not ENDED_BY_STOP
        for update skip locked
    )
    update sms_outbox message
    set state = 'DUE', due_at = :now, resends = 1, lease_token = null, in_doubt_at = null
    from doubtful where message.mutuelle_id = doubtful.mutuelle_id and message.id = doubtful.id
    returning message.mutuelle_id, message.id
    """.replace("ENDED_BY_STOP", ended_by_stop("sms_outbox", "sms_outbox.provider"))
)
