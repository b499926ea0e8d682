"""All faults are reported at once, and then nothing is written; doubts are reported too."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from mobilemoney import adapters
from mutuelle.imports import household_rows
from tests.support.imported import broken, everything, household
from tests.support.paper_registers import HEAD, MENAGES, MUTUELLE, PRODUITS, fault_texts, line, take, write


async def test_all_faults_of_all_files_are_told_at_once_and_nothing_is_written(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    folder = write(
        tmp_path,
        mutuelle=MUTUELLE.replace("XOF", "EUR"),
        villages="village\nNiéna\nNiena\nX\n",
        produits=PRODUITS
        + PRODUITS.splitlines()[1].replace("FAM", "ZERO").replace("12 000 F;6", "12 000 F;0"),
        etablissements="nom;type;village;téléphone;horaires;services\nCSCom;palais;Kita;76000020;8h-17h;tous\n",
        medecins="nom;téléphone;établissement;langues\nDr Koné;20210000;CSCom;fr\nDr Ba;76000021;Hôpital;fr\n",
        responsables="rôle;nom;téléphone\ntrésorier;Issa;76000007\ntrésorière;Issa;+22376000007\n",
        operateurs="pays;opérateur\nML;pigeon\n",
        menages=HEAD
        + line(number="1", village="Kita")
        + line(number="2", product="OR", birth="12 ans")
        + line(number="3", birth="12 ans")
        + line(number="3", paid_until="31/02/2027")
        + line(number="4", paid_until="30/03/2027", product="DEMI")
        + line(number="5", others="1 " * 15)
        + line(number="6", others="30"),
        personnes="numéro;nom;naissance\n9;Awa;1990\n6;Awa;1990\n1;Awa Koné;1981\n1;Ba;2001\n1;Ba;2001\n",
        soldes="compte;nom;montant;date\nbanque;;5 F;31/10/2026\nopérateur;pigeon;5 F;31/10/2026\n"
        "caisse;;5 F;31/10/2026\nréserve;;5 F;01/11/2026\ncaisse;;6 F;31/10/2026\n",
    )
    assert fault_texts(await take(pool, folder)) == [
        "mutuelle.csv, line 2, monnaie: EUR is not one of: xof, xaf, gnf, cdf, rwf. (E2)",
        "villages.csv, line 3, village: the same as line 2 (A3)",
        "villages.csv, line 4, village: From 2 to 24 letters, please. (A4: “X”)",
        "produits.csv, line 4: a household's price must be for one person or more",
        "etablissements.csv, line 2, type: palais is not one of: poste, centre, hôpital. (B2)",
        "etablissements.csv, line 2, village: Kita is not known: is it in villages.csv? (C2)",
        "medecins.csv, line 2, téléphone: This is not a mobile number. (B2: “20210000”)",
        "medecins.csv, line 3, établissement: Hôpital is not known: is it in etablissements.csv? (C3)",
        "responsables.csv, line 2, rôle: two treasurers are needed: two people with two phones, for what matters"
        " is signed by two (A2)",
        "responsables.csv, line 3, téléphone: the same as line 2 (C3)",
        f"operateurs.csv, line 2, opérateur: pigeon is not one of: {', '.join(adapters())}. (B2)",
        "menages.csv, line 2, village: Kita is not known: is it in villages.csv? (D2)",
        "menages.csv, line 3, produit: OR is not known: is it in produits.csv? (F3)",
        "menages.csv, line 3, naissance: The head of a household is 16 or older. (C3)",
        "menages.csv, line 4, naissance: The head of a household is 16 or older. (C4)",
        "menages.csv, line 5, payé jusqu'au: 31/02/2027 is not a date such as 31/12/2026. (G5)",
        "menages.csv, line 5, numéro: the same as line 4 (A5)",
        "menages.csv, line 6, payé jusqu'au: No period of 6 months ends on 30/03/2027: please write "
        "29/03/2027 or 31/03/2027. (G6)",
        "menages.csv, line 7, produit: 16 people are too many: 15 at most (F7)",
        "personnes.csv, line 2, numéro: no household has the number 9 (A2)",
        "personnes.csv, line 3, numéro: the others of this household are in its own line 8 already (A3)",
        "personnes.csv, line 4, nom: the head of the household is in line 2 (B4)",
        "personnes.csv, line 6, numéro: the same as line 5 (A6)",
        "soldes.csv, line 2, nom: this account needs a name (B2)",
        "soldes.csv, line 3, nom: pigeon is not known: is it in operateurs.csv? (B3)",
        "soldes.csv, line 5, date: all balances must be of one day: 31/10/2026 (D5)",
        "soldes.csv, line 6, compte: the same as line 4 (A6)",
    ]
    assert await everything(pool) == {"journal": 0}


async def test_a_network_has_one_operator(pool: AsyncEngine, tmp_path: Path) -> None:
    """The first line asks all networks of a country, the second one of them."""
    folder = write(tmp_path, operateurs="pays;opérateur;réseau\nML;paydunya;\nML;paydunya;orange\n")
    assert fault_texts(await take(pool, folder)) == [
        "operateurs.csv, line 3, réseau: line 2 asks the phones of orange already (C3)"
    ]
    assert await everything(pool) == {"journal": 0}


TITLES = "rôle;nom;téléphone\n"
SITAN, ISSA = "trésorière;Sitan Diarra;76 00 00 07\n", "trésorier;Issa Dembélé;76 00 00 08\n"


@pytest.mark.parametrize(
    ("responsables", "where"),
    [
        (TITLES + SITAN, "line 2, rôle"),
        (TITLES + "collecteur;Ali Ba;76 00 00 05\n" + SITAN, "line 3, rôle"),
        (TITLES + SITAN + "trésorier;DIARRA Sitan;76 00 00 08\n", "line 2, rôle"),  # one person, two phones
        (TITLES + "collecteur;Ali Ba;76 00 00 05\n", ""),
    ],
)
async def test_fewer_than_two_treasurers_are_a_fault(
    pool: AsyncEngine, tmp_path: Path, responsables: str, where: str
) -> None:
    (fault,) = fault_texts(await take(pool, write(tmp_path, responsables=responsables)))
    place = ", ".join(part for part in ("responsables.csv", where) if part)
    assert fault.startswith(f"{place}: two treasurers are needed: two people with two phones")


async def test_a_treasurer_in_office_is_one_of_the_two(pool: AsyncEngine, tmp_path: Path) -> None:
    assert fault_texts(await take(pool, write(tmp_path, responsables=TITLES + SITAN + ISSA))) == []
    third = TITLES + "trésorière;Awa Sangaré;76 00 00 09\n"
    assert fault_texts(await take(pool, write(tmp_path, responsables=third))) == []


@pytest.mark.parametrize(
    "solde",
    [
        "caisse;Awa Koné",
        "caisse;caisse d'Awa Koné",
        "caisse;76 00 00 99",  # nobody's phone
        "caisse;Ali Ba",  # a collector whose name another officer has
        "banque;Awa Koné",
        "banque;Moussa Traoré",
        "banque;Compte de KONE Awa",
        "banque;compte Sitan Diarra",
    ],
)
async def test_no_account_is_called_by_a_person(pool: AsyncEngine, tmp_path: Path, solde: str) -> None:
    folder = write(
        tmp_path,
        responsables=TITLES + SITAN + ISSA + "collecteur;Ali Ba;76 00 00 05\ntrésorier;Ba Ali;76 00 00 06\n",
        soldes=f"compte;nom;montant;date\n{solde};5 000 F;31/10/2026\n",
    )
    (fault,) = fault_texts(await take(pool, folder))
    assert fault.startswith("soldes.csv, line 2, nom: ")
    assert "looks like a person" in fault or "no cash box of a village and no officer" in fault
    assert await everything(pool) == {"journal": 0}


async def test_a_fault_of_the_last_file_leaves_nothing_of_the_first(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    soldes = "compte;montant;date\ncaisse;84 500 F;31/10/2026\n"
    await take(pool, write(tmp_path, soldes=soldes))
    before = await everything(pool)
    folder = write(tmp_path, menages=MENAGES + line(number="4"), soldes=soldes.replace("84 500", "90 000"))
    assert fault_texts(await take(pool, folder)) == [
        "soldes.csv: the balances of this fund were posted before, and were others"
    ]
    assert await everything(pool) == before


async def test_households_that_look_alike_are_told_and_written(pool: AsyncEngine, tmp_path: Path) -> None:
    twice = (
        HEAD + line(number="1") + line(number="2", head="AWA KONE", phone="") + line(number="3", birth="1950")
    )
    taken = await take(pool, write(tmp_path, menages=twice))
    assert taken.counts["households"] == (3, 0)
    assert [render(note, "en") for note in taken.notes] == [
        "The households 1 and 2 look alike: are they one?",
        "The households 1 and 3 look alike: are they one?",
    ]
    more = await take(pool, write(tmp_path, menages=twice + line(number="4", birth="1960")))
    numbers = sorted({render(note, "en").split(",")[0][-11:] for note in more.notes})
    async with pool.connect() as db:
        known = [(await household(db, number)).shown_number for number in "13"]
    assert numbers == sorted(known)


async def test_a_mutuelle_has_so_many_numbers_and_no_more(
    pool: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(household_rows, "NUMBERS_OF_A_MUTUELLE", 3)
    await take(pool, write(tmp_path))
    more = await take(pool, write(tmp_path, menages=MENAGES + line(number="4", head="Issa Diarra")))
    assert fault_texts(more) == ["menages.csv: a mutuelle may have 3 households at most"]


BREAKS = {
    "register_credit_taken_over": "update register_line set said = said || '{\"credit\": 500}'",
    "register_line_taken_over": 'update register_line set said = said || \'{"paid_until": "2027-06-30"}\'',
    "register_paid_what_was_called": "update ledger.movement set amount = amount + 1"
    " where debit_account = 'health:opening'",
}


@pytest.mark.parametrize("name", BREAKS)
async def test_each_invariant_sees_what_breaks_it(
    pool: AsyncEngine, owner: AsyncEngine, tmp_path: Path, name: str
) -> None:
    await take(pool, write(tmp_path))
    async with owner.begin() as db:
        await db.execute(text("alter table ledger.movement disable trigger user"))
        await db.execute(text(BREAKS[name]))
    assert name in [found.split()[0] for found in await broken(pool)]


async def test_without_its_first_file_there_is_no_mutuelle(pool: AsyncEngine, tmp_path: Path) -> None:
    assert fault_texts(await take(pool, write(tmp_path, mutuelle=""))) == [
        "mutuelle.csv: this file with its one line is needed"
    ]


async def test_a_new_mutuelle_without_a_file_of_officers_has_no_treasurers(
    pool: AsyncEngine, tmp_path: Path
) -> None:
    assert fault_texts(await take(pool, write(tmp_path, responsables=""))) == [
        "responsables.csv: two treasurers are needed: two people with two phones, for what matters is signed by two"
    ]
