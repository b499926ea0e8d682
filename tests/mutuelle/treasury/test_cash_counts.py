"""A treasurer's box is counted: what agrees is written down, what does not is booked by two."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.balances import balance
from locales import Money, Sentence
from mutuelle.contributions.standing import PaymentTerms
from mutuelle.officers.joint_acts import APPROVED, REFUSED, acts_to_sign, answer_act, propose
from mutuelle.officers.pins import WRONG
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.cash import CashGiven, receive_cash
from mutuelle.treasury.cash_counts import BoxCount, difference_of, last_count, write_count
from mutuelle.treasury.cash_in_hand import cash_in_hand_of
from mutuelle.treasury.invariants import COUNTS
from mutuelle.treasury.tables import cash_count
from talk.answers import Secret
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.joined_households import joined, stands
from tests.support.officer_acts import AGREED, broken, calling, templates
from tests.support.officers import FANTA, ISSA, PIN, give_pin, set_limit
from tests.support.town import AWA, NOON, found_town


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """Fanta has 5 000 F in her box, taken at the desk."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    household = await joined(pool, AWA, at=NOON, pay_minor=3_000)
    terms = (await stands(pool, household)).payment_terms
    await takes(pool, household.number, 5_000, terms)
    return pool


async def takes(pool: AsyncEngine, number: str, minor: int, terms: PaymentTerms) -> None:
    """Fanta takes cash at the desk."""
    given = CashGiven(number, Money(minor, "XOF"), NOON.date(), Role.TREASURER)
    async with pool.begin() as db:
        done = await receive_cash(
            db,
            calling(FANTA),
            mutuelle="BEN",
            cash=given,
            terms=terms,
            pin=Secret(PIN),
        )
    assert not isinstance(done, Sentence)


async def box(pool: AsyncEngine) -> Money:
    async with pool.connect() as db:
        appointment = await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)
        return (await cash_in_hand_of(db, appointment)).held


async def counts(pool: AsyncEngine, counted_minor: int, *, pin: str = PIN) -> Sentence | None:
    """Fanta counts her box; what agrees is written down, what does not is proposed."""
    held, counted = await box(pool), Money(counted_minor, "XOF")
    async with pool.begin() as db:
        caller = calling(FANTA)
        count = BoxCount(counted, held)
        if counted == held:
            return await write_count(db, caller, mutuelle="BEN", count=count, pin=Secret(pin))
        appointment = await appointment_of(db, caller, "BEN", Role.TREASURER)
        act = difference_of(appointment, count, "lost at the market")
        return await propose(db, caller, mutuelle="BEN", proposal=act, pin=Secret(pin), agreed=AGREED)


async def signs(pool: AsyncEngine, answer: str = APPROVED, *, by: str = ISSA) -> Sentence | None:
    async with pool.begin() as db:
        (found,) = await acts_to_sign(db, calling(ISSA), "BEN")
        return await answer_act(
            db, calling(by), mutuelle="BEN", proposal=found.id, answer=answer, pin=Secret(PIN)
        )


async def booked(pool: AsyncEngine) -> tuple[int, int]:
    """What was booked as missing, and as found."""
    async with pool.connect() as db:
        missing = await balance(db, "BEN", accounts.shortage())
        found = await balance(db, "BEN", accounts.surplus())
    return missing.net, -found.net


async def test_a_count_that_agrees_is_written_down_and_moves_nothing(town: AsyncEngine) -> None:
    async with town.connect() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        assert await last_count(db, mutuelle) is None
    assert await counts(town, 5_000, pin="99999") == WRONG
    assert await counts(town, 5_000) is None
    async with town.connect() as db:
        assert await last_count(db, mutuelle) == NOON.date()
        row = (await db.execute(select(cash_count))).one()
    assert (row.counted_minor, row.held_minor, row.act) == (5_000, 5_000, None)
    assert await booked(town) == (0, 0)
    assert await broken(town) == set()


async def test_a_difference_is_booked_by_two_and_our_book_says_what_was_counted(town: AsyncEngine) -> None:
    assert await counts(town, 4_500) is None
    assert await box(town) == Money(5_000, "XOF")
    assert (await templates(town, ISSA))[-1] == "signature asked"
    assert await signs(town) is None
    assert await box(town) == Money(4_500, "XOF")
    assert await counts(town, 4_700) is None
    assert await signs(town) is None
    assert await box(town) == Money(4_700, "XOF")
    assert await booked(town) == (500, 200)
    assert await broken(town) == set()


async def test_one_signature_and_a_refusal_book_nothing(town: AsyncEngine) -> None:
    await counts(town, 4_500)
    assert "Another treasurer" in await refusal(signs(town, by=FANTA))
    assert await signs(town, REFUSED) is None
    assert (await box(town), await booked(town)) == (Money(5_000, "XOF"), (0, 0))
    assert await broken(town) == set()


async def test_a_box_that_has_changed_meanwhile_is_counted_again(town: AsyncEngine) -> None:
    await counts(town, 4_500)
    household = await joined(town, "+22376000011", at=NOON, pay_minor=3_000, name="Sira Diarra")
    terms = (await stands(town, household)).payment_terms
    await takes(town, household.number, 3_000, terms)
    assert "count it again" in await refusal(signs(town))
    assert await box(town) == Money(8_000, "XOF")


async def test_a_box_has_one_open_count_at_a_time(town: AsyncEngine) -> None:
    await counts(town, 4_500)
    assert "proposed already" in await refusal(counts(town, 4_400))


async def test_a_box_has_no_limit_as_a_collector_has(town: AsyncEngine) -> None:
    await set_limit(town, "cash_held_minor", 5_000)
    household = await joined(town, "+22376000011", at=NOON, pay_minor=3_000, name="Sira Diarra")
    await takes(town, household.number, 3_000, (await stands(town, household)).payment_terms)
    assert await box(town) == Money(8_000, "XOF")


async def test_an_empty_box_that_never_held_cash_can_be_counted(pool: AsyncEngine) -> None:
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    assert await counts(pool, 0) is None
    assert await counts(pool, 700) is None
    assert await signs(pool) is None
    assert (await box(pool), await booked(pool)) == (Money(700, "XOF"), (0, 700))
    assert await broken(pool) == set()


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_counts_the_book_is_what_was_counted_last(town: AsyncEngine, seed: int) -> None:
    chance = random.Random(seed)
    held, missing, found = 5_000, 0, 0
    for _nth in range(6):
        counted = chance.choice((held, 0, held + 250, max(held - 1_000, 0), chance.randrange(20_000)))
        await counts(town, counted)
        if counted == held:
            continue
        answer = chance.choice((APPROVED, REFUSED))
        await signs(town, answer)
        if answer == APPROVED:
            missing, found = missing + max(held - counted, 0), found + max(counted - held, 0)
            held = counted
        assert (await box(town)).amount_minor == held
    assert await booked(town) == (missing, found)
    assert await broken(town) == set()


async def counts_alone(
    pool: AsyncEngine, counted_minor: int, reason: str | None = "lost at the market"
) -> Sentence | None:
    async with pool.begin() as db:
        appointment = await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)
        count = BoxCount(Money(counted_minor, "XOF"), (await cash_in_hand_of(db, appointment)).held)
        return await write_count(
            db, calling(FANTA), mutuelle="BEN", count=count, pin=Secret(PIN), reason=reason
        )


async def test_a_small_difference_is_booked_by_one_with_her_reason(town: AsyncEngine) -> None:
    assert "count it again" in await refusal(counts_alone(town, 4_900)), "the usual limit is nothing"
    await set_limit(town, "count_difference_minor", 500)
    assert "count it again" in await refusal(counts_alone(town, 4_900, reason=None))
    assert await counts_alone(town, 4_900) is None
    assert await box(town) == Money(4_900, "XOF")
    assert await booked(town) == (100, 0)
    async with town.connect() as db:
        row = (await db.execute(select(cash_count))).one()
    assert (row.reason, row.act) == ("lost at the market", None)
    assert await broken(town) == set()


async def test_a_large_difference_is_not_booked_by_one_in_pieces(town: AsyncEngine) -> None:
    await set_limit(town, "count_difference_minor", 500)
    assert await counts_alone(town, 4_600) is None
    assert await counts_alone(town, 4_700) is None
    assert "count it again" in await refusal(counts_alone(town, 4_699))
    assert await counts_alone(town, 4_700, reason=None) is None
    assert await counts(town, 4_000) is None
    assert await signs(town) is None
    assert await booked(town) == (400 + 700, 100)
    assert await broken(town) == set()


@pytest.mark.parametrize("seed", range(6))
async def test_what_one_books_alone_in_a_day_never_passes_the_limit(town: AsyncEngine, seed: int) -> None:
    chance, most = random.Random(seed), 500
    await set_limit(town, "count_difference_minor", most)
    held, alone, missing, found = 5_000, 0, 0, 0
    for _nth in range(12):
        counted = max(held + chance.choice((-400, -150, -1, 1, 90, 300, 501)), 0)
        difference = counted - held
        if alone + abs(difference) <= most:
            assert await counts_alone(town, counted) is None
            alone, held = alone + abs(difference), counted
            missing, found = missing + max(-difference, 0), found + max(difference, 0)
        else:
            assert "count it again" in await refusal(counts_alone(town, counted))
        assert (await box(town)).amount_minor == held
    assert await booked(town) == (missing, found)
    assert await broken(town) == set()


MUTANTS = {
    "count_alone_was_within_the_limit": ("update mutuelle_limit set value = 99",),
    "count_was_signed_by_two": (
        "update joint_act set answer = 'refused'",
        "update joint_act set facts = facts || '{\"counted_minor\": 4400}'",
    ),
    "count_posted_once": (
        "update ledger.movement set amount = 501 where debit_account = 'health:shortage'",
        "update ledger.request set source = 'count' where source = 'cash count'",
        "update ledger.movement set amount = 101 where amount = 100 and debit_account = 'health:shortage'",
    ),
}


def test_every_invariant_has_a_mutant() -> None:
    assert set(MUTANTS) == {invariant.name for invariant in COUNTS}


@pytest.mark.parametrize(("name", "mutant"), [(name, one) for name, many in MUTANTS.items() for one in many])
async def test_each_invariant_is_broken_by_its_mutants(
    town: AsyncEngine, owner: AsyncEngine, name: str, mutant: str
) -> None:
    await counts(town, 4_500)
    await signs(town)
    await set_limit(town, "count_difference_minor", 100)
    assert await counts_alone(town, 4_400) is None
    assert await broken(town) == set()
    async with owner.begin() as db:
        for table in ("journal", "movement", "request"):
            await db.execute(text(f"alter table ledger.{table} disable trigger user"))
        await db.execute(text(mutant))
    assert name in {one.partition(":")[0] for one in await broken(town)}


async def test_who_is_no_treasurer_counts_nothing(town: AsyncEngine) -> None:
    late = NOON + timedelta(days=1)
    async with town.begin() as db:
        await db.execute(text("update officer set until = since where phone = :phone"), {"phone": FANTA})
        count = BoxCount(Money(5_000, "XOF"), Money(5_000, "XOF"))
        work = write_count(db, calling(FANTA, late), mutuelle="BEN", count=count, pin=Secret(PIN))
        assert "no longer yours" in await refusal(work)
