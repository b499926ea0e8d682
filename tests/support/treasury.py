"""A treasurer's vouchers in the tests, by the menus' actions: alone with her PIN, or proposed and signed."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, Sentence
from mutuelle.officers.joint_acts import propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.treasury.tables import voucher
from mutuelle.treasury.voucher_acts import VoucherReceipt, proposal_of, record_voucher
from mutuelle.treasury.voucher_kinds import NewVoucher, NumberedVoucher, VoucherKind
from mutuelle.treasury.voucher_reads import vouchers_where
from mutuelle.treasury.voucher_reversals import reversal_of
from talk.answers import Secret
from tests.support.officer_acts import AGREED, calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin, set_limit
from tests.support.own_accounts import opens
from tests.support.town import NOON, found_town

BANK, CLINIC = "health:bank:bms", "health:payable:cscom"


async def town_with_a_bank(pool: AsyncEngine) -> None:
    """A mutuelle with 150 000 F at a bank, whose two treasurers have PINs; from 25 000 F on both sign."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await set_limit(pool, "two_signatures_from_minor", 25_000)
    await opens(pool, BANK, 150_000)


def xof(minor: int) -> Money:
    return Money(minor, "XOF")


def expense(
    minor: int = 5_000, *, giver: str = BANK, party: str = "Librairie Sanogo", phone: str = ""
) -> NewVoucher:
    return NewVoucher(VoucherKind.EXPENSE, "health:purchases", giver, xof(minor), "Cahiers", party, phone)


def facility(minor: int, *, giver: str = BANK) -> NewVoucher:
    return NewVoucher(
        VoucherKind.FACILITY, CLINIC, giver, xof(minor), "Factures", "CSCom Hèrè", "+22376000031"
    )


async def records(
    pool: AsyncEngine, new: NewVoucher, *, by: str = FANTA, pin: str = PIN, at: datetime = NOON
) -> VoucherReceipt | Sentence:
    """The treasurer signs it alone."""
    async with pool.begin() as db:
        return await record_voucher(db, calling(by, at), mutuelle="BEN", voucher=new, pin=Secret(pin))


async def proposes_it(
    pool: AsyncEngine, new: NewVoucher, *, by: str = FANTA, pin: str = PIN, at: datetime = NOON
) -> Sentence | None:
    """The treasurer proposes it, as the menu does where two have to sign."""
    async with pool.begin() as db:
        caller = calling(by, at)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        act = await proposal_of(db, caller, own, new)
        assert act, "one signature is enough"
        return await propose(db, caller, mutuelle="BEN", proposal=act, pin=Secret(pin), agreed=AGREED)


async def takes_back(
    pool: AsyncEngine,
    found: NumberedVoucher,
    *,
    by: str = FANTA,
    reason: str = "paid twice",
    at: datetime = NOON,
) -> Sentence | None:
    """The treasurer proposes to take a voucher back."""
    async with pool.begin() as db:
        caller = calling(by, at)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        act = await reversal_of(db, caller, own, found.key, reason)
        return await propose(db, caller, mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED)


async def written(pool: AsyncEngine) -> list[NumberedVoucher]:
    """Every voucher, as it was recorded."""
    async with pool.connect() as db:
        return await vouchers_where(db, "BEN", voucher.c.mutuelle_id == "BEN")
