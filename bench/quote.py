"""A doctor's check with what the patient pays, beside the same check without it, in a federation of so many households.

Both are the action alone, one after another over one connection; the answers are compared with what they must say.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from time import perf_counter

from sqlalchemy.ext.asyncio import AsyncEngine

from bench.databases import FOUNDED, as_owner, database
from bench.federation import CENTRE, DOCTORS, MOST_HERE, found_federation, make_codes
from bench.homes import SETTLED_AGO_DAYS, Joined
from bench.measures import Measure, Size, against, alone, must_be_none, percentile
from bench.place import BenchPlace
from bench.verif import SEALS
from locales import load, render
from mutuelle.acts import By
from mutuelle.benefits.openings import BenefitOpenings, open_benefits
from mutuelle.benefits.rules import Benefit, Tariff
from mutuelle.care.eligibility import check_cover
from mutuelle.dates import add_months
from talk.answers import Secret
from talk.words import Caller
from torture.town import DAN, FAMILY

PRICE_MINOR, PERCENT = 5_000, 20
SAID = "Accouchement : le patient paie 1 000 F."  # PERCENT of PRICE_MINOR
CARE = "ACC"


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some seconds; with a million households some minutes to write them."""
    load()
    waits: dict[str, list[list[float]]] = {"": [], CARE: []}
    wrong = 0
    async with database(place, "quote", FOUNDED) as own:
        homes = (await found_federation(own, size.households, SEALS))[:MOST_HERE]
        await _say_benefits(own)
        await as_owner(own, "vacuum analyze")
        pool, nth = own.pool(1), count(1)
        for _round in range(size.call_rounds):
            for care, laps in waits.items():
                took, unlike = await _lap(own, pool, homes, next(nth), care)
                laps.append(took)
                wrong += unlike
        await pool.dispose()
    return [*_told(waits), must_be_none("quote", "wrong answers", "answers", wrong)]


def _told(waits: dict[str, list[list[float]]]) -> list[Measure]:
    without, with_care = ([_ms(lap, 50) for lap in waits[care]] for care in ("", CARE))
    last = [_ms(lap, 99) for lap in waits[CARE]]
    return [
        against("quote", "check with its quote, p50", "ms", with_care, "without it", without),
        alone("quote", "check with its quote, p99", "ms", last),
    ]


def _ms(lap: Sequence[float], percent: float) -> float:
    return percentile(lap, percent) * 1000


async def _say_benefits(own: BenchPlace) -> None:
    """A rule of each of ten services at each level, and what the centre takes for one."""
    now = datetime.now(UTC)
    since = add_months(now.date(), -SETTLED_AGO_DAYS // 15)
    rules = [
        Benefit(FAMILY.code, code, level, since, copay_percent=PERCENT, person_ceiling_minor=900_000)
        for code in ("CON", "PCH", CARE, "CPN", "PPN", "LAB", "VAC", "MED", "HOS", "TRA")
        for level in ("post", "centre", "hospital")
    ]
    new = BenefitOpenings(benefits=rules, tariffs=[(CENTRE.id, Tariff(CARE, since, PRICE_MINOR))])
    pool = own.pool(1)
    async with pool.begin() as db:
        await open_benefits(db, DAN, new, By("import", "a benchmark's", now))
    await pool.dispose()


async def _lap(
    own: BenchPlace, pool: AsyncEngine, homes: Sequence[Joined], nth: int, care: str
) -> tuple[list[float], int]:
    """How long each check took, in seconds, and how many answers were wrong."""
    codes, waits, wrong = await make_codes(own, homes, SEALS, nth), [], 0
    for turn, home in enumerate(homes):
        now = datetime.now(UTC)
        caller = Caller(DOCTORS[turn % len(DOCTORS)], "fr", "bench", f"{nth} {turn}", now, SEALS)
        began = perf_counter()
        async with pool.begin() as db:
            proof = Secret(codes[home.number])
            answer = await check_cover(db, caller, number=home.number, proof=proof, service=care)
        waits.append(perf_counter() - began)
        said = render(answer, "fr")
        wrong += ": COUVERT" not in said.replace(" :", ":") or (SAID in said) != bool(care)
    return waits, wrong
