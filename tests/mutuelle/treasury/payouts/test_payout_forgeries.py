"""What an owner of the tables forges about payouts: the database refuses it, or an invariant names it."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Fact, Sentence, languages, render
from locales.letters import fold
from mobilemoney import Outcome
from mutuelle.contributions.collection import Round
from mutuelle.treasury.payouts.payout_acts import in_another_name, in_the_name_of
from tests.support.forgeries import guarded
from tests.support.officer_acts import answers, broken
from tests.support.payouts import PayingOperator, proposes_payout, to_clinic, works
from tests.support.town import Clock

SIGNED, RESERVED, POSTED = "payout_was_signed", "payout_was_reserved", "payout_is_posted_by_its_voucher"
MOVES, TOLD = "payout_moves_are_legal", "payout_was_told"
OPEN_ONE = "where amount_minor = 20000"
PAID_ONE = "where amount_minor = 30000"
FORGERIES: dict[str, tuple[str, set[str] | None]] = {
    "a payout that nobody signed": (
        "insert into payout select (jsonb_populate_record(p, jsonb_build_object('reference', gen_random_uuid(), 'act',"
        " (select id from joint_act where answer is null), 'notice_token', repeat('x', 40)))).* from payout p"
        f" {OPEN_ONE}",
        {SIGNED, RESERVED, MOVES},
    ),
    "more than was signed": (
        f"update payout set amount_minor = 20001 {OPEN_ONE}",
        {SIGNED, RESERVED},
    ),
    "to another phone": (f"update payout set phone = '+22379999999' {OPEN_ONE}", {SIGNED}),
    "approved by who proposed it": (
        f"update payout set approved_by = (select proposed_by from joint_act where id = act) {OPEN_ONE}",
        {SIGNED},
    ),
    "an act without its payout": (
        "update joint_act set answer = 'approved', answered_by = '+22376000008', answerer_name = 'Issa Dembélé',"
        " answered_at = proposed_at where answer is null",
        {SIGNED},
    ),
    "from another account": (
        f"update payout set credit = 'health:disbursement:other' {OPEN_ONE}",
        None,
    ),
    "called paid": (
        f"update payout set state = 'PAID', completed_at = asked_at {OPEN_ONE}",
        {RESERVED, POSTED, MOVES},
    ),
    "called failed": (f"update payout set state = 'FAILED' {OPEN_ONE}", {RESERVED, MOVES}),
    "a paid one that is open again": (
        f"update payout set state = 'UNKNOWN', completed_at = null {PAID_ONE}",
        {RESERVED, POSTED, MOVES},
    ),
    "a reservation with a deadline": (
        guarded("movement", "update ledger.movement set expires_at = now() where phase = 'pending'"),
        {RESERVED},
    ),
    "a voucher of another amount": (
        "update voucher set amount_minor = 30001",
        {POSTED, "voucher_posted_once"},
    ),
    "a move that is left out": (
        "delete from payout_move where to_state = 'SENT'",
        {MOVES},
    ),
    "failed, and then paid by nobody": (
        "update payout_move set from_state = 'FAILED' where to_state = 'PAID'",
        {MOVES},
    ),
    "an SMS that is gone": ("delete from sms_outbox where template = 'payout paid'", {TOLD}),
    "no SMS to who was paid": ("delete from sms_outbox where template = 'voucher'", {TOLD}),
    "no SMS of what failed": ("delete from sms_outbox where template = 'payout failed'", {TOLD}),
    "a lower limit on that day": (
        "insert into mutuelle_limit (mutuelle_id, name, version, since, value, actor, reason) values"
        " ('BEN', 'payouts_by_one_minor', 1, '2026-11-01', 40000, 'import', 'its first day')",
        {"payouts_are_within_the_limits"},
    ),
    "a lower limit of all on that day": (
        "insert into mutuelle_limit (mutuelle_id, name, version, since, value, actor, reason) values"
        " ('BEN', 'payouts_a_day_minor', 1, '2026-11-01', 40000, 'import', 'its first day')",
        {"payouts_are_within_the_limits"},
    ),
    "a name that is kept": (
        "insert into payee_name values ('BEN', 'simulated-ML', '+22379999999', 'SANOGO', 1, now())",
        {"payee_name_is_not_kept"},
    ),
}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("words", [in_the_name_of, in_another_name])
@pytest.mark.parametrize(("registered", "is_kept"), [("SANOGO", True), ("******", False)])
async def test_signed_words_with_a_registered_name_are_found(
    lived: AsyncEngine,
    owner: AsyncEngine,
    language: str,
    words: Callable[[Mapping[str, Fact]], Sentence],
    registered: str,
    is_kept: bool,
) -> None:
    said = words({"amount": "5 000 F", "party": "CSCom", "phone": "76 00 00 31", "registered": registered})
    row = {"consent": fold(render(said, language))}
    async with owner.begin() as db:
        await db.execute(
            text(
                "insert into action select 'ussd', 'call', '+22376000008', 1, '', 'answer_act',"
                " jsonb_build_object('proposal', id), '', :consent, 'END', now() from joint_act where answer is null"
            ),
            row,
        )
    assert {one.partition(":")[0] for one in await broken(lived)} == (
        {"payee_name_is_not_kept"} if is_kept else set()
    )


@pytest.fixture
async def lived(town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock) -> AsyncEngine:
    """30 000 F were paid, 10 000 F have failed, 20 000 F are on their way, 5 000 F wait for a signature."""
    for amount, ends in ((30_000, Outcome.PAID), (10_000, Outcome.FAILED)):
        operator.ends = ends
        await proposes_payout(town, to_clinic(amount), at=clock.now)
        await answers(town, at=clock.now)
        for _round in range(3):
            await works(house, clock)
    operator.says = Outcome.UNKNOWN
    await proposes_payout(town, to_clinic(20_000), at=clock.now)
    await answers(town, at=clock.now)
    await works(house, clock, timedelta(minutes=1))
    await proposes_payout(town, to_clinic(5_000), at=clock.now)
    assert await broken(town) == set()
    return town


@pytest.mark.parametrize("name", FORGERIES)
async def test_what_an_owner_forges_is_refused_or_found(
    lived: AsyncEngine, owner: AsyncEngine, name: str
) -> None:
    """`None`: the database itself refuses it."""
    forged, found = FORGERIES[name]
    if found is None:
        with pytest.raises(IntegrityError):
            async with owner.begin() as db:
                await db.execute(text(forged))
        return
    async with owner.begin() as db:
        for statement in forged.split(";"):
            await db.execute(text(statement))
    assert {one.partition(":")[0] for one in await broken(lived)} == found
