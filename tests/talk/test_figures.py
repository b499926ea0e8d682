"""Figures as people write them, in words: the same readers on every channel."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from currencies import CURRENCIES
from locales import Money
from mutuelle.care.code_input import CheckParts, care_proof
from mutuelle.contributions.family import age_in_years, birth_year
from mutuelle.households.member_numbers import member_number
from mutuelle.schedules.jobs import day_hour
from talk.answers import Kind, ages, amount, phone_number
from talk.figures import day_in, notes_in
from talk.trouble import InvalidError

CFA = CURRENCIES["XOF"]
MONEY = amount(Money(100, "XOF"), Money(900_000, "XOF"))
AMOUNTS = """
5000 = 5000
5 000 F CFA = 5000
5000 francs = 5000
5000 frs = 5000
5000f = 5000
5.000 = 5000
5,000 FCFA = 5000
5OOO = 5000
5 OOO F = 5000
5\N{NO-BREAK SPACE}000 = 5000
٥٠٠٠ = 5000
F 5000 = 5000
je donne 5000 svp = 5000
5000 F pour 4 personnes = 5000
cinq mille = 5000
5 mille = 5000
deux mille cinq cents francs = 2500
dix mille = 10000
quatre-vingt mille = 80000
5000 (cinq mille) = 5000
five thousand = 5000
5k = 5000
quinz mille = 15000
kinze mille = 15000
sink mille francs = 5000
sixty thousand = 60000
mille = 1000
je donne mille francs = 1000
mille cinq cents = 1500
quatre-vingt-dix-sept mille trois cent vingt et un = 97321
5 000 (cinq mille) = 5000
5000 F cette fois = 5000
en une fois 12000 = 12000
5000 F +22376000001 = 5000
5000 F + 3000 = refused
2 x 2500 F = refused
3 fois 2000 F = refused
mil 5000 = refused
deux mille 3000 = refused
mille cinq mille = refused
50.00 = refused
5,00 = refused
12 000,00 F = refused
-5000 = refused
5000 ou 6000 = refused
cinq mille ou 3000 = refused
2000 et 3000 = refused
1 million = refused
BMS-0041 = refused
BMS0041 = refused
BR 2026-00417/B = refused
T14 = refused
F5000 = 5000
FCFA5000 = 5000
beaucoup = refused
deux fois = refused
"""

AGES = """
45*38*12 = 45 38 12
45 38 12 = 45 38 12
45, 38, 12 = 45 38 12
45,38,12 = 45 38 12
45-38-12 = 45 38 12
45 ans et 38 ans = 45 38
45ans 38ans 7ans = 45 38 7
moi 45, ma femme 38 = 45 38
45 38 0,5 = 45 38 0
45*38*0,5 = 45 38 0
45 38 1,5 = refused
45 38 7,5 = refused
45,38,7,5 = 45 38 7 5
45, 38 et un bébé = 45 38 0
45 38 bb = 45 38 0
45 ans 38 ans bébé de 6 mois = 45 38 0
45 38 18 mois = 45 38 1
45 38 un bébé a 6 mois = 45 38 0
45 38 bébé (6 mois) = 45 38 0
45, 38 and a 6 month old baby = 45 38 0
45 38 6 mois et un bébé = 45 38 0 0
Awa 45 Moussa 38 Fanta 12 = 45 38 12
moi 45, ma femme 38, mes enfants 12 7 = 45 38 12 7
45 ans, 38 ans, filles 12 et 7 = 45 38 12 7
45 moi, 38 ma femme, 12 mon fils = 45 38 12
61 = 61
l'âge est 30 = 30
4 personnes : 45 38 12 7 = refused
45, 38 et 2 enfants = refused
45 et 2 garçons = refused
45, 38, 2 filles = refused
45, 38, 1 fille = refused
45 38 3 kids = refused
45 38 des jumeaux = refused
45 38 jumeaux 3 = refused
45 38 des bébés = refused
45 38 mes fils = refused
45 38 mes enfants = refused
45 et douz = refused
45 et douze = refused
76 00 00 01 = refused
45 38 1990 = refused
45*400 = refused
12 8 = refused
douze = refused
"""

PHONES = """
76 00 00 01 = +22376000001
76-00-00-01 = +22376000001
76OOOOO1 = +22376000001
le 76000001 svp = +22376000001
tel : 76 00 00 01 = +22376000001
+223 76 00 00 01 = +22376000001
00223 76000001 = +22376000001
76000001 ou 76000002 = refused
7600000 = refused
76OO0XXX = refused
"""

NUMBERS = """
101 000 000 = 101000000
lOl.OOO.OOO = 101000000
numéro 101000000 = 101000000
101-000-000. = 101000000
101 000 001 = refused
101 000 = refused
"""

CODES = """
246 813 = 246813
code 246813 = 246813
246.8l3 = 246813
2468135 = refused
1981 = 1981
né en 1981 = 1981
1781 = refused
246 813 né en 1981 = 2468131981
"""

AGE = """
34 = 34
34 ans = 34
il a 34 ans = 34
0 = 0
bébé = 0
6 mois = 0
18 mois = 1
34 et 12 = refused
116 = refused
-3 = refused
"""

YEARS = """
1990 = 1990
né en 1990 = 1990
le 12/05/1990 = 1990
199O = 1990
90 = refused
1850 = refused
"""

HOURS = """
7 = 7
7h = 7
à 7 heures = 7
07:00 = 7
7 h 30 = refused
6 = refused
"""


def cases(kind: Kind[Any], table: str) -> list[object]:
    found = [line.rsplit(" = ", 1) for line in table.strip().splitlines()]
    return [pytest.param(kind, written, meant, id=f"{kind.name}: {written}") for written, meant in found]


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        *cases(MONEY, AMOUNTS),
        *cases(ages, AGES),
        *cases(phone_number("ML"), PHONES),
        *cases(member_number, NUMBERS),
        *cases(care_proof, CODES),
        *cases(age_in_years, AGE),
        *cases(birth_year(date(2026, 11, 22)), YEARS),
        *cases(day_hour, HOURS),
    ],
)
def test_what_people_write_is_read_in_one_way_or_refused(kind: Kind[Any], written: str, meant: str) -> None:
    if meant == "refused":
        with pytest.raises(InvalidError):
            kind.parse(written)
        return
    found = kind.parse(written)
    found = found.proof if isinstance(found, CheckParts) else found
    shown = found.amount_minor if isinstance(found, Money) else found
    assert (" ".join(map(str, shown)) if isinstance(shown, tuple) else str(shown)) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("18", [18]),
        ("le 18", [18]),
        ("18/11", [18, 11]),
        ("18.11.2026", [18, 11, 2026]),
        ("18 novembre", [18, 11]),
        ("18 novenbre", [18, 11]),
        ("le 3 aout", [3, 8]),
        ("3 Feb", [3, 2]),
        ("3 jui", []),
        ("18 marchands", []),
        ("le 3 févr. 27", [3, 2, 27]),
        ("3rd of May", []),
        ("hier", []),
    ],
)
def test_a_day_is_read_with_its_month_in_figures_or_words(written: str, meant: list[int]) -> None:
    assert day_in(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3x10000 2x5000 450", 40_450),
        ("3 x 10 000, 2 x 5 000 et 1 450 F", 41_450),
        ("10000x3 + 500*4", 32_000),
        ("3 billets de 10000, 2 de 5000, 3 pièces de 25", 40_075),
        ("450 3x10.000", 30_450),
        ("0x10000", 0),
        ("3 fois 10000", 30_000),
        ("2x500 450", 1_450),  # two notes of 500 and 450, not notes of 500 450
        ("450", None),  # one amount
        ("3x10000 2x300", None),  # no note of 300
        ("3x10000 450 2x5000 20", None),  # 450 and 20, or 450 of something
        ("3*10000*2*5000", None),
        ("3x10000 -450", None),
        ("3x 2x5000", None),
        ("3x10000=30000", None),
        ("3x10000 2x5000 total 40000", None),
        ("3x10000 en tout 30000", None),
        ("x10000", None),
    ],
)
def test_notes_and_coins_are_summed(written: str, meant: int | None) -> None:
    assert notes_in(written, CFA) == meant


counted_notes = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from(sorted(CFA.values))), min_size=1, max_size=8
)
written_notes = st.sampled_from(
    ["{n}x{v}", "{n} x {v}", "{n}*{v}", "{n} de {v}", "{n}×{v} F", "{n} billets de {v}"]
)
between_notes = st.sampled_from([" ", ", ", " + ", " et ", ";"])


@given(counted_notes, written_notes, between_notes, st.one_of(st.none(), st.integers(1, 999_999)))
def test_any_count_of_notes_and_coins_is_its_sum_or_nothing(
    notes: list[tuple[int, int]], written: str, between: str, loose: int | None
) -> None:
    """However it is written: never another sum than the one that was counted."""
    parts = [written.format(n=count, v=value) for count, value in notes]
    parts += [str(loose)] if loose else []
    total = sum(count * value for count, value in notes) + (loose or 0)
    assert notes_in(between.join(parts), CFA) in (total, None)
    if between != " " and "*" not in written:
        assert notes_in(between.join(parts), CFA) == total
