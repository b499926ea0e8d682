"""Cash: posted and receipted in the second at which it is recorded, limited, given on to another person, contested."""

import asyncio
from collections.abc import Awaitable
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from ledger import accounts
from ledger.balances import balance
from locales import Money
from mobilemoney import adapters
from mutuelle.acts import By
from mutuelle.contributions.collection import AFTER_THE_CALL
from mutuelle.contributions.payments import HELD_UP_FOR
from mutuelle.contributions.standing import standing
from mutuelle.cover.rules import CoverState
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household
from mutuelle.households.search import Sought, households_sought
from mutuelle.officers.pins import WRONG
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.tables import household_phone
from mutuelle.treasury.cash import Recorded
from mutuelle.treasury.cash_disputes import (
    cancel_cash,
    cash_receipt_of,
    close_dispute,
    dispute_cash,
    open_disputes,
)
from mutuelle.treasury.cash_in_hand import CashInHand, cash_in_hand_of
from mutuelle.treasury.past_receipts import last_receipts
from mutuelle.treasury.tables import cash_dispute, cash_holder
from sms.delivery import opt_out
from sms.outbox import send_due
from talk.trouble import RefusedError
from tests.support.joined_households import unpaid
from tests.support.officer_acts import broken, calling, deposits, receives, templates
from tests.support.officers import FANTA, ISSA, MODIBO, OUMOU, appoint, give_pin, set_limit
from tests.support.sms_people import ScriptedProvider
from tests.support.town import AWA, MARIAM, NOON, found, found_town, join, paid, pays

DAY = timedelta(days=1)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """The usual town with a collector; treasurers and collector have the PIN of the tests."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    return pool


@pytest.fixture
async def household(town: AsyncEngine) -> Household:
    """Awa's household: 3 000 F of its 12 000 F paid by mobile money."""
    household = await join(town, AWA, at=NOON, pay_minor=3_000)
    await paid(town, household, at=NOON)
    return household


async def refusal(work: Awaitable[object]) -> str:
    """The English of the sentence with which `work` is refused."""
    with pytest.raises(RefusedError) as refused:
        await work
    return refused.value.sentence.msgid


async def held(pool: AsyncEngine, phone: str = OUMOU, role: Role = Role.COLLECTOR) -> CashInHand:
    async with pool.connect() as db:
        return await cash_in_hand_of(db, await appointment_of(db, calling(phone), "BEN", role))


async def test_cash_covers_like_any_money_and_is_receipted_at_once(
    town: AsyncEngine, household: Household
) -> None:
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    assert (done.held, done.notified) == (Money(5_000, "XOF"), True)
    async with town.connect() as db:
        stands = await standing(db, household, NOON)
        bodies = list(await db.scalars(text("select body from sms_outbox where template = 'cash receipt'")))
    assert stands.due == Money(4_000, "XOF")
    assert stands.cover.state is CoverState.WAITING
    assert [done.receipt_code in body for body in bodies] == [True]
    assert "Awa" not in bodies[0]
    assert await broken(town) == set()


@pytest.mark.parametrize(("source", "told"), [("sms", True), ("menu", True), ("africastalking", False)])
async def test_the_collector_reads_that_an_sms_goes_only_where_one_goes(
    town: AsyncEngine, household: Household, source: str, told: bool
) -> None:
    async with town.begin() as db:
        await opt_out(db, AWA, source, NOON)
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    await send_due(town, ScriptedProvider(), timing.Clock.at(NOON))
    async with town.connect() as db:
        state = await db.scalar(text("select state from sms_outbox where template = 'cash receipt'"))
    assert (done.notified, state) == (told, "SENT" if told else "WITHHELD")


async def test_the_first_franc_in_cash_calls_the_contribution(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON)
    async with town.begin() as db:
        await db.execute(text("update payment set state = 'FAILED'"))
        await db.execute(
            text(
                "insert into payment_move select mutuelle_id, reference, 2, 'ASKED', 'FAILED', 'test', 'late', asked_at"
                " from payment"
            )
        )
    await receives(town, household, 3_000)
    async with town.connect() as db:
        owed = await balance(db, "BEN", household.account)
    assert (owed.debits, owed.credits) == (12_000, 3_000)
    assert await broken(town) == set()


async def test_cash_agrees_to_a_renewal(town: AsyncEngine, household: Household) -> None:
    await receives(town, household, 9_000)
    await deposits(town, 9_000)
    later = NOON + timedelta(days=360)
    await receives(town, household, 3_000, at=later)
    async with town.connect() as db:
        stands = await standing(db, household, later)
    assert len(stands.periods) == 2
    assert stands.due == Money(9_000, "XOF")
    assert await broken(town) == set()


async def test_a_wrong_pin_records_nothing(town: AsyncEngine, household: Household) -> None:
    assert await receives(town, household, 5_000, pin="99999") == WRONG
    assert (await held(town)).held == Money(0, "XOF")
    assert await templates(town, AWA) == ["receipt"]


async def test_only_a_collector_receives_and_only_from_the_own_mutuelle(
    town: AsyncEngine, household: Household
) -> None:
    assert "no longer yours" in await refusal(receives(town, household, 5_000, by=FANTA))
    async with town.begin() as db:
        await found(db, code="ZAN", prefix=198, treasurers=("Sita Koné",))
    other = await join(town, MARIAM, at=NOON, code="ZAN")
    async with town.connect() as db:
        collector = calling(OUMOU)
        appointment = await appointment_of(db, collector, "BEN", Role.COLLECTOR)
        for number in (other.number, "199999993"):  # a stranger's and nobody's look alike
            assert await households_sought(db, collector, appointment, Sought(number, "", "")) == []


async def test_while_a_mobile_payment_is_under_way_no_cash_is_recorded(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON)
    assert "under way" in await refusal(receives(town, household, 3_000))


async def test_once_nobody_can_approve_it_cash_is_taken_and_what_comes_later_is_credit(
    town: AsyncEngine,
) -> None:
    household = await join(town, AWA, at=NOON)
    assert isinstance(await receives(town, household, 12_000, at=NOON + HELD_UP_FOR), Recorded)
    await paid(town, household, at=NOON + DAY)
    async with town.connect() as db:
        stands = await standing(db, household, NOON + DAY)
    assert (stands.due.amount_minor, stands.credit.amount_minor) == (0, 12_000)
    assert await broken(town) == set()


def test_no_operator_lets_a_prompt_live_longer() -> None:
    assert all(AFTER_THE_CALL + one.CAPABILITIES.window < HELD_UP_FOR for one in adapters().values())


async def test_a_household_without_a_phone_has_the_paper_only(
    town: AsyncEngine, household: Household
) -> None:
    async with town.begin() as db:
        await db.execute(delete(household_phone))
        await note_change(db, household, Change.PHONE_REMOVED, detail="", by=By("support", "lost", NOON))
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    assert not done.notified
    assert await broken(town) == set()


async def test_past_the_limit_a_deposit_comes_first(town: AsyncEngine, household: Household) -> None:
    await set_limit(town, "cash_held_minor", 8_000)
    await receives(town, household, 5_000)
    assert "of {most} at most" in await refusal(receives(town, household, 4_000))
    await deposits(town, 1_000)
    done = await receives(town, household, 4_000)
    assert isinstance(done, Recorded)
    assert done.held == Money(8_000, "XOF")


async def test_two_receipts_at_once_do_not_pass_the_limit_together(
    town: AsyncEngine, household: Household
) -> None:
    other = await join(town, MARIAM, at=NOON, pay_minor=3_000)
    await paid(town, other, at=NOON)
    await set_limit(town, "cash_held_minor", 8_000)
    said = await asyncio.gather(
        receives(town, household, 5_000), receives(town, other, 5_000), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in said) == ["Recorded", "RefusedError"]
    assert (await held(town)).held == Money(5_000, "XOF")


async def test_after_five_days_a_deposit_comes_first(town: AsyncEngine, household: Household) -> None:
    await receives(town, household, 3_000)
    await receives(town, household, 3_000, at=NOON + 3 * DAY)
    assert (await held(town)).since_on == date(2026, 11, 22)
    assert "You have held {held} for {days}." in await refusal(
        receives(town, household, 3_000, at=NOON + 5 * DAY)
    )
    # The first received is the first deposited: what is left came on the fourth day.
    await deposits(town, 3_000, at=NOON + 5 * DAY)
    assert (await held(town)).since_on == date(2026, 11, 25)
    assert isinstance(await receives(town, household, 3_000, at=NOON + 5 * DAY), Recorded)


async def test_a_receipt_that_was_cancelled_makes_no_cash_younger(
    town: AsyncEngine, household: Household
) -> None:
    await receives(town, household, 3_000)
    wrong = await receives(town, household, 3_000, at=NOON + 4 * DAY)
    assert isinstance(wrong, Recorded)
    async with town.begin() as db:
        at = NOON + 4 * DAY
        await cancel_cash(db, "BEN", wrong.receipt_code, by=By("Mme Diallo", "typed twice", at))
    assert (await held(town)).since_on == date(2026, 11, 22)
    assert "You have held {held} for {days}." in await refusal(
        receives(town, household, 3_000, at=NOON + 5 * DAY)
    )


async def test_a_treasurer_takes_over_what_she_has_counted(town: AsyncEngine, household: Household) -> None:
    await receives(town, household, 5_000)
    left = await deposits(town, 3_000)
    assert isinstance(left, CashInHand)
    assert left.held == Money(2_000, "XOF")
    box = await held(town, FANTA, Role.TREASURER)
    assert box.held == Money(3_000, "XOF")
    assert (await templates(town, OUMOU))[-1] == "cash deposited"
    async with town.connect() as db:
        assert (await balance(db, "BEN", accounts.cash(box.holder))).debits == 3_000
    assert await broken(town) == set()


async def test_nobody_takes_over_her_own_cash(town: AsyncEngine, household: Household) -> None:
    await appoint(town, OUMOU, Role.TREASURER, pin=None)
    await receives(town, household, 5_000)
    assert "cannot be received by this phone" in await refusal(deposits(town, 5_000, to=OUMOU))


async def test_nor_with_a_second_phone(town: AsyncEngine, household: Household) -> None:
    await appoint(town, MODIBO, Role.TREASURER, name="OUMOU TRAORE")
    await receives(town, household, 5_000)
    assert "cannot be received by this phone" in await refusal(deposits(town, 5_000, to=MODIBO))


async def test_no_more_is_taken_over_than_is_held(town: AsyncEngine, household: Household) -> None:
    await receives(town, household, 5_000)
    assert "has changed" in await refusal(deposits(town, 5_001))
    assert await deposits(town, 5_000, pin="99999") == WRONG
    said = await asyncio.gather(deposits(town, 3_000), deposits(town, 3_000, to=ISSA), return_exceptions=True)
    assert sorted(type(one).__name__ for one in said) == ["CashInHand", "RefusedError"]
    assert (await held(town)).held == Money(2_000, "XOF")


async def test_a_collector_who_left_still_owes_what_she_holds(
    town: AsyncEngine, household: Household
) -> None:
    await receives(town, household, 5_000)
    async with town.begin() as db:
        await db.execute(text("update officer set until = since where role = 'collector'"))
    assert isinstance(await deposits(town, 5_000, at=NOON + DAY), CashInHand)


async def test_the_ledger_knows_no_phone_and_no_name(town: AsyncEngine, household: Household) -> None:
    await receives(town, household, 5_000)
    await deposits(town, 5_000)
    async with town.connect() as db:
        book = str(
            (
                await db.execute(
                    text(
                        "select j.*, m.* from ledger.journal j join ledger.movement m"
                        " on (m.mutuelle_id, m.journal_id) = (j.mutuelle_id, j.id)"
                    )
                )
            ).all()
        )
        holders = list(await db.scalars(select(cash_holder.c.holder)))
    assert all(holder in book for holder in holders)
    for secret in (OUMOU[4:], FANTA[4:], "Oumou", "Fanta"):
        assert secret not in book


async def test_a_household_contests_once_and_the_treasurers_hear_of_it(
    town: AsyncEngine, household: Household
) -> None:
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    for _time in range(2):
        async with town.begin() as db:
            await dispute_cash(db, calling(AWA), code=done.receipt_code)
    assert await templates(town, FANTA) == ["cash contested"]
    assert await templates(town, ISSA) == ["cash contested"]
    assert "cash contested" not in await templates(town, OUMOU)
    async with town.begin() as db:
        (case,) = await open_disputes(db, "BEN")
        assert (case.code, case.taken_by.name, case.on) == (done.receipt_code, "Oumou Traoré", NOON.date())
        assert await close_dispute(db, "BEN", case.code, by=By("Mme Diallo", "heard both", NOON))
        assert not await close_dispute(db, "BEN", case.code, by=By("Mme Diallo", "heard both", NOON))
        assert await open_disputes(db, "BEN") == []


async def test_a_collector_who_is_a_treasurer_is_not_the_one_who_is_told(
    town: AsyncEngine, household: Household
) -> None:
    await appoint(town, OUMOU, Role.TREASURER, pin=None)
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    async with town.begin() as db:
        await dispute_cash(db, calling(AWA), code=done.receipt_code)
    assert "cash contested" not in await templates(town, OUMOU)


async def test_anothers_receipt_cannot_be_told_from_one_that_never_was(
    town: AsyncEngine, household: Household
) -> None:
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    async with town.connect() as db:
        others = await refusal(cash_receipt_of(db, calling(MARIAM), done.receipt_code))
        nobodys = await refusal(cash_receipt_of(db, calling(AWA), "AAAAAA"))
        assert (await cash_receipt_of(db, calling(AWA), done.receipt_code)).amount == Money(5_000, "XOF")
    assert others == nobodys


async def test_a_cancelled_receipt_is_owed_again_and_the_household_is_told(
    town: AsyncEngine, household: Household
) -> None:
    done = await receives(town, household, 5_000)
    assert isinstance(done, Recorded)
    async with town.begin() as db:
        assert done.receipt_code in {past.code for past in await last_receipts(db, household, 9)}
        await cancel_cash(db, "BEN", done.receipt_code, by=By("Mme Diallo", "it was 500 F", NOON))
    async with town.connect() as db:
        assert [past.amount for past in await last_receipts(db, household, 9)] == [Money(3_000, "XOF")]
        assert (await standing(db, household, NOON)).due == Money(9_000, "XOF")
        assert await open_disputes(db, "BEN") == []
        (found,) = (await db.execute(select(cash_dispute))).all()
    assert (found.closed_by, found.outcome, found.phone) == ("Mme Diallo", "it was 500 F", None)
    assert (await held(town)).held == Money(0, "XOF")
    assert (await templates(town, AWA))[-1] == "cash cancelled"
    async with town.begin() as db:
        assert "holds only" in await refusal(
            cancel_cash(db, "BEN", done.receipt_code, by=By("Mme Diallo", "again", NOON))
        )
    assert await broken(town) == set()


async def test_after_a_cancelled_receipt_the_period_is_called_and_paid_once(town: AsyncEngine) -> None:
    """The first franc of a joining and that of a renewal: what they called stays called, and is paid by other money."""
    household = await unpaid(town, AWA)
    for at in (NOON, NOON + 360 * DAY):
        done = await receives(town, household, 12_000, at=at)
        assert isinstance(done, Recorded)
        async with town.begin() as db:
            await cancel_cash(db, "BEN", done.receipt_code, by=By("Mme Diallo", "never given", at))
        async with town.connect() as db:
            stands = await standing(db, household, at)
            assert (stands.due, stands.renews) == (Money(12_000, "XOF"), False)
            assert (await balance(db, "BEN", household.account)).net == 12_000
        await pays(town, household, 12_000, at=at)
        async with town.connect() as db:
            assert (await standing(db, household, at)).due == Money(0, "XOF")
            assert (await balance(db, "BEN", household.account)).net == 0
    assert await broken(town) == set()


async def test_a_receipt_is_cancelled_once_and_only_where_the_money_is(
    town: AsyncEngine, household: Household
) -> None:
    first, second = await receives(town, household, 3_000), await receives(town, household, 3_000)
    assert isinstance(first, Recorded)
    assert isinstance(second, Recorded)
    for _time, refused in ((1, ""), (2, "was cancelled before")):
        async with town.begin() as db:
            cancel = cancel_cash(db, "BEN", first.receipt_code, by=By("Mme Diallo", "twice", NOON))
            if refused:
                assert refused in await refusal(cancel)
            else:
                await cancel
    await deposits(town, 3_000)
    async with town.begin() as db:
        again = cancel_cash(db, "BEN", second.receipt_code, by=By("Mme Diallo", "late", NOON))
        assert "holds only" in await refusal(again)
    assert await broken(town) == set()
