"""The currencies of accounts: their decimals, how people write them, and how large prices are in them.

Every room reads this table: a menu, a message, a statement, an operator's wire, the book, a report and an export have
the same decimals. `ledger.is_currency` of migrations/schema/ledger_accounts.sql has the same codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Currency:
    """`decimals` by ISO 4217, `sign` in letters that every basic phone shows, the same in French and English.

    `size`: how many units a mutuelle's terms and limits have where they have one franc CFA, to the nearest power of
    ten. `notes`, `coins`: the values in use, in whole units.
    """

    code: str
    decimals: int
    sign: str
    size: int = 1
    notes: frozenset[int] = frozenset()
    coins: frozenset[int] = frozenset()

    @property
    def unit(self) -> int:
        """Minor units of one franc: the least that people count in. Nobody has had centimes in the hand for years."""
        return int(10**self.decimals)

    @property
    def values(self) -> frozenset[int]:
        """Of all notes and coins; empty where this table does not know them."""
        return self.notes | self.coins

    @property
    def scale(self) -> int:
        """Minor units where the francs CFA have one franc, for limits."""
        return self.size * self.unit


_NOTES, _COINS = frozenset({10_000, 5_000, 2_000, 1_000, 500}), frozenset({250, 200, 100, 50, 25, 10, 5})
_OF_MUTUELLES = (
    Currency("XOF", 0, "F", notes=_NOTES, coins=_COINS),
    Currency("XAF", 0, "F", notes=_NOTES, coins=_COINS),
    Currency("GNF", 0, "FG", size=10),
    Currency("CDF", 2, "FC", size=10),
    Currency("RWF", 0, "FRw"),
)
# An operator may pay in another currency than was asked for.
CURRENCIES: Mapping[str, Currency] = {
    one.code: one for one in (*_OF_MUTUELLES, Currency("EUR", 2, "EUR"), Currency("USD", 2, "USD"))
}
KEPT = tuple(one.code for one in _OF_MUTUELLES)  # what a mutuelle keeps its book in
MINOR_DIGITS = {code: one.decimals for code, one in CURRENCIES.items()}


def scaled(francs_cfa: int, currency: str) -> int:
    """A limit that is said in francs CFA, in minor units of `currency`: as large a sum to live with, no exchange."""
    return francs_cfa * CURRENCIES[currency].scale


def written(*codes: str) -> str:
    """How people write the unit of these currencies beside an amount, in any case: F CFA, francs guinéens, FC.

    A pattern. Francs without another word are the francs of whoever writes.
    """
    own = "".join(rf"|{code}|{CURRENCIES[code].sign}" for code in codes)
    francs = r"f\.?\s*cfa|cfa|francs?(?:\s*(?:cfa|guin[eé]ens?|congolais|rwandais))?|frs?"
    return rf"(?:{francs}{own}|f)".lower()


WRITTEN = written(*KEPT)
