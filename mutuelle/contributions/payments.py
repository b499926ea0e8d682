"""Payments: the states of a contribution between the request and the posting, and which moves are legal.

A payment fails only on proof. The operator is asked about an UNKNOWN one until the outcome is known.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mobilemoney.accounts import capabilities_of, known_capabilities
from mobilemoney.networks import DialCode, network_by_prefix, networks
from mobilemoney.operator import AmountLimits, Flow
from mutuelle.acts import By
from mutuelle.free_codes import draw_free
from mutuelle.household_key import of_household
from mutuelle.households.households import Household
from mutuelle.locks import Lock, lock
from mutuelle.scheme.products import Offer
from mutuelle.tables import (
    household_phone,
    operator_account,
    operator_health,
    payer_refusal,
    payment,
    payment_case,
    payment_move,
    payout,
    payout_case,
    payout_move,
    phone_network,
    policy,
    route,
)
from prepared import Prepared
from talk.answers import Secret
from talk.phones import region_of, shown_phone
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

CONTRIBUTION = "contribution"
ASKS_A_DAY = 10  # by one phone, for other households or with other phones
PROMPTS_A_DAY = 3  # on a phone that did not ask for them
# Longer than any operator lets a prompt live, the wait for the end of the call included. Members read it.
HELD_UP_FOR = timedelta(minutes=10)


class PaymentState(StrEnum):
    """ASKED: not sent yet. SENT: no answer yet. UNKNOWN: the outcome is not known, the operator is asked again."""

    ASKED = "ASKED"
    SENT = "SENT"
    PENDING = "PENDING"
    UNKNOWN = "UNKNOWN"
    PAID = "PAID"
    FAILED = "FAILED"
    REVERSED = "REVERSED"


S = PaymentState
OPEN = (S.ASKED, S.SENT, S.PENDING, S.UNKNOWN)
LEGAL: dict[PaymentState, frozenset[PaymentState]] = {
    S.ASKED: frozenset({S.SENT, S.FAILED}),  # FAILED: it waited too long to be sent
    S.SENT: frozenset({S.PENDING, S.UNKNOWN, S.PAID, S.FAILED}),
    S.PENDING: frozenset({S.UNKNOWN, S.PAID, S.FAILED}),
    S.UNKNOWN: frozenset({S.PENDING, S.PAID, S.FAILED}),
    S.PAID: frozenset({S.REVERSED}),
    S.FAILED: frozenset(),  # to PAID only by a correction that two people sign: correct_to_paid
    S.REVERSED: frozenset(),
}


class IllegalMoveError(Exception):
    """A payment or payout may not go from its state to that one."""


@dataclass(frozen=True)
class Kept:
    """Where what operators are asked for is kept: rows, their moves and their cases.

    Payouts have tables of their own and the same states.
    """

    rows: sa.Table
    moves: sa.Table
    cases: sa.Table


@value
class KeptRow:
    """One payment or payout."""

    kept: Kept
    mutuelle_id: str
    reference: UUID

    @property
    def is_it(self) -> sa.ColumnElement[bool]:
        """The condition: a row is this one."""
        of = self.kept.rows.c
        return (of.mutuelle_id == self.mutuelle_id) & (of.reference == self.reference)


PAYMENTS = Kept(payment, payment_move, payment_case)
PAYOUTS = Kept(payout, payout_move, payout_case)


UNDER_WAY = _("A payment for this household is already under way. Please wait a few minutes and try again.")


@dataclass(frozen=True)
class OpenPayment:
    """A payment under way, as its household may see it."""

    amount: Money
    payer_phone: str
    asked_at: datetime
    by_another: bool = False  # asked by none of the household's phones
    operator: str = ""
    network: str = ""

    def holds_up_cash(self, at: datetime) -> bool:
        """Whether its payer may be approving it: no cash is taken beside it. What comes later is credit."""
        return at - self.asked_at < HELD_UP_FOR

    @property
    def way(self) -> "PaymentWay":
        """How its payer is asked."""
        return PaymentWay(self.operator, "", self.network)


def receipt_code(reference: UUID) -> str:
    """Six letters and digits that a person can read over the phone; the same for ever for one payment."""
    return base64.b32encode(hashlib.sha256(reference.bytes).digest())[:6].decode()


async def open_payment(db: AsyncConnection, household: Household) -> OpenPayment | None:
    """The payment under way for a household, its own before another's."""
    found = await db.execute(
        select(
            payment.c.amount_minor,
            payment.c.currency,
            payment.c.payer_phone,
            payment.c.asked_at,
            payment.c.by_another,
            payment.c.operator,
            payment.c.network,
        )
        .where(
            of_household(payment, household),
            payment.c.purpose == CONTRIBUTION,
            payment.c.state.in_(OPEN),
        )
        .order_by(payment.c.by_another)
        .limit(1)
    )
    row = found.one_or_none()
    return OpenPayment(Money(*row[:2]), *row[2:]) if row else None


@value
class PaymentWay:
    """How a phone is asked for a mutuelle's money: the operator, the account there, and the phone's network.

    `is_down`: the operator does not answer now; it may still be tried.
    """

    operator: str
    account: str
    network: str
    is_down: bool = False

    @property
    def flow(self) -> Flow:
        """What the payer does."""
        can = known_capabilities(self.operator)
        return (can and can.flow(self.network)) or Flow.PUSH

    @property
    def network_name(self) -> str:
        """What its customers call the network; empty where nobody knows it."""
        return networks()[self.network].name if self.network else ""

    @property
    def takes_code(self) -> bool:
        """Whether she gets a code from her network before, and types it."""
        return self.flow is Flow.OTP_FIRST

    @property
    def code_dialled(self) -> Fact | None:
        """What she dials for that code; None where no documentation says it."""
        code = networks()[self.network].get_code if self.network else None
        return dialled(code) if code else None

    @property
    def found_by(self) -> Fact | None:
        """What she dials to find a request that does not show on her phone; None where no documentation says it."""
        can = known_capabilities(self.operator)
        if can is not None and can.find_prompt:
            return can.find_prompt
        code = networks()[self.network].find_prompt if self.network in networks() else None
        return dialled(code) if code else None

    def limits(self, currency: str) -> AmountLimits | None:
        """What one payment can move; None for a currency that the operator does not move."""
        return capabilities_of(self.operator).limits.get(currency)

    def at_once(self, least: Money, most: Money) -> tuple[Money, Money] | None:
        """What one payment can move of what may be paid, from `least` to `most`; None where it can move nothing."""
        if (limits := self.limits(most.currency)) is None:
            return None
        step = limits.step_minor
        from_minor = -(-max(least.amount_minor, limits.least_minor) // step) * step
        to_minor = min(most.amount_minor, limits.most_minor) // step * step
        if from_minor > to_minor:
            return None
        return Money(from_minor, most.currency), Money(to_minor, most.currency)


def dialled(code: DialCode) -> Fact:
    """What is dialled, and pressed then."""
    return _("{code} then {choice}", code=code.dial, choice=code.choice) if code.choice else code.dial


@value
class PayingPhone:
    """A phone that is asked for money. `network` where the caller says that it is another one than we know; `otp` what
    she typed where the network gives a code before.
    """

    phone: str
    network: str = ""
    otp: Secret | None = None


def network_facts(phone: str, chosen: str = "") -> dict[str, str]:
    """The values in NETWORK and SERVED: a phone, its country, its network by its prefix, and the one `chosen` now."""
    country, by_prefix = region_of(phone), network_by_prefix(phone)
    return {"payer": phone, "country": country, "by_prefix": by_prefix, "chosen": chosen}


_BY_PREFIX = sa.bindparam("by_prefix", type_=sa.Text)
NETWORK = func.coalesce(
    func.nullif(sa.bindparam("chosen", type_=sa.Text), ""),
    select(phone_network.c.network)
    .where(phone_network.c.phone == sa.bindparam("payer", type_=sa.Text))
    .scalar_subquery(),
    _BY_PREFIX,
)
# Whether a route is for a phone: one of its network, or of its country where the operator asks any phone.
SERVED = route.c.network.in_([sa.bindparam("country", type_=sa.Text), NETWORK])
ITS_ACCOUNT = (route.c.mutuelle_id == operator_account.c.mutuelle_id) & (
    route.c.account == operator_account.c.name
)
# Whether an account does not answer; of the accounts that are joined with their health.
IS_DOWN = func.coalesce(operator_health.c.state == "DOWN", False)
ITS_HEALTH = (operator_health.c.mutuelle_id == route.c.mutuelle_id) & (
    operator_health.c.account == route.c.account
)
_ROUTE = (
    select(operator_account.c.operator, operator_account.c.name, NETWORK)
    .join(route, ITS_ACCOUNT)
    .where(route.c.mutuelle_id == sa.bindparam("mutuelle", type_=sa.Text), SERVED)
    .order_by(func.length(route.c.network).desc())
    .limit(1)
)


async def networks_said(db: AsyncConnection, phones: Sequence[str]) -> dict[str, str]:
    """The networks of those of these phones that are on another one than their prefix says."""
    rows = await db.execute(
        select(phone_network.c.phone, phone_network.c.network).where(phone_network.c.phone.in_(phones))
    )
    return {row.phone: row.network for row in rows}


def not_served(phone: str) -> Sentence:
    """No route asks this phone."""
    return _(
        "The phone {phone} cannot pay here by mobile money. Dial again, press 2: how to pay.",
        phone=shown_phone(phone),
    )


def not_without_code(way: PaymentWay) -> Sentence:
    """For who writes an SMS, and for who agreed before her network was one that gives codes."""
    return _("With {network} you pay with a code. For that, call the service.", network=way.network_name)


async def say_network(db: AsyncConnection, phone: str, network: str, at: datetime) -> None:
    """Remember that this phone is on that network; its prefix's own is not kept."""
    its = phone_network.c.phone == phone
    if network == network_by_prefix(phone):
        await db.execute(sa.delete(phone_network).where(its))
        return
    said = {"network": network, "since": at}
    await db.execute(
        insert(phone_network)
        .values(phone=phone, **said)
        .on_conflict_do_update(index_elements=["phone"], set_=said)
    )


async def ask_payment(
    db: AsyncConnection,
    caller: Caller,
    household: Household,
    amount: Money,
    payer: PayingPhone,
    *,
    renewal: Offer | None = None,
) -> UUID:
    """Queue a payment under our own reference, to be sent a little after the call; RefusedError if it is not allowed.

    The network that a caller says of her own phone is remembered; of another's phone it counts for this payment only.

    A household has at most one open payment of its own, of any phone or channel: the database guarantees it. Another
    may have one under way for it, which holds up nothing of its own, and is not asked beside one of its own. `renewal`
    is agreed to by the first franc of this payment: until it settles, the household is bound to nothing.
    """
    way = await _expect_allowed(db, caller, household, payer)
    _expect_amount(way, amount)
    if way.takes_code and payer.otp is None:
        raise RefusedError(not_without_code(way))
    if payer.network and payer.phone == caller.phone:
        await say_network(db, payer.phone, payer.network, caller.at)
    regime = renewal.share.regime if renewal and renewal.share else None
    row = {
        "mutuelle_id": household.mutuelle_id,
        "number": household.number,
        "purpose": CONTRIBUTION,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "payer_phone": payer.phone,
        "asked_by": caller.phone,
        "operator": way.operator,
        "account": way.account,
        "network": way.network,
        "otp": str(payer.otp) if way.takes_code else None,
        "state": S.ASKED,
        "asked_at": caller.at,
        "due_at": caller.at,
        "renews_code": renewal and renewal.product.code,
        "renews_version": renewal and renewal.product.version,
        "renews_members": renewal and renewal.members,
        "renews_minor": renewal and renewal.contribution_minor,
        "renews_regime": regime and regime.code,
        "renews_regime_since": regime and regime.since,
    }
    return await _insert(db, household, row)


async def _insert(db: AsyncConnection, household: Household, row: dict[str, object]) -> UUID:
    """Write the payment and its first move; its reference."""

    async def write(reference: UUID) -> bool:
        own = {
            "reference": reference,
            "receipt_code": receipt_code(reference),
            "notice_token": secrets.token_hex(20),
        }
        if await _ASK.value(db, row | own):
            return True
        if await open_payment(db, household):
            raise RefusedError(UNDER_WAY)
        return False  # thirty bits of a receipt code: one clash in a hundred thousand payments

    return await draw_free("receipt code", uuid4, write)


# Made once: SQLAlchemy takes longer to make them than PostgreSQL to answer.
_WISH = [
    payment.c[name]
    for name in (
        *(
            "mutuelle_id",
            "reference",
            "number",
            "purpose",
            "amount_minor",
            "currency",
            "payer_phone",
            "asked_by",
        ),
        *(
            "operator",
            "account",
            "network",
            "otp",
            "notice_token",
            "receipt_code",
            "state",
            "asked_at",
            "due_at",
        ),
        *("renews_code", "renews_version", "renews_members", "renews_minor"),
        *("renews_regime", "renews_regime_since"),
    )
]
_ASKS = {column.name: sa.bindparam(column.name, type_=column.type) for column in _WISH}
_ITS = {name: _ASKS[name] for name in ("mutuelle_id", "number")}
_BY_ANOTHER = ~sa.exists(
    select(household_phone.c.phone).filter_by(**_ITS, phone=_ASKS["asked_by"]).correlate(None)
)
_OWN = payment.alias("own")
_IS_OPEN: list[sa.ColumnElement[Any]] = [sa.literal_column(f"'{state}'") for state in OPEN]
_OWN_IS_OPEN = sa.exists(
    select(_OWN.c.reference).filter_by(**_ITS, by_another=False).where(_OWN.c.state.in_(_IS_OPEN))
)
_NEXT = select(sa.func.count() + 1).select_from(policy).filter_by(**_ITS).scalar_subquery()
_ASKED = (
    insert(payment)
    .from_select(
        [*_WISH, payment.c.renews_sequence, payment.c.by_another],
        select(*_ASKS.values(), sa.case((_ASKS["renews_code"].is_not(None), _NEXT)), _BY_ANOTHER).where(
            ~(_BY_ANOTHER & _OWN_IS_OPEN)
        ),
    )
    .on_conflict_do_nothing()
    .returning(payment.c.mutuelle_id, payment.c.reference, payment.c.asked_at)
    .cte("asked")
)
_FIRST = (sa.literal(one) for one in (1, S.ASKED.value, "caller", "agreed in the menu"))
_ASK = Prepared(
    insert(payment_move)
    .from_select(
        ["mutuelle_id", "reference", "position", "to_state", "actor", "reason", "moved_at"],
        select(_ASKED.c.mutuelle_id, _ASKED.c.reference, *_FIRST, _ASKED.c.asked_at),
    )
    .returning(payment_move.c.position)
)
_PHONE = sa.bindparam("phone", type_=sa.Text)
_IS_OWN = sa.exists().where(
    household_phone.c.mutuelle_id == payment.c.mutuelle_id,
    household_phone.c.number == payment.c.number,
    household_phone.c.phone == _PHONE,
)
_ASKED_LATELY = (
    select(sa.func.count())
    .select_from(payment)
    .where(
        payment.c.asked_by == _PHONE,
        payment.c.asked_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        sa.not_(_IS_OWN) | (payment.c.payer_phone != _PHONE),
    )
)


_LATELY = select(_ASKED_LATELY.scalar_subquery().label("asked")).subquery()
_OF_PAYER = _ROUTE.subquery("way")
_ALLOWED = Prepared(
    select(_LATELY.c.asked, *_OF_PAYER.c).select_from(_LATELY.outerjoin(_OF_PAYER, sa.true()))
)


async def _expect_allowed(
    db: AsyncConnection, caller: Caller, household: Household, payer: PayingPhone
) -> PaymentWay:
    """How the phone that pays is asked. Refused if no route serves it, if its owner is to be spared, and past
    today's limit of the calling phone, for other households or with other phones.
    """
    facts: dict[str, object] = {
        **network_facts(payer.phone, payer.network),
        "mutuelle": household.mutuelle_id,
    }
    facts |= {"phone": caller.phone, "since": caller.at - timedelta(days=1)}
    asked_lately, *way = await _ALLOWED.row(db, facts)
    if way[0] is None:
        raise RefusedError(not_served(payer.phone))
    if payer.phone != caller.phone:
        await _spare(db, payer.phone, caller.at)
    if asked_lately >= ASKS_A_DAY:
        raise RefusedError(_("You have asked enough for today. Please try tomorrow."))
    return PaymentWay(*way)


def _expect_amount(way: PaymentWay, amount: Money) -> None:
    """RefusedError for an amount that the operator cannot move at once."""
    limits = way.limits(amount.currency)
    if limits is None or not limits.allows(amount.amount_minor):
        raise RefusedError(beyond_limits(way, amount.currency))


def beyond_limits(way: PaymentWay, currency: str) -> Sentence:
    """What the operator of a phone can move at once."""
    limits = way.limits(currency)
    least, most = (limits.least_minor, limits.most_minor) if limits else (0, 0)
    return _(
        "This phone can pay {least} to {most} at once.",
        least=Money(least, currency),
        most=Money(most, currency),
    )


async def lock_phone(db: AsyncConnection, phone: str) -> None:
    """Lock this phone until the transaction ends: its limits and its first household are counted."""
    await lock(db, Lock.PHONE, phone)


async def _spare(db: AsyncConnection, phone: str, at: datetime) -> None:
    """Refused where the owner of `phone` takes no requests by others, or past their daily limit."""
    await lock_phone(db, phone)
    if await db.scalar(select(payer_refusal.c.phone).where(payer_refusal.c.phone == phone)):
        raise RefusedError(
            _("The phone {phone} takes no payment requests from others.", phone=shown_phone(phone))
        )
    asked = await db.scalar(
        select(sa.func.count())
        .select_from(payment)
        .where(
            payment.c.payer_phone == phone,
            payment.c.asked_by != phone,
            payment.c.asked_at > at - timedelta(days=1),
        )
    )
    if (asked or 0) >= PROMPTS_A_DAY:
        raise RefusedError(
            _("The phone {phone} was asked enough today. Please try tomorrow.", phone=shown_phone(phone))
        )


async def move(
    db: AsyncConnection, mutuelle_id: str, reference: UUID, to: PaymentState, *, by: By, **changes: object
) -> PaymentState:
    """Move a payment to the state `to`: `move_row`."""
    return await move_row(db, KeptRow(PAYMENTS, mutuelle_id, reference), to, by=by, **changes)


async def move_row(
    db: AsyncConnection, row: KeptRow, to: PaymentState, *, by: By, **changes: object
) -> PaymentState:
    """Move a payment or payout to the state `to`, with `changes` of its row, and note who and why; its former state.

    IllegalMoveError if LEGAL has no such move. A move to the present state only makes the `changes`.
    """
    was = await _lock_state(db, row)
    expect_legal(row.reference, was, to)
    await db.execute(sa.update(row.kept.rows).where(row.is_it).values(state=to, **changes))
    if to is not was:
        await _note_move(db, row, was, to, by)
    return was


async def correct_to_paid(db: AsyncConnection, row: KeptRow, *, by: By) -> None:
    """A payment or payout that had failed was paid, as two people signed; IllegalMoveError if it has not failed."""
    was = await _lock_state(db, row)
    if was is not S.FAILED:
        raise IllegalMoveError(f"{row.reference}: {was} to {S.PAID}, corrected")
    paid = sa.update(row.kept.rows).where(row.is_it).values(state=S.PAID, completed_at=by.at)
    await db.execute(paid)
    await _note_move(db, row, was, S.PAID, by)


async def _lock_state(db: AsyncConnection, row: KeptRow) -> PaymentState:
    state = select(row.kept.rows.c.state).where(row.is_it).with_for_update()
    return PaymentState((await db.execute(state)).scalar_one())


def expect_legal(reference: UUID, was: PaymentState, to: PaymentState) -> None:
    """IllegalMoveError if LEGAL has no such move; to stay is no move."""
    if to is not was and to not in LEGAL[was]:
        raise IllegalMoveError(f"{reference}: {was} to {to}")


async def open_case(
    db: AsyncConnection, mutuelle_id: str, reference: UUID, kind: str, detail: str, at: datetime
) -> None:
    """Open a case of a payment: `open_case_of`."""
    await open_case_of(db, KeptRow(PAYMENTS, mutuelle_id, reference), kind, detail, at)


async def open_case_of(db: AsyncConnection, row: KeptRow, kind: str, detail: str, at: datetime) -> None:
    """Open a case: a payment or payout that a person must look at, once for each kind of trouble."""
    case = {
        "mutuelle_id": row.mutuelle_id,
        "reference": row.reference,
        "kind": kind,
        "detail": detail,
        "opened_at": at,
    }
    await db.execute(insert(row.kept.cases).values(case).on_conflict_do_nothing())


async def _note_move(db: AsyncConnection, row: KeptRow, was: PaymentState, to: PaymentState, by: By) -> None:
    facts = {
        "mutuelle": row.mutuelle_id,
        "reference": row.reference,
        "was": was,
        "next": to,
        "actor": by.actor,
        "reason": by.reason,
        "at": by.at,
    }
    await db.execute(with_moves(_ONE_MOVE, row.kept), facts)


def with_moves(moved: str, kept: Kept = PAYMENTS) -> sa.TextClause:
    """A statement that writes down the moves of `moved` at `:at`, each after the last one of its payment or payout.

    `moved` selects, or changes rows and returns: mutuelle_id, reference, was, next, actor, reason.
    """
    return sa.text(f"with moved as ({moved}) {_NOTE_MOVES}".replace("MOVES", kept.moves.name))


_NOTE_MOVES = """
    insert into MOVES (mutuelle_id, reference, position, from_state, to_state, actor, reason, moved_at)
    select moved.mutuelle_id, moved.reference,
           1 + (select count(*) from MOVES before
                 where before.mutuelle_id = moved.mutuelle_id and before.reference = moved.reference),
           moved.was, moved.next, moved.actor, moved.reason, :at
      from moved where moved.was is distinct from moved.next
"""
_ONE_MOVE = """
    select cast(:mutuelle as text) as mutuelle_id, cast(:reference as uuid) as reference, cast(:was as text) as was,
           cast(:next as text) as next, cast(:actor as text) as actor, cast(:reason as text) as reason
"""
