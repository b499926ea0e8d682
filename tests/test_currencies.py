"""Each currency in every form, and a mutuelle that lives in it from paper to receipt."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from currencies import CURRENCIES, KEPT
from ledger import formats
from ledger.reports.page import plain_amount
from locales import Money
from locales.letters import septets
from mobilemoney import wire
from mobilemoney.accounts import ConnectedAccounts
from mobilemoney.credentials import Credentials
from mutuelle.contributions.collection import Round, collect
from mutuelle.imports.cells import Setting
from mutuelle.imports.figures import franc_amount
from mutuelle.scheme.limits import USUAL, bounds, limits_of, usual
from mutuelle.treasury.statements import figures as statement_figures
from simulator.app import create_app
from simulator.deps import Config
from talk.answers import amount
from tests.support.imported import broken
from tests.support.paper_registers import HEAD, MUTUELLE, PRODUITS, fault_texts, take, write
from tests.support.patience import once
from tests.support.servers import environment, reached, serving
from tests.support.town import NOON, Clock, Handset
from tests.support.town_fixtures import deps_of

PHONES = {"GNF": ("GN", "+224621000001"), "CDF": ("CD", "+243810000001"), "RWF": ("RW", "+250780000001")}
SUMS = {"GNF": "1 250 000 FG", "CDF": "1 250 000 FC", "RWF": "125 000 FRw"}


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(1, 10**11))
def test_minor_units_survive_every_form(code: str, minor: int) -> None:
    money = Money(minor, code)
    kind = amount(Money(1, code), money)  # the most may have centimes, what is below is whole
    assert kind.parse(str(money)) == kind.parse(money.figures) == money
    told = wire.decimal_text(minor, code)
    assert wire.minor(told, code) == wire.minor(f"{Decimal(told):.4f}", code) == minor
    assert statement_figures.amount(str(money), code) == minor
    assert statement_figures.amount(str(plain_amount(minor, code)), code, ".") == minor
    assert franc_amount(0, 10**11)(str(money), Setting("ML", date(2026, 1, 1), code)) == minor
    assert formats._amount(minor, code) == f"{plain_amount(minor, code)} {code}"


@pytest.mark.parametrize("code", CURRENCIES)
def test_a_sign_is_shown_by_every_phone_and_read_again(code: str) -> None:
    sign = CURRENCIES[code].sign
    assert septets(sign) == len(sign) <= 3
    million = Money(1_000_000 * CURRENCIES[code].unit, code)
    assert str(million) == f"1 000 000 {sign}"
    assert amount(million, million).parse(f"je donne 1000000{sign.lower()}") == million


def test_what_has_no_centimes_is_refused_with_them() -> None:
    for code, typed in (("XOF", "2500.50"), ("GNF", "2500,50"), ("CDF", "2500,505"), ("CDF", "1,50 et 2,50")):
        with pytest.raises(Exception, match="figures"):
            amount(Money(1, code), Money(10**9, code)).parse(typed)
    with pytest.raises(Exception, match="multiple"):  # nobody has half a franc in the hand
        amount(Money(1, "CDF"), Money(10**9, "CDF")).parse("2500,50")
    assert wire.minor("2500.50", "GNF") is None


def test_usual_limits_are_as_large_in_every_currency() -> None:
    assert usual("XOF") == usual("XAF") == USUAL
    assert usual("GNF").cash_held_minor == 2_000_000
    assert str(Money(usual("CDF").cash_held_minor, "CDF")) == "2 000 000 FC"
    assert all(getattr(usual(code), name) in bounds(name, code) for code in KEPT for name in vars(USUAL))


def paper(folder: Path, code: str) -> Path:
    """A mutuelle that keeps its book in `code`; a household costs what SUMS says."""
    country, phone = PHONES[code]
    own = MUTUELLE.replace(";ML;XOF;", f";{country};{code};").replace("76 00 00 09", phone[:-1] + "9")
    priced = PRODUITS.replace("12 000 F", SUMS[code]).replace("1 000 F", "0")
    officers = (
        "rôle;nom;téléphone;depuis\n"
        f"trésorière;Sitan Diarra;{phone[:-1]}7;2023\ntrésorier;Issa Dembélé;{phone[:-1]}8;\n"
    )
    routes = f"réseau;opérateur;pays\n;simulated;{country}\n"
    files = {"produits": priced.splitlines(keepends=True), "operateurs": routes}
    return write(
        folder,
        mutuelle=own,
        produits="".join(files["produits"][:2]),
        responsables=officers,
        menages=HEAD,
        operateurs=routes,
    )


@pytest.mark.parametrize("code", PHONES)
async def test_a_mutuelle_joins_and_pays_in_its_currency(
    pool: AsyncEngine, redis_url: str, tmp_path: Path, clock: Clock, code: str
) -> None:
    _country, phone = PHONES[code]
    assert fault_texts(await take(pool, paper(tmp_path / "paper", code))) == []
    async with deps_of(pool, redis_url, clock) as deps:
        awa = Handset(deps, phone)
        await awa.dial("1", "1", "Awa Koné", "45*38")
        screens = [awa.screens[-1]]
        for _step in range(4):
            if awa.shown.end:
                break
            screens.append(await awa.type("1"))
    assert any(SUMS[code] in screen for screen in screens), screens
    config = Config.read(environment("http://127.0.0.1:9", tmp_path, TIME_SCALE="20"))
    async with (
        serving(create_app(config)) as url,
        reached(url) as simulator,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        accounts = ConnectedAccounts(client, Credentials(simulator_url=url))
        house = Round(pool, ["simulated"], accounts, "http://127.0.0.1", timing.Clock(clock))

        async def asked() -> list[dict[str, str]]:
            clock.now += timedelta(seconds=5)
            await collect(house)
            return list(await simulator.get("/simulator/prompts", phone=phone))

        await simulator.post(f"/simulator/prompts/{(await once(asked, bool))[-1]['id']}", answer="approve")

        async def state() -> str:
            clock.now += timedelta(seconds=30)
            await collect(house)
            async with pool.connect() as db:
                return str(await db.scalar(text("select state from payment")))

        assert await once(state, lambda found: found in ("PAID", "FAILED")) == "PAID"
    async with pool.connect() as db:
        row = (await db.execute(text("select amount_minor, currency from payment"))).one()
        receipts = list(await db.scalars(text("select body from sms_outbox where body like 'REÇU%'")))
        limits = await limits_of(db, "BEN", NOON.date())
    assert str(Money(*row)) == SUMS[code]
    assert len(receipts) == 1
    assert SUMS[code] in receipts[0]
    assert septets(receipts[0]) <= 160
    assert limits == usual(code)
    assert await broken(pool) == []


async def test_an_account_of_another_currency_is_refused_in_words(pool: AsyncEngine, tmp_path: Path) -> None:
    folder = paper(tmp_path, "GNF")
    (folder / "operateurs.csv").write_text("réseau;opérateur;pays\n;simulated;RW\n")
    [fault] = fault_texts(await take(pool, folder))
    assert "phones of RW do not pay in GNF, the currency of BEN" in fault
    (folder / "operateurs.csv").write_text("réseau;opérateur;pays\n;paygate;GN\n")
    assert fault_texts(await take(pool, folder)) != []
