"""An operator's notice is a doorbell, never a proof: it is stored, and its payment is due at once.

Nothing in it is believed. A notice for a payment that has failed becomes a case for a person. It takes one statement to
find the payment and one to write all: each is a round trip, and operators may send a thousand a second.
"""

import hashlib
import logging
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mobilemoney import adapters
from mobilemoney.credentials import Credentials
from mobilemoney.operator import Notice
from mobilemoney.wire import reference as our_reference
from mutuelle.contributions.payments import PAYMENTS, PAYOUTS, Kept
from prepared import Prepared, Reader

log = logging.getLogger("keneya.notices")

SOON = timedelta(minutes=15)  # a notice of the failure itself comes within seconds, also repeated


class NoticeVerdict(StrEnum):
    """What became of a notice. FORGED: its operator signs, and has not signed this one; it is not stored."""

    STORED = "stored"
    UNKNOWN_ADDRESS = "unknown address"
    FORGED = "forged"


async def ring(
    db: AsyncConnection | Reader,
    operator: str,
    token: str,
    notice: Notice,
    credentials: Credentials,
    now: datetime,
) -> NoticeVerdict:
    """Store a notice and make its payment or payout due, in one statement.

    The token in its address is one payment's, or an account's: then the notice names our reference or the token of a
    first step. One that names no payment of ours is stored and logged, and answered like the others.
    """
    adapter = adapters().get(operator)
    if adapter is None:
        return NoticeVerdict.UNKNOWN_ADDRESS
    named = adapter.named_in(notice)
    address = {"operator": operator, "token": token}
    target = await _TARGET.row(db, {**address, "named": named, "reference": our_reference(named)})
    if target is None:
        return NoticeVerdict.UNKNOWN_ADDRESS
    mutuelle_id, account, reference, is_payout = target
    if why := adapter.forgery(notice, credentials.of(mutuelle_id, account, operator)):
        log.warning("notice.forged", extra={"operator": operator, "account": account, "why": why})
        return NoticeVerdict.FORGED
    said = {"body": notice.body, "hash": hashlib.sha256(notice.body).digest(), "now": now, "soon": SOON}
    await _RING[bool(is_payout)].rows(
        db, {**address, **said, "mutuelle": mutuelle_id, "reference": reference}
    )
    if reference is None:
        log.warning("notice.unmatched", extra={"operator": operator, "account": account})
    return NoticeVerdict.STORED


# The payment or payout that has this token; or the account, with the payment or payout of it that is named.
_TARGET = Prepared(
    sa.text(
        """
        select mutuelle_id, account, reference, false from payment
         where operator = cast(:operator as text) and notice_token = cast(:token as text)
        union all
        select mutuelle_id, account, reference, true from payout
         where operator = cast(:operator as text) and notice_token = cast(:token as text)
        union all
        select a.mutuelle_id, a.name, meant.reference, meant.is_payout from operator_account a
          left join lateral (
            select reference, false as is_payout from payment p where p.mutuelle_id = a.mutuelle_id
               and p.account = a.name
               and (p.reference = cast(:reference as uuid) or p.step_token = cast(:named as text))
            union all
            select reference, true from payout p where p.mutuelle_id = a.mutuelle_id and p.account = a.name
               and (p.reference = cast(:reference as uuid) or p.step_token = cast(:named as text))
            order by is_payout limit 1) meant on true
         where a.operator = cast(:operator as text) and a.notice_token = cast(:token as text)
        """
    )
)
# An open one is asked about at once, and in short waits again. One that is due already and that no worker asks about
# stays as it is: it will be asked about after this notice. One that failed long ago gets a case by the first notice.
_RINGS = """
    with meant as (
        select * from ROWS where mutuelle_id = cast(:mutuelle as text) and reference = cast(:reference as uuid)
    ), rung as (
        update ROWS p set due_at = :now, polls = 0 from meant
         where p.mutuelle_id = meant.mutuelle_id and p.reference = meant.reference
           and p.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')
           and (p.due_at > :now or p.polls > 0 or p.lease_token is not null)
    ), stored as (
        insert into money_notice as kept (operator, token, body_hash, body, received_at)
        values (:operator, :token, cast(:hash as bytea), cast(:body as bytea), :now)
        on conflict (operator, token, body_hash) do update set times = kept.times + 1
        returning times
    )
    insert into CASES (mutuelle_id, reference, kind, detail, opened_at)
    select meant.mutuelle_id, meant.reference, 'late notice', 'the operator rang for a ROWS that had failed', :now
      from meant, stored
     where meant.state = 'FAILED' and stored.times = 1 and :now - meant.due_at > cast(:soon as interval)
    on conflict do nothing
"""


def _ring(kept: Kept) -> Prepared:
    named = _RINGS.replace("ROWS", kept.rows.name).replace("CASES", kept.cases.name)
    return Prepared(sa.text(named.replace(":now", "cast(:now as timestamptz)")))


_RING = {kept is PAYOUTS: _ring(kept) for kept in (PAYMENTS, PAYOUTS)}
