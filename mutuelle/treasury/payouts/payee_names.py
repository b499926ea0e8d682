"""In whose name the phone of a proposed payout is registered: asked by the worker, shown to the second treasurer.

It is kept as long as the proposal waits for her, and no longer: the next round deletes it.
"""

import asyncio
import logging
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mobilemoney.accounts import capabilities_of
from mobilemoney.operator import OperatorAccount, PayoutOperator
from mutuelle.contributions.collection import Round, accounts_named
from mutuelle.treasury.tables import payee_name
from values import value

log = logging.getLogger("keneya.payouts")

NAME_TRIES = 3  # then it is said that the operator tells no name
ASKED_AGAIN_AFTER = timedelta(seconds=20)
MOST_AT_ONCE = 16
MOST_LETTERS = 60


@value
class ToldName:
    """What the operator told so far, and how often it was asked."""

    name: str | None
    times: int


@value
class NameWanted:
    """A phone whose registered name a treasurer waits for, and the account that is asked."""

    mutuelle_id: str
    account: str
    phone: str


async def told_name(db: AsyncConnection, mutuelle_id: str, account: str, phone: str) -> ToldName | None:
    """What is known by now; None where nobody was asked yet."""
    n = payee_name.c
    its = (n.mutuelle_id == mutuelle_id) & (n.account == account) & (n.phone == phone)
    row = (await db.execute(select(n.name, n.times).where(its))).one_or_none()
    return ToldName(*row) if row else None


async def ask_names(house: Round) -> int:
    """Let go of the names that nobody waits for, and ask for those that somebody does; how many were asked for."""
    facts = {"now": house.clock(), "again": house.clock.ago(ASKED_AGAIN_AFTER), "tries": NAME_TRIES}
    telling = [name for name in house.operators if capabilities_of(name).tells_payee]
    async with house.pool.begin() as db:
        rows = await db.execute(_WANTED, {**facts, "operators": telling, "most": MOST_AT_ONCE})
        wanted = [NameWanted(*row) for row in rows]
        keys = [(one.mutuelle_id, one.account) for one in wanted]
        accounts = await accounts_named(db, keys, house.accounts.credentials)
    asked = (_ask(house, one, accounts[one.mutuelle_id, one.account]) for one in wanted)
    await asyncio.gather(*asked)
    return len(wanted)


async def _ask(house: Round, wanted: NameWanted, account: OperatorAccount) -> None:
    """A fault of one is none of another; it is asked again."""
    name: str | None = None
    try:
        operator = house.accounts.connect(account)
        if isinstance(operator, PayoutOperator):
            name = await operator.payee_name(wanted.phone)
    except Exception:
        log.exception("payout.name_not_asked", extra={"account": wanted.account})
    row = {
        "mutuelle_id": wanted.mutuelle_id,
        "account": wanted.account,
        "phone": wanted.phone,
        "name": _shown(name),
        "times": 1,
        "asked_at": house.clock(),
    }
    written = insert(payee_name).values(row)
    again = written.on_conflict_do_update(
        index_elements=["mutuelle_id", "account", "phone"],
        set_={
            "name": written.excluded.name,
            "times": payee_name.c.times + 1,
            "asked_at": written.excluded.asked_at,
        },
        where=payee_name.c.name.is_(None),
    )
    async with house.pool.begin() as db:
        await db.execute(again)


def _shown(name: str | None) -> str | None:
    """What a screen shows of a name: letters in one line; None for none."""
    letters = " ".join("".join(one if one.isprintable() else " " for one in name or "").split())
    return letters[:MOST_LETTERS].strip() or None


# Proposals that wait for a second signature, with the account and phone of each.
_OPEN_ACTS = """
    select a.mutuelle_id, a.facts ->> 'account' as account, a.facts ->> 'phone' as phone,
           a.facts ->> 'operator' as operator, a.proposed_at
      from joint_act a where a.kind = 'payout' and a.answer is null and a.expires_at > cast(:now as timestamptz)
"""
# Names that nobody waits for any more go; and what somebody waits for.
_WANTED = sa.text(
    """
    with let_go as (delete from payee_name n where not exists (
        select from (OPEN_ACTS) w
         where w.mutuelle_id = n.mutuelle_id and w.account = n.account and w.phone = n.phone))
    select w.mutuelle_id, w.account, w.phone from (OPEN_ACTS) w
      left join payee_name n using (mutuelle_id, account, phone)
     where w.operator = any(cast(:operators as text[]))
       and (n.times is null or (n.name is null and n.times < :tries and n.asked_at <= cast(:again as timestamptz)))
     group by 1, 2, 3 order by min(w.proposed_at) limit :most
    """.replace("OPEN_ACTS", _OPEN_ACTS)
)
