"""Lists stay usable: five hundred villages, by first letters or by pages. The names are invented."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import _
from talk.screen import Screen
from talk.words import Option
from tests.support.town import Clock, Handset, found
from tests.support.town_fixtures import deps_of
from ussd.screens import fit_for

fit = fit_for()

SYLLABLES = ("Ba", "Koutié", "Dougou", "Faran", "Niéna", "Sogo", "Wolo", "Tiéré", "Zan", "Kéla")
INVENTED = sorted({f"{a}{b.lower()}-{c}" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:5]})[:500]


@pytest.fixture
async def awa(pool: AsyncEngine, redis_url: str, clock: Clock) -> AsyncIterator[Handset]:
    assert len(INVENTED) == 500
    async with pool.begin() as db:
        await found(db, villages=INVENTED)
    async with deps_of(pool, redis_url, clock) as deps:
        yield Handset(deps)


async def test_a_long_list_is_asked_for_by_its_first_letters(awa: Handset) -> None:
    assert await awa.dial("1") == (
        "Où habitez-vous ?\nTapez les premières lettres, ou 98 pour la liste\n99 Mon village n'y est pas\n0 Retour"
    )
    screen = await awa.type("koutiétié")
    assert screen.startswith("Où habitez-vous ?\n1 Koutiétiéré-Ba\n2 Koutiétiéré-Dougou")
    assert "prénom" in await awa.type("2")


async def test_letters_are_read_without_accents_and_capitals(awa: Handset) -> None:
    await awa.dial("1")
    plain = await awa.type("KOUTIETIERE D")
    await awa.dial("1")
    assert await awa.type("koutiétiéré d") == plain
    assert "1 Koutiétiéré-Dougou" in plain


async def test_figures_are_read_as_the_letters_of_their_keys(awa: Handset) -> None:
    await awa.dial("1")
    by_letters = await awa.type("koutietie")
    await awa.dial("1")
    assert await awa.type("568843843") == by_letters


async def test_one_letter_is_forgiven(awa: Handset) -> None:
    await awa.dial("1")
    by_letters = await awa.type("koutietiere")
    for mistaken in ("koutitiere", "koutieetiere", "koutietuere", "kuotietiere"):
        await awa.dial("1")
        assert await awa.type(mistaken) == by_letters
    await awa.dial("1")
    assert "prénom" in await awa.type("Koutietiere Faram")  # Koutiétiéré-Faran, and no other


async def test_who_lives_elsewhere_is_told_whom_to_call(awa: Handset) -> None:
    assert "99 Mon village n'y est pas" in await awa.dial("1")
    listed = await awa.type("k")
    assert "99 Mon village n'y est pas" in listed
    told = await awa.type("99")
    assert "76 00 00 09" in told
    assert await awa.type("0") == await awa.dial("1")


async def test_letters_that_fit_nothing_are_asked_for_again(awa: Handset) -> None:
    await awa.dial("1")
    assert "Aucun nom ne commence par XQ." in await awa.type("xq")
    assert "1 Zanba-Ba" in await awa.type("zan")


async def test_a_list_that_letters_made_short_stays_after_a_word_that_is_not_on_it(awa: Handset) -> None:
    await awa.dial("1")
    short = await awa.type("koutiétié")
    noted = short.replace("Où habitez-vous ?", "Tapez un numéro :")  # no room for both
    assert await awa.type("Awa Koné") == noted
    assert "prénom" in await awa.type("2")


async def test_pages_lead_to_every_village_and_the_last_offers_no_more() -> None:
    places = tuple(Option(name, name) for name in INVENTED)
    seen: list[str] = []
    for page in range(500):
        shown = fit(Screen(_("Where do you live?"), choices=places, page=page, back=True), "fr")
        assert shown.whole
        seen += shown.keys.values()
        if page == shown.pages - 1:
            assert "98" not in shown.text
            break
        assert "98 Suite" in shown.text
    assert seen == INVENTED


async def test_more_and_back_within_the_letters(awa: Handset) -> None:
    await awa.dial("1")
    first = await awa.type("k")
    assert "98 Suite" in first
    second = await awa.type("98")
    assert second != first
    assert "premières lettres" in await awa.type("0")  # back to the letters, not out of the question
    assert "Keneya" in await awa.type("0")


async def test_a_number_means_what_its_page_showed(awa: Handset) -> None:
    await awa.dial("1")
    await awa.type("98")
    second = await awa.type("98")
    name = second.split("\n")[1].removeprefix("1 ")
    await awa.type("1")
    await awa.type("Awa Koné")
    await awa.type("45")
    await awa.type("1")
    await awa.type("1")
    assert name in INVENTED
    async with awa.ussd_deps.pool.connect() as db:
        lived = await db.scalar(
            text(
                "select p.name from household h join place p on p.mutuelle_id = h.mutuelle_id and p.id = h.place_id"
            )
        )
    assert lived == name
