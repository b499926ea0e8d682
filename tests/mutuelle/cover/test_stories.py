"""The stories of `docs/rules-of-cover.md`, played line by line by the real rules; a line that is not so is named.

Each day is asked of `stands_on`, which every screen and SMS reads, with the product that its terms make.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from locales import Money
from mutuelle.contributions.family import Family
from mutuelle.contributions.standing import Facts, Standing, stands_on
from mutuelle.cover.people import Person
from mutuelle.cover.policies import policy_of
from mutuelle.cover.rules import CoverState
from mutuelle.enrolment.edits import kept_cover
from mutuelle.founding.rules import Sale, faults_of_sale
from mutuelle.households.households import Household
from mutuelle.imports.cells import Setting
from mutuelle.imports.columns import PRODUCTS
from mutuelle.scheme.products import Product, offer
from torture.town import DAN, FAMILY

PAGE = Path("docs/rules-of-cover.md")
FIRST = date(2024, 1, 1)
HOME = Household("DAN", "187000010", "Awa Koné", DAN.name)
DAY, SUM, NAME = r"(\d\d/\d\d/\d{4})", r"([\d ]+) F", r"(\w+)"
# What a line may say, and what is played for it.
EVENTS = {
    rf"{NAME} adhère": "joins",
    rf"{NAME} paie {SUM}": "pays",
    rf"{NAME} renouvelle": "renews",
    rf"{NAME} renouvelle et paie {SUM}": "renews_and_pays",
    rf"{NAME} renouvelle, {SUM} reçus le {DAY}": "renews_with_late_cash",
    rf"deux trésoriers renoncent à {SUM}": "waives",
    rf"{NAME} naît": "is_born",
    rf"{NAME}, (\d+) ans, entre dans le ménage": "enters",
    rf"{NAME}, (\d+) ans, vient d'un ménage qui a payé le {DAY}": "moves_in",
}
COVERS = {
    CoverState.UNPAID: "rien de payé",
    CoverState.PART_PAID: "payé en partie, pas couvert",
    CoverState.WAITING: "attend, couvert du {start} au {end}",
    CoverState.COVERED: "couvert jusqu'au {end}",
    CoverState.IN_ARREARS: "couvert jusqu'au {end}, le reste est dû",
    CoverState.SUSPENDED: "suspendu, couvert jusqu'au {end}",
    CoverState.GRACE: "fini, encore couvert jusqu'au {end}",
    CoverState.EXPIRED: "fini, couvert jusqu'au {end}",
}


@dataclass
class Line:
    """One line of a table, as it stands in the page."""

    number: int
    day: str
    event: str
    cover: str
    left: str


@dataclass
class Story:
    """A heading of the page, its contract, and the lines of its table."""

    title: str
    contract: str
    lines: list[Line]


def day_of(written: str) -> date:
    day, month, year = map(int, written.split("/"))
    return date(year, month, day)


def money_of(written: str) -> Money:
    return Money(int(written.replace(" ", "")), "XOF")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def contracts() -> dict[str, Product]:
    """The contracts of the page, read as `produits.csv` is."""
    lines = PAGE.read_text().splitlines()
    at = next(nth for nth, line in enumerate(lines) if line.startswith("| nom |"))
    columns = [next(one for one in PRODUCTS.columns if name in one.names) for name in cells(lines[at])]
    found = {}
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        facts = {
            column.key: column.read(cell, Setting("ML", FIRST))
            for column, cell in zip(columns, cells(line), strict=True)
        }
        found[str(facts["name"])] = replace(FAMILY, **facts)  # type: ignore[arg-type]
    return found


def stories() -> Iterator[Story]:
    story: Story | None = None
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        if heading := re.fullmatch(r"## (.*) \((\w+)\)", line):
            story = Story(heading[1], heading[2], [])
            yield story
        elif line.startswith("## "):
            story = None
        elif story and re.match(r"\| \d", line):
            story.lines.append(Line(number, *cells(line)))


class Played:
    """A household as the lines so far have left it."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.facts = Facts(DAN, FIRST, [], product, [], [], None, {}, {}, [])

    def stands(self) -> Standing:
        return stands_on(HOME, self.facts)

    def happens(self, line: Line) -> None:
        """Play a line's event on its day."""
        self.facts = replace(self.facts, today=day_of(line.day))
        for pattern, does in EVENTS.items():
            if said := re.fullmatch(pattern, line.event):
                getattr(self, does)(*said.groups())
                return
        assert not line.event, f"{PAGE}:{line.number}: nothing is known of {line.event!r}"

    def joins(self, name: str) -> None:
        head = Person(1, name, self.facts.today.year - 45, self.facts.today)
        agreed = policy_of(offer(self.product, (45,), new=True), 1, self.facts.today)
        self.facts = replace(self.facts.with_policy(agreed), people=[head])

    def pays(self, _name: str, amount: str) -> None:
        self.facts = self.facts.with_receipt(self.facts.today, money_of(amount))

    def renews(self, _name: str, on: date | None = None) -> None:
        stands = self.stands()
        assert stands.renews, "nobody may renew on this day"
        assert stands.renewal is not None
        agreed = policy_of(stands.renewal, len(self.facts.policies) + 1, on or self.facts.today)
        self.facts = self.facts.with_policy(agreed)

    def renews_and_pays(self, name: str, amount: str) -> None:
        self.renews(name)
        self.pays(name, amount)

    def renews_with_late_cash(self, name: str, amount: str, day: str) -> None:
        self.renews(name, day_of(day))
        self.facts = self.facts.with_receipt(day_of(day), money_of(amount))

    def waives(self, amount: str) -> None:
        *before, last = self.facts.policies
        self.facts = replace(
            self.facts, policies=[*before, replace(last, waived_minor=money_of(amount).amount_minor)]
        )

    def is_born(self, name: str) -> None:
        self._comes(self._family().joiner(name, 0))

    def enters(self, name: str, age: str) -> None:
        self._comes(self._family().joiner(name, int(age)))

    def moves_in(self, name: str, age: str, day: str) -> None:
        """From a household that joined under the same contract and paid all of it on that day."""
        other = Played(self.product)
        other.facts = replace(other.facts, today=day_of(day))
        other.joins(name)
        other.pays(name, f"{self.product.lump_sum_minor}")
        other.facts = replace(other.facts, today=self.facts.today)
        person = replace(other.facts.people[0], birth_year=self.facts.today.year - int(age))
        covered_from = kept_cover(person, other.stands(), self.facts.today)
        self._comes(self._family().mover(person, "187000021", covered_from))

    def _family(self) -> Family:
        facts = self.facts
        return Family(DAN, HOME, tuple(facts.people), len(facts.policies), self.product, 12, facts.today)

    def _comes(self, person: Person) -> None:
        self.facts = replace(self.facts, people=[*self.facts.people, person])

    def told(self) -> tuple[str, str]:
        """How it stands, in the words of the page: the cover with each person who came later, and what is due."""
        stands = self.stands()
        days = {"start": stands.cover.from_on, "end": stands.cover.until_on}
        said = COVERS[stands.cover.state].format(
            **{name: day and f"{day:%d/%m/%Y}" for name, day in days.items()}
        )
        people = [
            f"{person.name} : {'couvert' if person.covered else 'pas couvert'}"
            for person in stands.people[1:]
        ]
        credit = [f"avance {stands.credit}"] if stands.credit.amount_minor else []
        return " ; ".join([said, *people]), ", ".join([str(stands.due), *credit])


@pytest.mark.parametrize("story", [*stories()], ids=lambda story: story.title)
def test_each_line_of_a_story_is_so(story: Story) -> None:
    played = Played(contracts()[story.contract])
    assert len(story.lines) > 2
    for line in story.lines:
        played.happens(line)
        wanted, found = (line.cover, line.left), played.told()
        assert found == wanted, f"{PAGE}:{line.number}: {line.day} {line.event}: {' | '.join(found)}"


def test_each_contract_of_the_page_may_be_sold() -> None:
    for product in contracts().values():
        assert not list(faults_of_sale(DAN, Sale(product, FIRST)))


def test_every_state_of_a_cover_is_told_somewhere() -> None:
    """A new state, event or rule has a story."""
    said = [line for story in list(stories()) for line in story.lines]
    for state, words in COVERS.items():
        pattern = re.escape(words).replace(r"\{start\}", DAY).replace(r"\{end\}", DAY)
        assert any(re.match(rf"{pattern}( ;|$)", line.cover) for line in said), state
    for pattern in EVENTS:
        assert any(re.fullmatch(pattern, line.event) for line in said), pattern
    told = set(contracts())
    assert told == {story.contract for story in stories()}
