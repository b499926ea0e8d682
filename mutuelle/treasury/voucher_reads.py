"""Vouchers as they are read: one by its reference, the last ones, money on its way between two own accounts."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money
from mutuelle.officers.tables import joint_act
from mutuelle.treasury.tables import voucher as vouchers
from mutuelle.treasury.voucher_kinds import (
    SUSPENSE,
    NumberedVoucher,
    VoucherKind,
)


async def voucher_of(db: AsyncConnection, mutuelle_id: str, reference: str) -> NumberedVoucher | None:
    """The voucher with this reference."""
    found = await vouchers_where(db, mutuelle_id, vouchers.c.reference == UUID(reference))
    return found[0] if found else None


async def last_vouchers(db: AsyncConnection, mutuelle_id: str, most: int) -> list[NumberedVoucher]:
    """The last vouchers that can be taken back, the newest first: none that was, no reversal, no found money."""
    can_be = (
        vouchers.c.reverses.is_(None)
        & ~_IS_REVERSED
        & (sa.func.split_part(vouchers.c.debit, ":", 2) != SUSPENSE)
    )
    return await vouchers_where(db, mutuelle_id, can_be, newest=most)


async def on_the_way(db: AsyncConnection, mutuelle_id: str) -> list[NumberedVoucher]:
    """Money that was sent to another account of ours and has not arrived, the oldest first."""
    return await vouchers_where(
        db, mutuelle_id, (vouchers.c.kind == VoucherKind.SENT) & ~_IS_REVERSED & ~_HAS_ARRIVED
    )


async def vouchers_where(
    db: AsyncConnection, mutuelle_id: str, which: sa.ColumnElement[bool], *, newest: int | None = None
) -> list[NumberedVoucher]:
    """The vouchers of a mutuelle for which `which` holds, in the order of their recording or the `newest` so many."""
    order = vouchers.c.recorded_at.desc() if newest else vouchers.c.recorded_at
    rows = await db.execute(
        select(
            vouchers,
            _IS_REVERSED.label("is_reversed"),
            sa.func.coalesce(joint_act.c.answerer_name, "").label("signed_by"),
        )
        .join_from(
            vouchers,
            joint_act,
            (joint_act.c.mutuelle_id == vouchers.c.mutuelle_id) & (joint_act.c.id == vouchers.c.act),
            isouter=True,
        )
        .where(vouchers.c.mutuelle_id == mutuelle_id, which)
        .order_by(order, vouchers.c.number.desc() if newest else vouchers.c.number)
        .limit(newest)
    )
    return [_voucher(row._mapping) for row in rows]


_BACK, _ARRIVAL = vouchers.alias("back"), vouchers.alias("arrival")
_IS_REVERSED = (
    sa.exists()
    .where(_BACK.c.mutuelle_id == vouchers.c.mutuelle_id, _BACK.c.reverses == vouchers.c.reference)
    .correlate(vouchers)
)
_ARRIVAL_BACK = vouchers.alias("arrival_back")
_HAS_ARRIVED = (
    sa.exists()
    .where(
        _ARRIVAL.c.mutuelle_id == vouchers.c.mutuelle_id,
        _ARRIVAL.c.completes == vouchers.c.reference,
        ~sa.exists().where(
            _ARRIVAL_BACK.c.mutuelle_id == _ARRIVAL.c.mutuelle_id,
            _ARRIVAL_BACK.c.reverses == _ARRIVAL.c.reference,
        ),
    )
    .correlate(vouchers)
)


def _voucher(row: Any) -> NumberedVoucher:
    return NumberedVoucher(
        **{
            name: row[name]
            for name in NumberedVoucher.__dataclass_fields__
            if name not in ("kind", "amount", "party", "phone", "slip", "toward")
        },
        kind=VoucherKind(row["kind"]),
        amount=Money(row["amount_minor"], row["currency"]),
        party=row["party"] or "",
        phone=row["phone"] or "",
        slip=row["slip"] or "",
        toward=row["toward"] or "",
    )
