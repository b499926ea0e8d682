"""A statement with every kind of trouble, drawn by a seed, and what must become of each of its lines."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from stdnum import damm

from tests.support.statements import TODAY

COLUMNS = ("date", "id", "payer", "amount", "currency", "note")
Cells = dict[str, str]


@dataclass
class Troubles:
    """The lines, and what is expected of them: the kind of each by its id, and the money of each household.

    `heirs` are households that are no more, each with who gets its money.
    """

    chance: Random
    numbers: Sequence[str]
    heirs: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    lines: list[Cells] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    money: Counter[str] = field(default_factory=Counter)

    def draw(self, count: int) -> None:
        """So many lines, most of them a household's."""
        for _line in range(count):
            chosen = self.chance.choices((self._own, self._nobodys, self._fee, self._out), (70, 20, 5, 5))[0]
            chosen()

    def _add(self, kind: str, amount_minor: int, note: str, payer: str = "") -> None:
        line_id = f"{self.prefix}{len(self.kinds):05}"
        on = TODAY - timedelta(days=self.chance.randrange(40))
        written = (
            f"{on:%d/%m/%Y} 10:0{self.chance.randrange(10)}" if self.chance.random() < 0.3 else on.isoformat()
        )
        amount = f"{amount_minor:,}".replace(",", self.chance.choice(("", " "))) + self.chance.choice(
            ("", ",00")
        )
        cells = (written, line_id, payer, amount, self.chance.choice(("XOF", "FCFA", "")), note)
        self.lines.append(dict(zip(COLUMNS, cells, strict=True)))
        self.kinds[line_id] = kind

    def _amount(self) -> int:
        return 100 * self.chance.randint(5, 150)

    def _own(self) -> None:
        number = self.chance.choice([*self.numbers, *self.heirs])
        amount_minor = self._amount()
        self._add(
            "receipt", amount_minor, self._written(number), self.chance.choice(("", "76000099", "A. K."))
        )
        self.money[self.heirs.get(number, number)] += amount_minor

    def _written(self, number: str) -> str:
        """As people write it: in groups, with words, with letters for figures."""
        ways: tuple[Callable[[str], str], ...] = (
            str,
            lambda n: f"{n[:3]} {n[3:6]} {n[6:]}",
            lambda n: f"{n[:3]}.{n[3:6]}.{n[6:]}",
            lambda n: f"cotisation {n[:3]}-{n[3:6]}-{n[6:]} merci",
            lambda n: f"N°{n}",
            lambda n: n.replace("0", "O").replace("1", "l"),
            lambda n: f"mars 2026, {n}",
            lambda n: " ".join(n),
        )
        return self.chance.choice(ways)(number)

    def _nobodys(self) -> None:
        number, other = self.chance.sample(self.numbers, 2)
        place = self.chance.randrange(9)
        wrong = (
            number[:place] + str((int(number[place]) + self.chance.randint(1, 9)) % 10) + number[place + 1 :]
        )
        swapped = next(
            number[:at] + number[at + 1] + number[at] + number[at + 2 :]
            for at in range(8)
            if number[at] != number[at + 1]
        )
        elsewhere = f"101{self.chance.randrange(10**5):05}"
        notes = (
            "",
            "cotisation",
            wrong,
            swapped,
            f"{number} et {other}",
            elsewhere + damm.calc_check_digit(elsewhere),
            number + "1",
            "+223 76 00 00 01",
            "76000001",
        )
        self._add("unmatched", self._amount(), self.chance.choice(notes))

    def _fee(self) -> None:
        self._add(
            "fee", -self.chance.randint(1, 500), self.chance.choice(("Frais", "fee", "commission du jour"))
        )

    def _out(self) -> None:
        self._add("debit", -self._amount(), self.chance.choice(("retrait", "virement", "")))

    def files(self, pieces: int) -> Iterator[tuple[str, list[str]]]:
        """The lines cut into overlapping files, shuffled, some lines twice, each with its own order of columns."""
        for nth in range(pieces):
            size = len(self.lines) // pieces
            part = self.lines[max(0, nth * size - size // 4) : (nth + 1) * size if nth < pieces - 1 else None]
            part = [*part, *self.chance.sample(part, len(part) // 10)]
            self.chance.shuffle(part)
            order = self.chance.sample(COLUMNS, len(COLUMNS))
            yield ";".join(order), [";".join(cells[name] for name in order) for cells in part]
