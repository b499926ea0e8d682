"""A statement that is taken in: whose money each line is, what is booked of it, and what is left to people."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.book import Origin, Voucher
from ledger.periods import close_period
from locales import Money
from mobilemoney import OperatorAnswer, Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import PAYMENTS, KeptRow, PaymentState, correct_to_paid, move
from mutuelle.contributions.received_money import ReceivedMoney
from mutuelle.contributions.settlement.receive import receive_all
from mutuelle.contributions.settlement.settle import settle
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household, phones_of
from mutuelle.posting import RECEIVED
from mutuelle.support.changes import close_household
from mutuelle.support.merging import merge_households
from mutuelle.support.who import about_household
from mutuelle.treasury.past_receipts import last_receipts
from mutuelle.treasury.statements import take_in
from mutuelle.treasury.statements.invariants import INVARIANTS
from mutuelle.treasury.statements.owners import MeanwhileError, lock_owners
from sms.tables import outbox
from tests.support.officer_acts import broken
from tests.support.statements import (
    FLOAT,
    HEAD,
    SUSPENSE,
    TODAY,
    books,
    journals,
    kinds,
    line,
    open_merchant,
    taken,
)
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town, join, paid

DAY = timedelta(days=1)
PUSH = "simulated-ML"
OFFICE = By("a test", "asked by a test", NOON)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await open_merchant(pool)
    return pool


@pytest.fixture
async def household(town: AsyncEngine) -> Household:
    """Awa's household, which has paid nothing of its 12 000 F."""
    return await join(town, AWA, at=NOON - 3 * DAY, cash=True)


async def stands(pool: AsyncEngine, household: Household) -> Standing:
    async with pool.connect() as db:
        return await standing(db, household, NOON)


async def receipts(pool: AsyncEngine) -> list[tuple[str, str]]:
    async with pool.connect() as db:
        own = select(outbox.c.phone, outbox.c.body).where(outbox.c.template == "receipt")
        return [(phone, body) for phone, body in await db.execute(own)]


async def sent(pool: AsyncEngine, household: Household, to: PaymentState = PaymentState.SENT) -> str:
    """The household's open payment is with its operator, or has failed there; its reference."""
    async with pool.begin() as db:
        own = tables.payment.c.number == household.number
        reference = (await db.scalars(select(tables.payment.c.reference).where(own))).one()
        key = household.mutuelle_id, reference
        await move(db, *key, PaymentState.SENT, by=By("a test", "sent", NOON))
        if to is not PaymentState.SENT:
            await move(db, *key, to, by=By("a test", "said so", NOON))
    return str(reference)


async def cases(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return list(await db.scalars(select(tables.payment_case.c.kind)))


async def test_money_with_a_member_number_is_posted_as_after_a_push(
    town: AsyncEngine, household: Household
) -> None:
    note = f"cotisation {household.shown_number}"
    done = await taken(town, [line(1, 12_000, note, payer="22376000001", on=TODAY - DAY)])
    assert (done.lines, done.posted, done.unmatched) == (1, 1, 0)
    assert await journals(town) == [(FLOAT, household.account, 12_000)]
    now = await stands(town, household)
    assert now.cover.state is CoverState.WAITING
    assert now.cover.from_on == date(2026, 12, 21)  # a month after the day on the line
    assert not now.due.amount_minor
    [(phone, body)] = await receipts(town)
    assert phone == AWA
    assert body.endswith("Couvert du 21/12/2026 au 20/11/2027. Reste à payer : 0 F.")
    assert await broken(town) == set()


async def test_another_who_pays_gets_a_receipt_without_name_and_debt(
    town: AsyncEngine, household: Household
) -> None:
    await taken(town, [line(1, 5_000, household.number, payer="76 00 00 02")])
    bodies = dict(await receipts(town))
    assert set(bodies) == {AWA, MARIAM}
    assert bodies[MARIAM].endswith(f"vous avez payé 5 000 F pour le ménage {household.shown_number}. Merci.")


async def test_a_household_that_pays_twice_in_one_file_has_both_in_their_order(
    town: AsyncEngine, household: Household
) -> None:
    lines = [line(2, 8_000, household.number), line(1, 5_000, household.number, on=TODAY - DAY)]
    assert (await taken(town, lines)).posted == 2
    now = await stands(town, household)
    assert (now.due.amount_minor, now.credit.amount_minor) == (0, 1_000)
    # What is left to pay after the earlier payment, and what is paid ahead after the later one.
    assert {body.rpartition(" : ")[2] for _phone, body in await receipts(town)} == {"7 000 F.", "1 000 F."}


async def test_money_renews_where_the_household_was_told_the_price_of_a_new_period(town: AsyncEngine) -> None:
    long_ago = NOON - timedelta(days=350)
    household = await join(town, AWA, at=long_ago)
    await paid(town, household, at=long_ago)
    lines = [line(1, 2_000, household.number), line(2, 1_000, household.number, on=TODAY - 60 * DAY)]
    await taken(town, lines)
    # The first, of two months ago, was a gift to the next period: it began none. Both together reach its smallest part.
    now = await stands(town, household)
    assert len(now.periods) == 2
    assert now.periods[1].terms.agreed_on == TODAY
    assert now.due.amount_minor == 9_000
    assert await broken(town) == set()


async def test_too_little_for_a_renewal_binds_nobody(town: AsyncEngine) -> None:
    long_ago = NOON - timedelta(days=350)
    household = await join(town, AWA, at=long_ago)
    await paid(town, household, at=long_ago)
    await taken(town, [line(1, 500, household.number)])
    now = await stands(town, household)
    assert (len(now.periods), now.credit.amount_minor) == (1, 500)


async def test_money_of_a_day_before_the_renewal_was_open_stays_credit(town: AsyncEngine) -> None:
    long_ago = NOON - timedelta(days=350)
    household = await join(town, AWA, at=long_ago)
    await paid(town, household, at=long_ago)
    await taken(town, [line(1, 12_000, household.number, on=TODAY - 20 * DAY)])
    now = await stands(town, household)
    assert (len(now.periods), now.credit.amount_minor, now.renews_by_credit) == (1, 12_000, True)


async def test_what_nobody_is_known_for_waits_in_suspense(town: AsyncEngine, household: Household) -> None:
    other = await join(town, MARIAM, at=NOON, cash=True)
    wrong = str(int(household.number) + 1)  # one digit wrong is never mended
    lines = [
        line(1, 5_000, "cotisation"),
        line(2, 6_000, wrong, payer=AWA),
        line(3, 7_000, f"{household.number} et {other.number}"),
    ]
    assert (await taken(town, lines)).unmatched == 3
    assert await journals(town) == [(FLOAT, SUSPENSE, amount) for amount in (5_000, 6_000, 7_000)]
    assert await receipts(town) == []


async def test_fees_are_booked_as_fees_and_other_money_out_is_kept(town: AsyncEngine) -> None:
    lines = [line(1, -150, "Frais de service"), line(2, -40_000, "Retrait guichet")]
    done = await taken(town, lines)
    assert (done.fees, done.debits, done.unmatched) == (1, 1, 0)
    assert await journals(town) == [("health:fees", FLOAT, 150)]
    assert await kinds(town) == {"T1": "fee", "T2": "debit"}


async def test_the_same_lines_again_are_known_whatever_file_they_stand_in(
    town: AsyncEngine, household: Household
) -> None:
    lines = [line(1, 5_000, household.number), line(2, 6_000, "?"), line(3, -150, "fee")]
    await taken(town, lines[:2])
    booked = await journals(town)
    again = await taken(town, [*lines, lines[1]])
    assert again.counts == {**again.counts, "lines": 4, "known": 3, "posted": 0, "unmatched": 0, "fees": 1}
    turned = [";".join(reversed(one.split(";"))) for one in lines]
    assert (await taken(town, turned, head="note;currency;amount;payer;id;date")).known == 3
    assert [one for one in await journals(town) if one[0] == FLOAT] == booked
    assert len(await receipts(town)) == 1


async def test_a_file_with_one_bad_line_leaves_nothing(town: AsyncEngine, household: Household) -> None:
    await taken(town, [line(1, 5_000, household.number)])
    bad = [
        line(1, 5_500, household.number),  # the id of another
        line(2, 5_000, currency="EUR"),
        line(3, -5_000, payer=AWA),
        line(4, 5_000, on=TODAY + DAY),
        line(5, 5_000, '=HYPERLINK("x")'),
        line(6, "5 000,50"),
        line(7, "cinq mille"),
        "31/02/2026;T8;;5000;XOF;",
        f"{TODAY};;;5000;XOF;",
    ]
    done = await taken(town, [line(20, 1_000), *bad, line(30, 1_000)])
    assert {fault.line for fault in done.faults} == set(range(3, 12))
    assert done.refused == 9
    done = await taken(town, [line(20, 1_000), bad[0]])
    assert [(fault.file, fault.line, fault.said) for fault in done.faults] == [("mars.csv", 3, "T1")]
    assert await kinds(town) == {"T1": "receipt"}


async def test_money_of_a_household_that_is_no_more_finds_its_heir(
    town: AsyncEngine, household: Household
) -> None:
    kept, alone = await join(town, MARIAM, at=NOON, cash=True), await join(town, OUMAR, at=NOON, cash=True)
    async with town.begin() as db:
        await merge_households(db, household.number, kept.number, OFFICE)
        await close_household(db, alone.number, OFFICE, although_covered=False)
    await taken(town, [line(1, 5_000, household.number), line(2, 6_000, alone.number)])
    assert await journals(town) == [(FLOAT, kept.account, 5_000), (FLOAT, alone.account, 6_000)]
    assert await broken(town) == set()


async def test_a_household_that_is_merged_at_this_moment_stops_the_file(
    town: AsyncEngine, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await join(town, MARIAM, at=NOON, cash=True)

    async def merged_before(*facts: Any) -> None:
        async with town.begin() as other:
            await merge_households(other, household.number, kept.number, OFFICE)
        await lock_owners(*facts)

    monkeypatch.setattr(take_in, "lock_owners", merged_before)
    with pytest.raises(MeanwhileError):
        await taken(town, [line(1, 5_000, household.number)])
    monkeypatch.undo()
    await taken(town, [line(1, 5_000, household.number)])
    assert await journals(town) == [(FLOAT, kept.account, 5_000)]


async def test_a_line_with_our_reference_confirms_a_payment_that_waits(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON - DAY)
    reference = await sent(town, household)
    done = await taken(town, [line(1, 12_000, f"ref {reference}", on=TODAY)], name=PUSH)
    assert (done.posted, done.known) == (1, 0)
    assert (await stands(town, household)).cover.state is CoverState.WAITING
    assert await journals(town) == []  # its journal is the payment's
    async with town.connect() as db:
        why = select(tables.payment_move.c.reason).where(tables.payment_move.c.to_state == PaymentState.PAID)
        assert await db.scalar(why) == "line of a statement"
    assert (await taken(town, [line(1, 12_000, f"ref {reference}")], name=PUSH)).known == 1
    assert await cases(town) == []
    assert await broken(town) == set()


async def test_a_line_of_a_paid_payment_is_known_by_either_reference(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON - DAY)
    await paid(town, household, at=NOON)
    async with town.connect() as db:
        [(ours, theirs)] = await db.execute(
            select(tables.payment.c.reference, tables.payment.c.operator_reference)
        )
    done = await taken(town, [f"{TODAY};{theirs};{AWA};12000;XOF;"], name=PUSH)
    assert (done.known, done.unmatched) == (1, 0)
    twice = await taken(town, [line(2, 12_000, str(ours))], name=PUSH)
    assert twice.unmatched == 1  # the payer was charged twice: money without an owner, and a case
    assert await cases(town) == ["statement"]


@pytest.mark.parametrize(
    ("state", "amount_minor", "kind"),
    [
        (PaymentState.FAILED, 12_000, "unmatched"),
        (PaymentState.PAID, 11_000, "contradiction"),
        (PaymentState.SENT, 11_000, "unmatched"),
    ],
)
async def test_a_line_that_says_otherwise_than_a_payment_is_a_case(
    town: AsyncEngine, state: PaymentState, amount_minor: int, kind: str
) -> None:
    household = await join(town, AWA, at=NOON - DAY)
    if state is PaymentState.PAID:
        await paid(town, household, at=NOON)
        async with town.connect() as db:
            reference = str(await db.scalar(select(tables.payment.c.reference)))
    else:
        reference = await sent(town, household, state)
    await taken(town, [line(1, amount_minor, reference)], name=PUSH)
    assert await kinds(town) == {"T1": kind}
    assert len(await cases(town)) == 1
    async with town.connect() as db:
        state_now = await db.scalar(select(tables.payment.c.state))
        in_suspense = await db.scalar(
            text(
                "select sum(credit - debit) from ledger.entry where account = 'health:suspense:simulated-ML'"
            )
        )
    assert state_now == (PaymentState.PAID if state is PaymentState.SENT else state)
    assert (in_suspense or 0) == (amount_minor if kind == "unmatched" else 0)
    assert await broken(town) == set()


async def test_a_failed_payment_that_two_made_paid_is_not_confirmed_by_another_line(
    town: AsyncEngine,
) -> None:
    household = await join(town, AWA, at=NOON - DAY)
    reference = await sent(town, household, PaymentState.FAILED)
    await taken(town, [line(1, 12_000, reference)], name=PUSH)
    voucher = Voucher(
        "BEN", "payment", reference, RECEIVED, TODAY, "two treasurers", "the statement shows it"
    )
    amount, debit = Money(12_000, "XOF"), accounts.suspense(PUSH)
    async with town.begin() as db:
        await correct_to_paid(db, KeptRow(PAYMENTS, "BEN", UUID(reference)), by=OFFICE)
        await receive_all(db, [ReceivedMoney(household.number, amount, debit, voucher, "ABC234")], NOON)
    assert (await taken(town, [line(2, 12_000, reference)], name=PUSH)).unmatched == 1
    assert [amount for _debit, _credit, amount in await journals(town)] == [12_000, 12_000]


async def test_two_who_take_in_the_same_statement_at_once_post_it_once(
    town: AsyncEngine, household: Household
) -> None:
    other = await join(town, MARIAM, at=NOON, cash=True)
    lines = [line(nth, 500, (household, other)[nth % 2].number) for nth in range(20)]
    both = await asyncio.gather(taken(town, lines), taken(town, reversed(lines)))
    assert sorted((one.posted, one.known) for one in both) == [(0, 20), (20, 0)]
    assert len(await journals(town)) == 20
    assert await broken(town) == set()


async def test_a_statement_and_the_settling_of_payments_wait_for_each_other(town: AsyncEngine) -> None:
    homes = [await join(town, f"+223761{nth:05}", at=NOON - DAY) for nth in range(12)]
    references = [await sent(town, home) for home in homes]
    pushed = [line(nth, 12_000, reference) for nth, reference in enumerate(references)]
    given = [line(100 + nth, 1_000, home.number) for nth, home in enumerate(reversed(homes))]

    async def settles() -> None:
        for home, reference in zip(homes, references, strict=True):
            answer = OperatorAnswer(Outcome.PAID, 12_000, "XOF", None, f"T{reference}", NOON)
            async with town.begin() as db:
                phone = (await phones_of(db, home))[0]
                await settle(db, "BEN", UUID(reference), replace(answer, phone=phone), NOON)

    done, _given, _settled = await asyncio.gather(
        taken(town, pushed, name=PUSH), taken(town, given), settles()
    )
    assert done.posted + done.known == 12
    for home in homes:
        assert (await stands(town, home)).credit.amount_minor == 1_000
    assert await broken(town) == set()


async def test_what_the_look_misses_the_database_refuses(
    town: AsyncEngine, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(1, 5_000, household.number)]
    await taken(town, lines)

    async def forgets(*_facts: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr(take_in, "stored_contents", forgets)
    with pytest.raises(IntegrityError):
        await taken(town, [*lines, line(2, 700)])
    assert [amount for _debit, _credit, amount in await journals(town)] == [5_000]


async def test_a_day_in_closed_books_is_booked_today_and_kept(
    town: AsyncEngine, household: Household
) -> None:
    async with town.begin() as db:
        origin = Origin(source="test", key="closed", actor="Fanta", reason="all is counted")
        assert (await close_period(db, "BEN", TODAY - 10 * DAY, origin)).stands
    await taken(
        town, [line(1, 12_000, household.number, on=TODAY - 20 * DAY), line(2, 700, on=TODAY - 20 * DAY)]
    )
    assert await journals(town) == [(FLOAT, SUSPENSE, 700), (FLOAT, household.account, 12_000)]
    assert (await stands(town, household)).cover.state is CoverState.WAITING
    assert await broken(town) == set()


async def test_the_household_and_support_see_the_receipt(town: AsyncEngine, household: Household) -> None:
    await taken(town, [line(1, 5_000, household.number, on=TODAY - DAY)])
    async with town.connect() as db:
        [receipt] = await last_receipts(db, household, 3)
        lines = await about_household(db, household.number, OFFICE)
    assert (receipt.on, receipt.amount.amount_minor) == (TODAY - DAY, 5_000)
    [said] = [one for one in lines if one.startswith("  statement")]
    assert said.endswith(f"5 000 F paid on {TODAY - DAY} to merchant-BEN: receipt {receipt.code}, line T1")


MUTANTS = {
    "statement_line_posted_once": (
        "update ledger.movement set amount = amount + 1 where credit_account like 'health:suspense:%'",
        "update statement_line set kind = 'receipt', number = (select number from household), receipt_code = 'ABCDEF'"
        " where line_id = 'T2'",
        "delete from ledger.request where source = 'statement fee'",
        "delete from ledger.request where source = 'statement'",
        "update ledger.journal set effective_on = effective_on - 1 where kind = 'operator fee'",
    ),
    "statement_posting_has_line": (
        "delete from statement_line where kind = 'fee'",
        "update statement_line set fee_minor = 0",
        "insert into ledger.request select mutuelle_id, source, key || '-again', content_hash, verdict,"
        " gen_random_uuid() from ledger.request where source = 'statement'",  # a line posted twice
    ),
    "statement_own_line_is_booked": (
        "update statement_line set amount_minor = amount_minor + 1 where kind = 'own'",
        "update statement_line set own_journal = reference where kind = 'own'",
    ),
    "statement_receipt_was_told": ("delete from sms_outbox where template = 'receipt'",),
    "statement_line_is_of_its_file": (
        "update statement_file set first_on = first_on + 1, last_on = last_on + 1",
        "update statement_file set account = 'health:float:simulated-ML'",
    ),
}


def test_every_invariant_has_a_mutant() -> None:
    assert set(MUTANTS) == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize(("name", "mutant"), [(name, one) for name, many in MUTANTS.items() for one in many])
async def test_each_invariant_is_broken_by_its_mutants(
    town: AsyncEngine, owner: AsyncEngine, household: Household, name: str, mutant: str
) -> None:
    lines = [line(1, 5_000, household.number), line(2, 6_000), line(3, -150, "fee"), line(4, 7_000) + ";70"]
    await books(town, FLOAT, "d", 9_000, TODAY)
    lines.append(line(5, 9_000))
    await taken(town, lines, head=f"{HEAD};fee")
    assert await broken(town) == set()
    async with owner.begin() as db:
        for table in ("journal", "movement", "request"):
            await db.execute(text(f"alter table ledger.{table} disable trigger user"))
        await db.execute(text(mutant))
    assert name in {one.partition(":")[0] for one in await broken(town)}
