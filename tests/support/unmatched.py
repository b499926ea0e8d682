"""Money whose owner is not known, and what two treasurers decide about it, with the menus' actions."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Sentence
from mutuelle.households.households import Household
from mutuelle.officers.joint_acts import APPROVED, NewJointAct, acts_to_sign, answer_act, propose
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.past_receipts import last_receipts
from mutuelle.treasury.reconciliation import reconcile
from mutuelle.treasury.unmatched.money import Unmatched, unmatched_money
from mutuelle.treasury.voucher_acts import proposal_of
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, income_of
from talk.answers import Secret
from tests.support.officer_acts import AGREED, calling
from tests.support.officers import FANTA, ISSA, PIN
from tests.support.statements import FLOAT, SUSPENSE, TODAY, line, taken
from tests.support.town import NOON

DAY = timedelta(days=1)
GONE = "This money is not there any more. Please look again."
KNOWN = "The owner of this money is known by now."
STATED_FIRST = "The statement shows {amount} of {day} without an owner already"
DECIDED_ONCE = "This was money without an owner: two decided about it, once."


async def waits(pool: AsyncEngine) -> list[Unmatched]:
    async with pool.connect() as db:
        return await unmatched_money(db, "BEN")


async def one_wrong_digit(pool: AsyncEngine, minor: int = 12_000, on: date = TODAY - 5 * DAY) -> Unmatched:
    """Money that came with a number which nobody has."""
    done = await taken(pool, [line(1, minor, "cotisation 199000011", payer="22376000001", on=on)])
    assert done.unmatched == 1
    [money] = await waits(pool)
    return money


async def proposed(pool: AsyncEngine, act: NewJointAct, by: str = FANTA, pin: str = PIN) -> Sentence | None:
    async with pool.begin() as db:
        return await propose(db, calling(by), mutuelle="BEN", proposal=act, pin=Secret(pin), agreed=AGREED)


async def signed(pool: AsyncEngine, by: str = ISSA) -> Sentence | None:
    async with pool.begin() as db:
        [act] = await acts_to_sign(db, calling(by), "BEN")
        return await answer_act(
            db, calling(by), mutuelle="BEN", proposal=act.id, answer=APPROVED, pin=Secret(PIN)
        )


async def both(pool: AsyncEngine, act: NewJointAct) -> None:
    assert await proposed(pool, act) is None
    assert await signed(pool) is None


async def fanta(pool: AsyncEngine) -> Appointment:
    async with pool.connect() as db:
        return await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)


async def codes(pool: AsyncEngine, household: Household) -> list[str]:
    async with pool.connect() as db:
        return [one.code for one in await last_receipts(db, household, 9)]


async def differences(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        found = await reconcile(db, await get_mutuelle(db, "BEN"), NOON)
    return [one.kind for one in found.differences]


async def voucher(pool: AsyncEngine, kind: VoucherKind, money: Unmatched) -> NewJointAct:
    credit = income_of(VoucherKind.GIFT) if kind is VoucherKind.KEPT else FLOAT
    new = NewVoucher(
        kind, SUSPENSE, credit, money.amount, "he came with the paper", "Boubou Sy", found=money.key
    )
    async with pool.connect() as db:
        act = await proposal_of(db, calling(FANTA), await fanta(pool), new)
    assert act is not None
    return act
