"""Benefits of a register: services, rules, agreements and prices are read, or refused in words; only the first ones."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.benefits.openings import existing_openings
from mutuelle.benefits.rules import Benefit, FacilityAgreement, Tariff
from mutuelle.care.directory import practices_at, workplaces_of
from mutuelle.scheme.mutuelles import Place
from tests.support.doctor_desk import calling
from tests.support.paper_registers import fault_texts, take, write
from tests.support.town import NOON

ETABLISSEMENTS = (
    "nom;type;village;téléphone;horaires;services\n"
    "CSCom de Niéna;centre;Niéna;76 00 00 20;8h-17h;tous\n"
    "CSRef;hôpital;Zantiéla;76 00 00 21;jour et nuit;tous\n"
)
TITLES = (
    "produit;service;type;part du patient;plafond par acte;plafond par personne;fois par personne;"
    "plafond par ménage;fois par ménage;attente en mois;référence;accord préalable;exclusions;depuis\n"
)
SINCE = date(2024, 1, 1)


def rule(**cells: str) -> str:
    """One line of prestations.csv: a delivery at the health centre at 20 %, with some cells replaced."""
    usual = dict.fromkeys(TITLES.strip().split(";"), "")
    usual |= {"produit": "FAM", "service": "ACC", "type": "centre", "part du patient": "20 %"}
    usual |= {"depuis": "01/01/2024"}
    return ";".join({**usual, **cells}.values()) + "\n"


async def test_rules_agreements_and_prices_are_read_as_they_are_written(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(
        tmp_path,
        etablissements=ETABLISSEMENTS,
        services="code;nom\nOPH;lunettes\n",
        prestations=TITLES
        + rule(**{"plafond par acte": "60 000 F", "attente en mois": "1 an", "référence": "oui"})
        + rule(produit="Semestre", service="Lunettes", type="hôpital", **{"part du patient": "5 000 F"})
        + rule(service="hospitalisation", type="tous", **{"part du patient": "non"})
        + rule(service="CPN", **{"part du patient": "gratuit", "fois par personne": "4 fois"}),
        conventions="établissement;type;depuis;jusqu'au\nCSRef;centre;2025;31/12/2027\n",
        tarifs="établissement;service;prix;depuis\nCSCom de Niéna;ACC;5 000 F;2024\n"
        "CSCom de Niéna;accouchement;6 000 F;01/06/2026\n",
    )
    taken = await take(pool, folder)
    assert fault_texts(taken) == []
    async with pool.connect() as db:
        found = await existing_openings(db, "BEN")
    assert found.named == {"OPH": "lunettes"}
    delivery = Benefit("FAM", "ACC", "centre", SINCE, copay_percent=20, act_ceiling_minor=60_000)
    assert {
        replace(delivery, waiting_months=12, needs_referral=True),
        Benefit("DEMI", "OPH", "hospital", SINCE, copay_minor=5_000),
        *(Benefit("FAM", "HOS", level, SINCE, is_paid=False) for level in ("post", "centre", "hospital")),
        Benefit("FAM", "CPN", "centre", SINCE, copay_percent=0, person_count=4),
    } == set(found.benefits)
    assert found.agreements == [("csref", FacilityAgreement(date(2025, 1, 1), "centre", date(2027, 12, 31)))]
    assert sorted(found.tariffs, key=lambda one: one[1].since) == [
        ("cscom-de-niena", Tariff("ACC", SINCE, 5_000)),
        ("cscom-de-niena", Tariff("ACC", date(2026, 6, 1), 6_000)),
    ]
    again = await take(pool, folder)
    assert fault_texts(again) == []
    assert not again.is_new


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (rule(service="dentiste"), "dentiste is not one of: CON PCH"),
        (rule(produit="Or"), "Or is not known: is it in produits.csv"),
        (rule(**{"part du patient": "20"}), "Please write 20 %, 500 F, gratuit or non."),
        (rule(**{"part du patient": "120 %"}), "It must be 0 to 100."),
        (rule(**{"part du patient": "non", "plafond par acte": "500 F"}), "what is not paid has no ceiling"),
        (rule() + rule(type="tous"), "the same as line 2"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused_in_words(
    pool: AsyncEngine, tmp_path: Path, line: str, fault: str
) -> None:
    taken = await take(pool, write(tmp_path, prestations=TITLES + line))
    [text] = fault_texts(taken)
    assert text.startswith("prestations.csv, line ")
    assert fault in text


async def test_what_is_there_is_changed_by_two_treasurers_only(pool: AsyncEngine, tmp_path: Path) -> None:
    first = {
        "etablissements": ETABLISSEMENTS,
        "prestations": TITLES + rule(),
        "conventions": "établissement;type;depuis\nCSRef;hôpital;2025\n",
        "tarifs": "établissement;service;prix;depuis\nCSRef;ACC;5 000 F;2024\n",
    }
    assert fault_texts(await take(pool, write(tmp_path, **first))) == []
    other = first | {
        "prestations": TITLES + rule(**{"part du patient": "30 %"}),
        "conventions": "établissement;type;depuis;jusqu'au\nCSRef;hôpital;2025;31/12/2026\n",
        "tarifs": "établissement;service;prix;depuis\nCSRef;ACC;7 000 F;2024\n",
    }
    texts = fault_texts(await take(pool, write(tmp_path, **other)))
    assert [text.split(": ", 1)[0] for text in texts] == [
        "prestations.csv, line 2, part du patient",
        "tarifs.csv, line 2, prix",
    ]
    # The last day of an agreement may come later: a facility that leaves keeps its past.
    left = {**other, "prestations": "", "tarifs": ""}
    assert fault_texts(await take(pool, write(tmp_path, **left))) == []
    async with pool.connect() as db:
        found = await existing_openings(db, "BEN")
    assert found.agreements == [
        ("csref", FacilityAgreement(date(2025, 1, 1), "hospital", date(2026, 12, 31)))
    ]


async def test_a_second_line_of_a_doctor_is_another_facility(pool: AsyncEngine, tmp_path: Path) -> None:
    doctors = (
        "nom;téléphone;établissement;langues\n"
        "Dr Yaya Koné;76 00 00 40;CSCom de Niéna;bambara\n"
        "Dr Yaya Koné;76 00 00 40;CSRef;bambara\n"
    )
    folder = write(tmp_path, etablissements=ETABLISSEMENTS, medecins=doctors)
    taken = await take(pool, folder)
    assert (fault_texts(taken), taken.counts["doctors"]) == ([], (2, 0))
    again = await take(pool, folder)
    assert (fault_texts(again), again.counts["doctors"]) == ([], (0, 2))
    async with pool.connect() as db:
        caller = calling("+22376000040")
        assert [one.label for one in await workplaces_of(db, caller, "BEN")] == ["CSCom de Niéna", "CSRef"]
        for place in ("niena", "zantiela"):
            found = await practices_at(db, Place("BEN", place, place), NOON.date())
            assert [one.doctor for one in found] == ["Dr Yaya Koné"]
