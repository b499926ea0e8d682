"""A commune that pays for indigents in the tests, and two treasurers who sign for whom."""

from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.balances import balance
from locales import Money, Sentence
from mutuelle.enrolment.paid_for import renew_paid_for
from mutuelle.enrolment.regime_changes import regime_change, who_pays_for
from mutuelle.founding.founding import list_payers
from mutuelle.households.households import Household
from mutuelle.officers.joint_acts import NewJointAct, propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.regimes import Payer, PayerKind, Regime
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, box_of
from talk.answers import Secret
from tests.support.officer_acts import AGREED, answers, calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin, set_limit
from tests.support.town import FOUNDED, FOUNDED_ON, NOON, found_town
from tests.support.treasury import records

COMMUNE = Payer("commune-de-sikasso", "Commune de Sikasso", PayerKind.COMMUNE)
STATE = Payer("etat-mali", "État", PayerKind.STATE)
INDIGENTS = Regime("indigents", FOUNDED_ON, "Indigents", COMMUNE.code, COMMUNE.name, 100)
HALF = Regime("aide", FOUNDED_ON, "Aide", STATE.code, STATE.name, 50)


async def town_with_payers(pool: AsyncEngine, *regimes: Regime) -> None:
    """The town, whose treasurers have PINs; the commune pays for indigents, the State half for others."""
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await set_limit(pool, "two_signatures_from_minor", 1_000_000, since=FOUNDED_ON, at=FOUNDED)
    await lists(pool, *(regimes or (INDIGENTS, HALF)))


async def lists(pool: AsyncEngine, *regimes: Regime) -> None:
    """Payers and regimes, as an import writes them."""
    async with pool.begin() as db:
        await list_payers(db, await get_mutuelle(db, "BEN"), [COMMUNE, STATE], regimes)


async def proposes_regime(
    pool: AsyncEngine, household: Household, code: str | None, *, by: str = FANTA, at: datetime = NOON
) -> Sentence | None:
    """A treasurer proposes that this regime pays for the household; None: the household itself."""
    async with pool.begin() as db:
        caller = calling(by, at)
        own = await appointment_of(db, caller, "BEN", Role.TREASURER)
        found = await who_pays_for(db, caller, own, household.number)
        chosen = {row.code: row for row in found.others}[code] if code else None
        act = NewJointAct("regime change", regime_change(found, chosen).facts, "on the list")
        return await propose(db, caller, mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED)


async def puts_under(
    pool: AsyncEngine, household: Household, code: str | None, *, at: datetime = NOON
) -> None:
    """The same, signed by the other treasurer at once."""
    assert await proposes_regime(pool, household, code, at=at) is None
    assert await answers(pool, at=at) is None


async def mornings(pool: AsyncEngine, first: date, last: date) -> int:
    """Every morning of these days the clock renews what payers owe whole; how many it renewed."""
    renewed = 0
    for nth in range((last - first).days + 1):
        at = NOON.replace(year=first.year, month=first.month, day=first.day) + timedelta(days=nth)
        async with pool.begin() as db:
            renewed += await renew_paid_for(db, "BEN", at)
    return renewed


async def owes(pool: AsyncEngine, payer: Payer = COMMUNE) -> int:
    """What the payer owes in the book."""
    async with pool.connect() as db:
        return (await balance(db, "BEN", accounts.receivable(payer.code))).net


async def receives_of_payer(
    pool: AsyncEngine, minor: int, payer: Payer = COMMUNE, *, at: datetime = NOON
) -> None:
    """A treasurer books what the payer has paid into her box, by the menu's voucher; two sign where they must."""
    new = NewVoucher(
        VoucherKind.DEBTOR,
        box_of(FANTA),
        accounts.receivable(payer.code),
        Money(minor, "XOF"),
        "Convention 2026",
        payer.name,
    )
    done = await records(pool, new, at=at)
    assert not isinstance(done, Sentence), done
