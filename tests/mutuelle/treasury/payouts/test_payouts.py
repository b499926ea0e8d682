"""Payouts: signed by two, reserved before they are sent, paid once, freed only on proof."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.reservations import held as held_of
from locales import render
from mobilemoney import OperatorAnswer, Outcome
from mobilemoney.credentials import Credentials
from mutuelle.acts import By
from mutuelle.contributions import operator_watch
from mutuelle.contributions.collection import LEASE, Round
from mutuelle.contributions.money_notices import ring
from mutuelle.contributions.payment_queue import keep_step_token
from mutuelle.contributions.payments import PaymentState
from mutuelle.contributions.route_guards import StrangeRouteError, refuse_strange_routes
from mutuelle.contributions.standing import standing
from mutuelle.households.holders import Doubt
from mutuelle.households.support_acts import SupportError
from mutuelle.officers.joint_acts import REFUSED, acts_to_sign, words_to_approve
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.personal_data.leaving import leave
from mutuelle.schedules.retention.erasure import erase_household
from mutuelle.support.cases import close_case, open_cases
from mutuelle.support.changes import close_household
from mutuelle.support.phones import doubt
from mutuelle.support.who import about_phone
from mutuelle.tables import payout
from mutuelle.treasury.own_money import owed_to_facilities, own_money, places_of
from mutuelle.treasury.payouts import sending
from mutuelle.treasury.payouts.outcomes import WAS_NOT, WAS_PAID
from mutuelle.treasury.payouts.sending import send_payouts
from mutuelle.treasury.unmatched.money import unmatched_money
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from mutuelle.treasury.vouchers import lock_vouchers
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.joined_households import joined
from tests.support.officer_acts import answers, broken, calling, templates
from tests.support.officers import FANTA, ISSA, set_limit
from tests.support.operators import SIMULATED, a_notice
from tests.support.own_accounts import held, opens
from tests.support.patience import PATIENCE_S
from tests.support.payouts import (
    CSCOM,
    HELD,
    WALLET,
    PayingOperator,
    all_payouts,
    pays_out,
    proposes_payout,
    says_of_payout,
    to_clinic,
    works,
)
from tests.support.statements import SUSPENSE, line, open_merchant, taken
from tests.support.town import AWA, NOON, Clock, join, paid, pays, unroute
from tests.support.treasury import CLINIC, facility, proposes_it, records, takes_back, written, xof

S = PaymentState


async def signed(town: AsyncEngine, new: NewVoucher | None = None) -> None:
    """Two treasurers sign a payout, of 40 000 F to the health centre if nothing else is said."""
    assert await proposes_payout(town, new or to_clinic()) is None
    assert await answers(town) is None


async def reserved(town: AsyncEngine, account: str = WALLET) -> int:
    async with town.connect() as db:
        of = await held_of(db, "BEN", account)
        return of.credits if account == WALLET else of.debits


async def moves(town: AsyncEngine) -> list[str]:
    async with town.connect() as db:
        return list(await db.scalars(text("select to_state from payout_move order by position")))


async def cases(town: AsyncEngine) -> list[str]:
    async with town.connect() as db:
        return [one.kind for one in await open_cases(db, 10)]


async def test_two_sign_it_is_reserved_sent_and_paid_once(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await proposes_payout(town, to_clinic())
    assert await all_payouts(town) == []
    assert (await reserved(town), operator.sent) == (0, [])
    assert await answers(town) is None
    assert (await reserved(town), await held(town, WALLET), operator.sent) == (40_000, HELD, [])
    for _round in range(4):
        await works(house, clock)
    [one] = await all_payouts(town)
    assert (one.state, operator.sent) == (S.PAID, [one.reference])
    assert await moves(town) == ["ASKED", "SENT", "PENDING", "PAID"]
    assert (await reserved(town), await held(town, WALLET), await held(town, CLINIC)) == (0, 60_000, -20_000)
    [voucher] = await written(town)
    assert (voucher.reference, voucher.shown_number) == (one.reference, "1/2026")
    assert await templates(town, CSCOM) == ["voucher"]
    assert "payout paid" in await templates(town, FANTA)
    assert "payout paid" in await templates(town, ISSA)
    assert await broken(town) == set()


async def test_who_refuses_or_proposes_alone_sends_nothing(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await proposes_payout(town, to_clinic())
    assert "Another treasurer" in await refusal(answers(town, by=FANTA, proposal=await the_act(town)))
    assert await answers(town, answer=REFUSED) is None
    assert "changed" in await refusal(records(town, to_clinic(500)))
    assert "changed" in await refusal(proposes_it(town, to_clinic(500)))
    await works(house, clock)
    assert (await all_payouts(town), operator.sent, await reserved(town)) == ([], [], 0)
    assert await broken(town) == set()


async def the_act(town: AsyncEngine) -> str:
    async with town.connect() as db:
        return str(await db.scalar(text("select id from joint_act where answer is null")))


async def test_what_failed_gives_its_money_back_and_may_be_proposed_again(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.ends = Outcome.FAILED
    await signed(town)
    await works(house, clock)
    await works(house, clock)
    assert [one.state for one in await all_payouts(town)] == [S.FAILED]
    assert (await reserved(town), await held(town, WALLET), await held(town, CLINIC)) == (0, HELD, -60_000)
    assert await written(town) == []
    assert "payout failed" in await templates(town, FANTA)
    assert "payout failed" in await templates(town, ISSA)
    assert await templates(town, CSCOM) == []
    operator.ends = Outcome.PAID
    await signed(town)
    for _round in range(3):
        await works(house, clock)
    assert {one.state for one in await all_payouts(town)} == {S.FAILED, S.PAID}
    assert await broken(town) == set()


async def test_silence_is_neither_paid_nor_free_and_is_told_and_becomes_a_case(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    await signed(town)
    for _round in range(20):
        await works(house, clock, timedelta(minutes=2))
    [one] = await all_payouts(town)
    assert (one.state, len(operator.sent), await reserved(town)) == (S.UNKNOWN, 1, 40_000)
    assert [name for name in await templates(town, ISSA) if "payout" in name] == ["payout late"]
    assert await cases(town) == []
    await works(house, clock, timedelta(days=1, hours=1))
    assert await cases(town) == ["old"]
    assert await broken(town) == set()
    operator.says = Outcome.ACCEPTED
    await works(house, clock, timedelta(days=2))
    assert [one.state for one in await all_payouts(town)] == [S.PAID]
    assert await broken(town) == set()


@pytest.mark.parametrize("honours", [True, False])
async def test_it_is_sent_again_only_at_once_and_where_references_are_honoured(
    town: AsyncEngine,
    house: Round,
    operator: PayingOperator,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    honours: bool,
) -> None:
    pays_out(monkeypatch, honours_reference=honours)
    operator.reaches, operator.says = False, Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    assert len(operator.sent) == 1
    await works(house, clock, timedelta(seconds=20))
    assert len(operator.sent) == (2 if honours else 1)
    await works(house, clock, timedelta(minutes=3))
    await works(house, clock, timedelta(minutes=3))
    assert len(operator.sent) == (2 if honours else 1)
    assert len(set(operator.sent)) == 1
    assert ([one.state for one in await all_payouts(town)], await reserved(town)) == ([S.UNKNOWN], 40_000)
    await works(house, clock, timedelta(minutes=30))  # NOT FOUND is this operator's definite word by now
    assert [one.state for one in await all_payouts(town)] == [S.FAILED]
    assert (await reserved(town), await broken(town)) == (0, set())


async def test_what_refuses_a_payout_that_was_sent_again_frees_nothing(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.reaches, operator.says = False, Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    operator.says = Outcome.FAILED  # of the second sending: the first may have moved the money
    await works(house, clock, timedelta(seconds=20))
    assert len(operator.sent) == 2
    assert ([one.state for one in await all_payouts(town)], await reserved(town)) == ([S.UNKNOWN], 40_000)


async def test_what_the_operator_had_is_never_failed_because_it_knows_nothing_of_it_later(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await signed(town)
    await works(house, clock)
    operator.known.clear()
    await works(house, clock, timedelta(hours=1))
    assert ([one.state for one in await all_payouts(town)], await cases(town)) == (
        [S.UNKNOWN],
        ["contradiction"],
    )
    assert (await reserved(town), await broken(town)) == (40_000, set())


async def test_a_killed_worker_leaves_a_doubt_and_no_second_payment(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await signed(town)
    clock.now += timedelta(seconds=1)
    claimed = await sending._claim(house, 1)
    await sending._consult(
        house, claimed[0]
    )  # it was sent, and the worker died before it wrote what came back
    await works(house, clock, timedelta(seconds=30))
    assert await moves(town) == ["ASKED", "SENT"]
    await works(house, clock, timedelta(seconds=31))
    assert (await moves(town))[:4] == ["ASKED", "SENT", "UNKNOWN", "PAID"]
    assert (len(operator.sent), await broken(town)) == (1, set())


async def test_two_steps_keep_the_token_between_them_and_the_second_is_made_once(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays_out(monkeypatch, two_steps=True, honours_reference=False)
    operator.reaches = False
    await signed(town)
    await works(house, clock)
    await works(house, clock, timedelta(minutes=3))
    assert (len(operator.prepared), operator.sent) == (
        2,
        [],
    )  # nothing has moved: the first step may be repeated
    operator.reaches, operator.says = True, Outcome.UNKNOWN
    await works(house, clock, timedelta(minutes=3))
    [one] = await all_payouts(town)
    assert (one.step_token, one.state) == ("step-3", S.UNKNOWN)
    operator.says = Outcome.ACCEPTED
    await works(house, clock, timedelta(minutes=3))
    assert (len(operator.prepared), operator.sent, operator.paid[one.reference]) == (3, [one.reference], 1)
    assert [one.state for one in await all_payouts(town)] == [S.PAID]
    assert await broken(town) == set()


async def test_another_amount_is_not_taken_for_this_one(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.tells_wrong = {"amount_minor": 4_000}
    await signed(town)
    await works(house, clock)
    await works(house, clock)
    assert ([one.state for one in await all_payouts(town)], await cases(town)) == ([S.UNKNOWN], ["mismatch"])
    assert (await written(town), await broken(town)) == ([], set())


async def test_facts_that_are_not_told_are_no_difference(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.tells_wrong = {"amount_minor": None, "currency": None, "phone": None}
    await signed(town)
    await works(house, clock)
    await works(house, clock)
    assert [one.state for one in await all_payouts(town)] == [S.PAID]


async def test_what_is_reserved_is_not_spent_twice(town: AsyncEngine) -> None:
    await signed(town)
    assert "only {owed} is owed" in await refusal(records(town, facility(20_001)))
    async with town.connect() as db:
        assert [one.amount for one in await owed_to_facilities(db, "BEN")] == [xof(20_000)]
    assert "only {owed} is owed" in await refusal(proposes_payout(town, to_clinic(20_001)))
    sent = NewVoucher(
        VoucherKind.SENT, "health:transit", WALLET, xof(60_001), "Retour", toward="health:bank:bms"
    )
    assert "only {held}" in await refusal(proposes_it(town, sent))
    assert await broken(town) == set()


async def test_two_approve_at_once_and_it_is_reserved_once(town: AsyncEngine) -> None:
    await proposes_payout(town, to_clinic(40_000))
    await proposes_payout(town, to_clinic(50_000), at=NOON + timedelta(seconds=1))
    async with town.connect() as db:
        acts = [str(one) for one in await db.scalars(text("select id from joint_act order by proposed_at"))]
    later = NOON + timedelta(minutes=1)
    done = await asyncio.gather(
        *(answers(town, proposal=act, at=later) for act in acts), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "RefusedError"]
    assert await reserved(town) <= 60_000
    assert await broken(town) == set()


async def test_limits_of_a_day_and_of_one_treasurer_hold(town: AsyncEngine) -> None:
    await set_limit(town, "payouts_a_day_minor", 50_000)
    await set_limit(town, "payouts_by_one_minor", 30_000)
    assert "only {left} more today" in await refusal(proposes_payout(town, to_clinic(50_001)))
    await proposes_payout(town, to_clinic(30_001))
    assert "only {left} more today" in await refusal(answers(town))
    await answers(town, answer=REFUSED)
    await signed(town, to_clinic(30_000))
    await proposes_payout(town, to_clinic(15_000))
    assert "only {left} more today" in await refusal(answers(town))  # she has signed enough today
    assert await answers(town, at=NOON + timedelta(days=1)) is None
    assert await broken(town) == set()


async def test_a_phone_that_the_operator_does_not_pay_is_refused(
    town: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays_out(monkeypatch, payouts=frozenset({"ML-moov"}))
    assert "cannot be paid from there" in await refusal(proposes_payout(town, to_clinic()))
    pays_out(monkeypatch, payouts=frozenset({"ML-orange"}))
    await proposes_payout(town, to_clinic())
    pays_out(monkeypatch, payouts=frozenset({"ML-moov"}))
    assert "cannot be paid from there" in await refusal(answers(town))


async def test_the_second_signature_waits_for_the_registered_name_and_it_is_not_kept(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays_out(monkeypatch, tells_payee=True)
    await proposes_payout(town, to_clinic())
    assert "asked in whose name" in await refusal(answers(town))
    operator.name = "HERE CSCOM\nBLA"
    await works(house, clock)
    assert await names(town) == ["HERE CSCOM BLA"]
    async with town.connect() as db:
        own = await appointment_of(db, calling(ISSA), "BEN", Role.TREASURER)
        [act] = await acts_to_sign(db, calling(ISSA), "BEN")
        words = await words_to_approve(db, calling(ISSA), own, act)
    assert "in the name of HERE CSCOM BLA?" in render(words, "en")
    assert "in the name of **************?" in render(words.for_record(), "en")
    assert await answers(town) is None
    await works(house, clock)
    assert (await names(town), operator.names_asked) == ([], 1)
    assert await broken(town) == set()


async def test_an_operator_that_tells_no_name_holds_nothing_up(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays_out(monkeypatch, tells_payee=True)
    await proposes_payout(town, to_clinic())
    for _round in range(5):
        assert "asked in whose name" in await refusal(answers(town)) or operator.names_asked == 3
        await works(house, clock, timedelta(seconds=30))
        if operator.names_asked == 3:
            break
    assert await answers(town) is None
    assert len(await all_payouts(town)) == 1


async def names(town: AsyncEngine) -> list[str | None]:
    async with town.connect() as db:
        return list(await db.scalars(text("select name from payee_name")))


async def test_a_refund_to_a_household_is_its_credit_no_more(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    home = await join(town, AWA, at=NOON)
    await paid(town, home, at=NOON)
    await pays(town, home, 8_000, at=NOON)
    new = NewVoucher(VoucherKind.REFUND, home.account, WALLET, xof(8_000), "Trop perçu", home.initials, AWA)
    await signed(town, new)
    async with town.connect() as db:
        assert (await standing(db, home, NOON)).credit == xof(0)
    again = "paid nothing too much"
    assert again in await refusal(proposes_payout(town, new))
    for _round in range(3):
        await works(house, clock)
    async with town.connect() as db:
        assert (await standing(db, home, clock.now)).credit == xof(0)
    assert [one.state for one in await all_payouts(town)] == [S.PAID]
    assert await broken(town) == set()


async def test_a_payout_that_came_back_is_taken_back_by_two(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await signed(town)
    await works(house, clock)
    await works(house, clock)
    [voucher] = await written(town)
    await takes_back(town, voucher)
    assert await answers(town) is None
    assert [one.state for one in await all_payouts(town)] == [S.REVERSED]
    assert (await held(town, WALLET), await held(town, CLINIC)) == (HELD, -60_000)
    assert await broken(town) == set()


async def test_two_say_what_the_operator_cannot(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    [one] = await all_payouts(town)
    assert "still asked" in await refusal(says_of_payout(town, one, WAS_NOT, at=clock.now))
    clock.now += timedelta(hours=2)
    await says_of_payout(town, one, WAS_NOT, at=clock.now)
    assert await answers(town, at=clock.now) is None
    assert ([one.state for one in await all_payouts(town)], await reserved(town)) == ([S.FAILED], 0)
    assert await broken(town) == set()
    await says_of_payout(town, one, WAS_PAID, at=clock.now)  # its page says so now
    assert await answers(town, at=clock.now) is None
    assert ([one.state for one in await all_payouts(town)], await held(town, WALLET)) == ([S.PAID], 60_000)
    assert await broken(town) == set()


async def unheard_for_an_hour(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    """Its first step is refused for more than an hour; then a treasurer proposes to say that it was not paid."""
    operator.reaches = False
    await signed(town)
    await works(house, clock)
    await works(house, clock, timedelta(hours=2))
    [one] = await all_payouts(town)
    await says_of_payout(town, one, WAS_NOT, at=clock.now)
    operator.reaches = True


async def test_nobody_says_what_became_of_a_payout_while_the_worker_asks(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays_out(monkeypatch, two_steps=True, honours_reference=False)
    await unheard_for_an_hour(town, house, operator, clock)
    said: list[str] = []

    async def signs() -> None:
        said.append(await refusal(answers(town, at=clock.now)))

    operator.meanwhile = signs
    await works(house, clock, timedelta(hours=1))
    assert "at this moment" in said[0]
    assert len(operator.sent) == 1
    await works(house, clock, timedelta(hours=1))
    assert [one.state for one in await all_payouts(town)] == [S.PAID]
    assert "changed" in await refusal(answers(town, at=clock.now))
    assert await broken(town) == set()


async def test_what_two_say_was_not_paid_is_not_sent_by_a_slow_worker(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pays_out(monkeypatch, two_steps=True, honours_reference=False)
    await unheard_for_an_hour(town, house, operator, clock)

    async def signs() -> None:
        clock.now += LEASE
        assert await answers(town, at=clock.now) is None

    operator.meanwhile = signs
    await works(house, clock, timedelta(hours=1))
    [one] = await all_payouts(town)
    assert (one.state, one.lease_token, operator.sent, await reserved(town)) == (S.FAILED, None, [], 0)
    token = uuid4()
    async with town.begin() as db:  # even where a lease was left behind
        await db.execute(update(payout).values(lease_token=token))
        assert not await keep_step_token(db, one.row, token, "late")
        await db.execute(update(payout).values(lease_token=None))
    assert (await cases(town), await broken(town)) == ([], set())


@pytest.mark.parametrize("says", [Outcome.ACCEPTED, Outcome.PAID])
async def test_what_was_sent_after_all_is_a_case_for_people(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, says: Outcome
) -> None:
    operator.reaches, operator.says = False, Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    [one] = await all_payouts(town)
    clock.now += timedelta(hours=2)
    await says_of_payout(town, one, WAS_NOT, at=clock.now)
    [claimed] = await sending._claim(house, 1)
    clock.now += LEASE
    assert await answers(town, at=clock.now) is None
    async with town.begin() as db:
        await sending._record(db, house, claimed, OperatorAnswer(says, 40_000, "XOF", CSCOM))
    assert [one.state for one in await all_payouts(town)] == [S.FAILED]
    assert (await cases(town), await broken(town)) == (["contradiction"], set())


async def test_a_question_waits_for_no_statement_only_an_end_does(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    async with town.connect() as db:
        statement = await db.begin()
        await lock_vouchers(db, "BEN")  # as a statement does while it is taken in
        await asyncio.wait_for(works(house, clock, timedelta(minutes=1)), PATIENCE_S)
        [one] = await all_payouts(town)
        assert (one.state, one.polls, one.lease_token) == (S.UNKNOWN, 2, None)
        operator.says = Outcome.ACCEPTED
        ends = asyncio.create_task(works(house, clock, timedelta(minutes=1)))
        await a_lock_is_waited_for(town)
        assert [one.state for one in await all_payouts(town)] == [S.UNKNOWN]
        await statement.rollback()
        await ends
    assert [one.state for one in await all_payouts(town)] == [S.PAID]


async def a_lock_is_waited_for(town: AsyncEngine) -> None:
    async with asyncio.timeout(PATIENCE_S), town.connect() as db:
        while not await db.scalar(text("select count(*) from pg_locks where not granted")):
            await db.rollback()
            await asyncio.sleep(0.02)


async def test_a_late_answer_after_the_lease_is_dropped(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await signed(town)
    clock.now += timedelta(seconds=1)
    [claimed] = await sending._claim(house, 1)
    async with town.begin() as db:
        await db.execute(update(payout).values(lease_token=None))
    await sending._deal(house, claimed)
    assert await moves(town) == ["ASKED", "SENT"]
    await send_payouts(house)


async def test_support_sees_it_and_closes_its_case(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    await works(house, clock, timedelta(days=2))
    [one] = await all_payouts(town)
    by = By("K. Diarra", "the health centre asks", clock.now)
    async with town.begin() as db:
        [said] = [line for line in await about_phone(db, CSCOM, by) if "payout" in line]
        assert "40 000 F (facility paid) to …31 at simulated: UNKNOWN" in said.replace("+223…", "…")
        assert str(one.reference) in said
        assert [(case.about, case.kind) for case in await open_cases(db, 9)] == [("payout", "old")]
        assert await close_case(db, one.reference, None, by) == 1
        assert await open_cases(db, 9) == []
    assert await broken(town) == set()


async def test_found_money_is_given_back_by_mobile_money_and_decided_once(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await open_merchant(town)
    await taken(town, [line(1, 7_000, "pour Awa", "+22376654321")])
    async with town.connect() as db:
        [found] = await unmatched_money(db, "BEN")
    new = NewVoucher(
        VoucherKind.RETURNED,
        SUSPENSE,
        WALLET,
        xof(7_000),
        "Erreur",
        "Awa Keita",
        "+22376654321",
        found=found.key,
    )
    operator.ends = Outcome.FAILED
    await signed(town, new)
    async with town.connect() as db:
        assert await unmatched_money(db, "BEN") == []  # it is on its way
    await works(house, clock)
    await works(house, clock)
    async with town.connect() as db:
        assert await unmatched_money(db, "BEN") == [found]
    assert await broken(town) == set()
    operator.ends = Outcome.PAID
    await signed(town, new)
    for _round in range(3):
        await works(house, clock)
    async with town.connect() as db:
        assert await unmatched_money(db, "BEN") == []
    assert (await held(town, SUSPENSE), await held(town, WALLET)) == (0, HELD - 7_000)
    assert await broken(town) == set()
    [failed] = [one for one in await all_payouts(town) if one.state is S.FAILED]
    clock.now += timedelta(hours=2)
    assert "owner of this money is known" in await refusal(
        says_of_payout(town, failed, WAS_PAID, at=clock.now)
    )


async def test_who_waits_for_a_payout_is_not_asked_later_because_its_operator_was_silent(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    await signed(town)
    await works(house, clock)
    async with town.begin() as db:
        await db.execute(update(payout).values(due_at=clock.now + timedelta(days=1)))
        [account] = await operator_watch.accounts_watched(db)
        await operator_watch._ask_what_waits(db, account, house)
    [one] = await all_payouts(town)
    assert clock.now <= one.due_at <= clock.now + timedelta(minutes=1)


async def test_a_household_is_not_closed_while_its_advance_is_on_the_way_back(town: AsyncEngine) -> None:
    home = await join(town, AWA, at=NOON)
    await paid(town, home, at=NOON)
    await pays(town, home, 8_000, at=NOON)
    new = NewVoucher(VoucherKind.REFUND, home.account, WALLET, xof(8_000), "Trop perçu", home.initials, AWA)
    await signed(town, new)
    async with town.begin() as db:
        with pytest.raises(SupportError, match="being paid back"):
            await close_household(db, home.number, By("support", "it left", NOON), although_covered=True)


async def test_nobody_is_erased_while_money_is_on_its_way_to_her_phone(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    """What is paid to her is paid as somebody else here: the phone alone says that it is hers."""
    home, none = await joined(town, AWA), xof(0)
    await set_limit(town, "years_kept", 1)
    async with town.begin() as db:
        await leave(db, calling(AWA, NOON), number=home.number, due=none, credit=none)

    async def why() -> str:
        async with town.begin() as db:
            with pytest.raises(SupportError) as refused:
                await erase_household(db, home.number, By("support", "asked in writing", clock.now))
        return str(refused.value)

    assert "is not over" in await why()
    await proposes_payout(town, replace(to_clinic(), phone=AWA))
    assert "a proposal" in await why()
    await answers(town)
    assert "a payout to household" in await why()
    operator.says = Outcome.UNKNOWN
    await works(house, clock)
    await works(house, clock, timedelta(days=2))
    assert "a payout to household" in await why()
    operator.says = Outcome.PAID
    await works(house, clock, timedelta(days=2))
    assert (await all_payouts(town))[0].state is S.PAID
    assert "a case" in await why()
    async with town.begin() as db:
        await close_case(db, (await all_payouts(town))[0].reference, None, By("support", "seen", clock.now))
    assert "is not over" in await why()


async def test_an_advance_does_not_go_to_a_phone_in_doubt(town: AsyncEngine) -> None:
    home = await join(town, AWA, at=NOON)
    await paid(town, home, at=NOON)
    await pays(town, home, 8_000, at=NOON)
    new = NewVoucher(VoucherKind.REFUND, home.account, WALLET, xof(8_000), "Trop perçu", home.initials, AWA)
    async with town.begin() as db:
        await doubt(db, AWA, Doubt.SUPPORT, By("support", "a new SIM", NOON))
    assert "who holds this phone" in await refusal(proposes_payout(town, new))
    assert "who holds this phone" in await refusal(proposes_payout(town, replace(new, phone=CSCOM)))


async def test_a_notice_is_a_doorbell_and_one_for_a_failed_payout_is_a_case(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    await signed(town)
    for _round in range(9):
        await works(house, clock, timedelta(minutes=9))
    [one] = await all_payouts(town)
    assert one.due_at > clock.now
    await rings(town, one.notice_token, clock)
    [rung] = await all_payouts(town)
    assert (rung.due_at, rung.polls, rung.state) == (clock.now, 0, S.UNKNOWN)
    operator.says, operator.ends = Outcome.ACCEPTED, Outcome.FAILED
    operator.known = {reference: (ask, Outcome.FAILED) for reference, (ask, _ends) in operator.known.items()}
    await works(house, clock)
    clock.now += timedelta(hours=1)
    await rings(town, one.notice_token, clock, b"paid after all")
    assert ([one.state for one in await all_payouts(town)], await cases(town)) == (
        [S.FAILED],
        ["late notice"],
    )


async def rings(town: AsyncEngine, token: str, clock: Clock, body: bytes = b"ding") -> None:
    async with town.begin() as db:
        heard = await ring(db, "simulated", token, a_notice(body), SIMULATED, clock.now)
    assert heard == "stored"


async def test_a_suppliers_invoice_of_another_fund_is_paid_from_its_own_money(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    """The tontine's money at the operator is apart from that for health, though the account there is one."""
    bank, wallet = "tontine:bank:bms", "tontine:disbursement:simulated-ML"
    await opens(town, bank, 30_000)
    async with town.connect() as db:
        own = await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)
        every = await own_money(db, own, "bank", "disbursement")
        [place] = places_of("disbursement", every, "tontine")
    assert (place.account, place.held) == (wallet, xof(0))
    sent = NewVoucher(
        VoucherKind.SENT, "tontine:transit", bank, xof(20_000), "Recharge", toward=place.account
    )
    await records(town, sent)
    [moved] = await written(town)
    arrived = NewVoucher(
        VoucherKind.ARRIVED, wallet, "tontine:transit", xof(20_000), "T 1", slip="T 1", completes=moved.key
    )
    await records(town, arrived)
    new = NewVoucher(
        VoucherKind.EXPENSE, "tontine:purchases", wallet, xof(15_000), "Chaises", "Menuiserie", "+22376123456"
    )
    await signed(town, new)
    for _round in range(3):
        await works(house, clock)
    assert (await held(town, wallet), await held(town, WALLET)) == (5_000, HELD)
    assert [one.shown_number for one in await written(town)][-1] == "C3/2026"
    assert await broken(town) == set()


async def test_no_process_starts_without_the_credentials_of_an_open_payout(town: AsyncEngine) -> None:
    await signed(town)
    await unroute(town)
    await refuse_strange_routes(town, SIMULATED)
    with pytest.raises(StrangeRouteError, match="payouts wait for the answer of simulated"):
        await refuse_strange_routes(town, Credentials())


async def test_nobody_sends_money_to_her_own_phone(town: AsyncEngine) -> None:
    assert "own phone" in await refusal(proposes_payout(town, to_clinic(1_000, phone=FANTA), by=FANTA))
    assert await all_payouts(town) == []
