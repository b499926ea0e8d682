"""Paper registers for the tests: folders of files, small and fixed or large and random; all names are invented."""

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from mutuelle.acts import By
from mutuelle.imports.reading import read_folder
from mutuelle.imports.run import Imported, steps, take_over
from tests.support.operators import SIMULATED
from tests.support.town import NOON

MUTUELLE = (
    "code;nom;ville;pays;monnaie;fuseau horaire;téléphone des plaintes;prestations\n"
    "BEN;Mutuelle Benso;Sikasso;ML;XOF;Africa/Bamako;76 00 00 09;75 % des soins au centre de santé\n"
)
VILLAGES = "village\nNiéna\nZantiéla\n"
PRODUITS = (
    "code;nom;prix du ménage;personnes comprises;prix par adulte;prix par enfant;adulte à partir de;"
    "personnes au plus;droit d'adhésion;durée en mois;carence en mois;délai pour payer en mois;"
    "délai pour renouveler en mois;part qui ouvre les droits;paiements au plus;arrondi;en vente depuis\n"
    "FAM;Famille;12 000 F;6;2 500 F;1 500 F;18;15;1 000 F;12;2;3;1;50 %;4;500;01/01/2020\n"
    "DEMI;Semestre;0;0;2 000;1 000;18;6;0;6;1;1;0;100 %;1;100;2020-01-01\n"
)
RESPONSABLES = (
    "rôle;nom;téléphone;depuis\n"
    "trésorière;Sitan Diarra;76 00 00 07;2023\n"
    "trésorier;Issa Dembélé;76 00 00 08;\n"
)
HEAD = (
    "numéro;chef;naissance;village;téléphone;produit;payé jusqu'au;membre depuis;autres personnes;rappels\n"
)
MENAGES = HEAD + (
    "1;Awa Koné;1981;Niéna;76 00 00 01;FAM;30/06/2027;2019;38 12 7;oui\n"
    "2;Oumar Sangaré;1987;Zantiéla;;FAM;30/09/2025;2019;;non\n"
    "3;Mariam Diallo;34 ans;Niéna;76 00 00 02;Famille;;;;\n"
)
FIRST, LAST = ("Awa", "Mariam", "Oumar", "Salif", "Rokia", "Issa"), ("Koné", "Diarra", "Sidibé", "Traoré")


def write(folder: Path, **files: str | bytes) -> Path:
    """The smallest register, with some files replaced (or left out, if empty)."""
    usual = {"mutuelle": MUTUELLE, "villages": VILLAGES, "produits": PRODUITS, "menages": MENAGES}
    usual["responsables"] = RESPONSABLES
    folder.mkdir(exist_ok=True)
    for name, text in {**usual, **files}.items():
        path = folder / f"{name}.csv"
        path.unlink(missing_ok=True)
        if text:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def line(**cells: str) -> str:
    """One line of menages.csv: a household of Niéna, with some cells replaced."""
    usual = {
        "number": "1",
        "head": "Awa Koné",
        "birth": "1981",
        "village": "Niéna",
        "phone": "76000001",
        "product": "FAM",
        "paid_until": "30/06/2027",
        "since": "2019",
        "others": "",
        "reminders": "",
    }
    return ";".join({**usual, **cells}.values()) + "\n"


OWING = HEAD.strip() + ";payé;reste dû\n"


def owing(paid: str = "", owed: str = "", **cells: str) -> str:
    """One line of a register with the columns of money paid and owed."""
    return f"{line(**cells).strip()};{paid};{owed}\n"


def drawn(folder: Path, households: int, people: int, today: date) -> Path:
    """A random register of `households`, each with `people` named in personnes.csv."""
    chance = Random(households)
    homes, others = [HEAD], ["numéro;nom;naissance\n"]
    for nth in range(1, households + 1):
        paid_until = today + timedelta(days=chance.randint(-500, 364))
        homes.append(
            line(
                number=str(nth),
                head=f"{chance.choice(FIRST)} {chance.choice(LAST)} {letters_of(nth)}",
                birth=str(chance.randint(1950, 2000)),
                village=chance.choice(("Niéna", "Zantiéla")),
                phone=f"76{nth:06}" if chance.random() < 0.7 else "",
                paid_until="" if chance.random() < 0.05 else f"{_end(paid_until):%d/%m/%Y}",
                since="" if chance.random() < 0.5 else "2021",
            )
        )
        for other in range(people - 1):
            name, born = (
                f"{chance.choice(FIRST)} {chance.choice(LAST)}",
                2025 - 13 * other - chance.randint(0, 9),
            )
            others.append(f"{nth};{name};{born}\n")
    return write(folder, menages="".join(homes), personnes="".join(others))


def _end(day: date) -> date:
    """The last day of the month, on which a period ends."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def letters_of(number: int) -> str:
    return "".join(chr(ord("A") + int(digit)) for digit in str(number)).title()


async def take(pool: AsyncEngine, folder: Path, *, at: datetime = NOON) -> Imported:
    """Import a folder as the command does: committed only without a fault; every step of `steps` must be counted."""
    sheets, faults = read_folder(folder)
    left = [None] * steps(sheets)
    async with pool.connect() as db:
        by = By("a test", "the test needs it", at)
        taken = await take_over(db, sheets, faults, credentials=SIMULATED, by=by, advance=left.pop)
        await (db.rollback() if taken.faults else db.commit())
    return taken


def fault_texts(taken: Imported) -> list[str]:
    """The faults as English text."""
    return [render(fault.sentence, "en") for fault in taken.faults]
