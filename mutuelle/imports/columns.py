"""The files of a register and their columns: the names that are told to people first, other names after them.

The page that shows them to a federation is `docs/start/README.md`; the reader of a column is in `cells.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ledger import accounts
from mutuelle.founding.rules import LIMITS, MAX_PRICE_MINOR, SERVICES
from mutuelle.imports import cells, days, figures, phones
from mutuelle.imports.cells import Reader, folded
from mutuelle.imports.vocabulary import (
    FUND_WORDS,
    HELD_WORDS,
    LANGUAGE_WORDS,
    LEVEL_WORDS,
    ROLE_WORDS,
    SERVICE_WORDS,
)


@dataclass(frozen=True)
class CsvColumn:
    """`names`: the one that is told to people first. An empty cell of a column that is not `needed` is None."""

    key: str
    names: tuple[str, ...]
    read: Reader
    needed: bool = True
    takes_plus: bool = False

    @property
    def shown(self) -> str:
        return self.names[0]


@dataclass(frozen=True)
class Form:
    """One file: its names without their ending, its columns, and how many lines it may have."""

    key: str
    names: tuple[str, ...]
    columns: tuple[CsvColumn, ...]
    most_rows: int = 5_000

    @property
    def file(self) -> str:
        """The name that is told to people."""
        return f"{self.names[0]}.csv"

    def column(self, key: str) -> CsvColumn:
        return next(column for column in self.columns if column.key == key)

    @cached_property
    def headers(self) -> Mapping[str, CsvColumn]:
        """Each column by every name that a header may give it, as names are compared."""
        return {folded(name): column for column in self.columns for name in column.names}


def _optional(key: str, names: tuple[str, ...], read: Reader, *, takes_plus: bool = False) -> CsvColumn:
    return CsvColumn(key, names, read, needed=False, takes_plus=takes_plus)


_CODE = r"[a-z0-9][a-z0-9-]{0,39}"
_ROWS_OF_PEOPLE = 300_000
_UNITS = {
    "threshold": r"personnes?|pers",
    "max_members": r"personnes?|pers",
    "age_of_majority": r"ans?|years?",
    "max_installments": r"fois|paiements?|versements?|payments?",
}
_PRICE = figures.franc_amount(0, MAX_PRICE_MINOR)


def _limited(term: str) -> Reader:
    if term.endswith("_months"):
        return figures.months(*LIMITS[term])
    return figures.whole(*LIMITS[term], _UNITS.get(term, ""))


def _phone(*names: str, read: Reader = phones.mobile, needed: bool = True) -> CsvColumn:
    return CsvColumn("phone", (*names, "téléphone", "phone", "tel"), read, needed=needed, takes_plus=True)


def _number() -> CsvColumn:
    names = ("numéro", "number", "numéro du ménage", "no", "n°", "household")
    return CsvColumn("number", names, figures.register_number)


MUTUELLE = Form(
    "mutuelle",
    ("mutuelle",),
    (
        CsvColumn("id", ("code",), cells.matching("[A-Z]{2,8}")),
        CsvColumn("name", ("nom", "name"), cells.words(2, 20)),
        CsvColumn("town", ("ville", "town"), cells.words(2, 24)),
        CsvColumn("country", ("pays", "country"), cells.matching("[A-Z]{2}")),
        CsvColumn(
            "currency", ("monnaie", "currency"), cells.one_of({c.lower(): c for c in accounts.CURRENCIES})
        ),
        CsvColumn("timezone", ("fuseau horaire", "timezone", "time zone"), cells.timezone),
        CsvColumn(
            "complaints_phone",
            ("téléphone des plaintes", "complaints phone", "téléphone"),
            phones.phone,
            takes_plus=True,
        ),
        CsvColumn("benefits", ("prestations", "benefits"), cells.words(2, 90)),
        _optional("prefix", ("préfixe", "prefix"), figures.whole(100, 999)),
    ),
    most_rows=1,
)
PLACES = Form(
    "places",
    ("villages", "places", "lieux"),
    (
        CsvColumn("name", ("village", "name", "nom", "lieu", "place"), cells.words(2, 24)),
        _optional("id", ("code",), cells.matching(_CODE, upper=False)),
    ),
)
PRODUCTS = Form(
    "products",
    ("produits", "products"),
    (
        CsvColumn("code", ("code",), cells.matching("[A-Z0-9]{1,8}")),
        CsvColumn("name", ("nom", "name"), cells.words(2, 12)),
        CsvColumn("lump_sum_minor", ("prix du ménage", "lump sum"), _PRICE),
        CsvColumn("threshold", ("personnes comprises", "threshold"), _limited("threshold")),
        CsvColumn("premium_adult_minor", ("prix par adulte", "premium adult"), _PRICE),
        CsvColumn("premium_child_minor", ("prix par enfant", "premium child"), _PRICE),
        CsvColumn("age_of_majority", ("adulte à partir de", "age of majority"), _limited("age_of_majority")),
        CsvColumn("max_members", ("personnes au plus", "max members"), _limited("max_members")),
        CsvColumn("registration_fee_minor", ("droit d'adhésion", "registration fee"), _PRICE),
        CsvColumn(
            "insurance_period_months",
            ("durée en mois", "insurance period months"),
            _limited("insurance_period_months"),
        ),
        CsvColumn(
            "waiting_period_months",
            ("carence en mois", "waiting period months"),
            _limited("waiting_period_months"),
        ),
        CsvColumn(
            "grace_period_payment_months",
            ("délai pour payer en mois", "grace period payment months"),
            _limited("grace_period_payment_months"),
        ),
        CsvColumn(
            "grace_period_renewal_months",
            ("délai pour renouveler en mois", "grace period renewal months"),
            _limited("grace_period_renewal_months"),
        ),
        CsvColumn(
            "partial_cover_threshold_percent",
            ("part qui ouvre les droits", "partial cover threshold percent"),
            figures.percent,
        ),
        CsvColumn(
            "max_installments", ("paiements au plus", "max installments"), _limited("max_installments")
        ),
        CsvColumn(
            "amount_step_minor",
            ("arrondi", "amount step"),
            figures.franc_amount(*LIMITS["amount_step_minor"]),
        ),
        CsvColumn("sold_from", ("en vente depuis", "sold from"), days.day),
        _optional("sold_until", ("en vente jusqu'au", "sold until"), days.day),
        _optional("version", ("version",), _limited("version")),
    ),
)
FACILITIES = Form(
    "facilities",
    ("etablissements", "facilities"),
    (
        CsvColumn("name", ("nom", "name", "établissement"), cells.words(2, 30)),
        CsvColumn("level", ("type", "level"), cells.one_of(LEVEL_WORDS)),
        CsvColumn("place", ("village", "place", "lieu"), cells.words(2, 40)),
        _phone(read=phones.phone),
        CsvColumn("hours", ("horaires", "hours"), cells.words(2, 30)),
        CsvColumn("services", ("services",), cells.some_of(SERVICE_WORDS, SERVICES)),
        _optional("id", ("code",), cells.matching(_CODE, upper=False)),
    ),
)
DOCTORS = Form(
    "doctors",
    ("medecins", "doctors"),
    (
        CsvColumn("name", ("nom", "name", "médecin"), cells.words(2, 30)),
        _phone(),
        CsvColumn("facility", ("établissement", "facility"), cells.words(1, 40)),
        CsvColumn("languages", ("langues", "languages"), cells.languages(LANGUAGE_WORDS)),
        _optional("since", ("depuis", "since"), days.since),
    ),
)
OFFICERS = Form(
    "officers",
    ("responsables", "officers", "treasurers", "tresoriers"),
    (
        CsvColumn("role", ("rôle", "role"), cells.one_of(ROLE_WORDS)),
        CsvColumn("name", ("nom", "name"), cells.name),
        _phone(),
        _optional("since", ("depuis", "since"), days.since),
    ),
)
ROUTES = Form(
    "routes",
    ("operateurs", "routes", "operators"),
    (
        CsvColumn("country", ("pays", "country"), cells.matching("[A-Z]{2}")),
        CsvColumn("operator", ("opérateur", "operator"), cells.matching(_CODE, upper=False)),
    ),
)
HOUSEHOLDS = Form(
    "households",
    ("menages", "households", "foyers"),
    (
        _number(),
        CsvColumn("head_name", ("chef", "head", "chef de ménage", "nom"), cells.name),
        CsvColumn("birth", ("naissance", "birth", "âge", "age", "année de naissance"), days.birth),
        CsvColumn("place", ("village", "place", "lieu"), cells.words(2, 40)),
        CsvColumn(
            "phones", ("téléphone", "phone", "tel", "phones"), phones.mobiles, needed=False, takes_plus=True
        ),
        CsvColumn("product", ("produit", "product"), cells.words(1, 12)),
        _optional("paid_until", ("payé jusqu'au", "paid until"), days.day),
        _optional("member_since", ("membre depuis", "member since"), days.since),
        _optional("paid", ("payé", "paid", "montant payé", "versé"), _PRICE),
        _optional(
            "owed", ("reste dû", "owed", "arriérés", "arrears", "reste à payer", "reste", "impayés"), _PRICE
        ),
        _optional("others", ("autres personnes", "others"), days.births),
        _optional("reminders", ("rappels", "reminders"), cells.yes_or_no),
    ),
    most_rows=50_000,
)
PEOPLE = Form(
    "people",
    ("personnes", "people"),
    (
        _number(),
        _optional("name", ("nom", "name"), cells.name),
        CsvColumn("birth", ("naissance", "birth", "âge", "age", "année de naissance"), days.birth),
    ),
    most_rows=_ROWS_OF_PEOPLE,
)
BALANCES = Form(
    "balances",
    ("soldes", "balances"),
    (
        CsvColumn("held", ("compte", "account"), cells.one_of(HELD_WORDS)),
        _optional("name", ("nom", "name"), cells.words(1, 40), takes_plus=True),
        _optional("fund", ("fonds", "fund"), cells.one_of(FUND_WORDS)),
        CsvColumn("amount_minor", ("montant", "amount"), figures.franc_amount(0, 10**12 - 1)),
        CsvColumn("on", ("date",), days.since),
    ),
    most_rows=500,
)
FORMS = (
    MUTUELLE,
    PLACES,
    PRODUCTS,
    FACILITIES,
    DOCTORS,
    OFFICERS,
    ROUTES,
    HOUSEHOLDS,
    PEOPLE,
    BALANCES,
)
BY_NAME: Mapping[str, Form] = {folded(name): form for form in FORMS for name in form.names}
