"""The files of a register and their columns: the names that are told to people first, other names after them.

The page that shows them to a federation is `docs/start/README.md`; the reader of a column is in `cells.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ledger import accounts
from mutuelle.charter import LIMITS, MAX_PRICE_MINOR, SERVICES
from mutuelle.registers import cells, days, figures, phones
from mutuelle.registers.cells import Reader, folded
from mutuelle.registers.vocabulary import (
    FUND_WORDS,
    HELD_WORDS,
    LANGUAGE_WORDS,
    LEVEL_WORDS,
    ROLE_WORDS,
    SERVICE_WORDS,
)


@dataclass(frozen=True)
class Column:
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
    columns: tuple[Column, ...]
    most_rows: int = 5_000

    @property
    def file(self) -> str:
        """The name that is told to people."""
        return f"{self.names[0]}.csv"

    def column(self, key: str) -> Column:
        return next(column for column in self.columns if column.key == key)

    @cached_property
    def headers(self) -> Mapping[str, Column]:
        """Each column by every name that a header may give it, as names are compared."""
        return {folded(name): column for column in self.columns for name in column.names}


def _optional(key: str, names: tuple[str, ...], read: Reader, *, takes_plus: bool = False) -> Column:
    return Column(key, names, read, needed=False, takes_plus=takes_plus)


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


def _phone(*names: str, read: Reader = phones.mobile, needed: bool = True) -> Column:
    return Column("phone", (*names, "téléphone", "phone", "tel"), read, needed=needed, takes_plus=True)


def _number() -> Column:
    names = ("numéro", "number", "numéro du ménage", "no", "n°", "household")
    return Column("number", names, figures.register_number)


MUTUELLE = Form(
    "mutuelle",
    ("mutuelle",),
    (
        Column("id", ("code",), cells.matching("[A-Z]{2,8}")),
        Column("name", ("nom", "name"), cells.words(2, 20)),
        Column("town", ("ville", "town"), cells.words(2, 24)),
        Column("country", ("pays", "country"), cells.matching("[A-Z]{2}")),
        Column(
            "currency", ("monnaie", "currency"), cells.one_of({c.lower(): c for c in accounts.CURRENCIES})
        ),
        Column("timezone", ("fuseau horaire", "timezone", "time zone"), cells.timezone),
        Column(
            "complaints_phone",
            ("téléphone des plaintes", "complaints phone", "téléphone"),
            phones.phone,
            takes_plus=True,
        ),
        Column("benefits", ("prestations", "benefits"), cells.words(2, 90)),
        _optional("prefix", ("préfixe", "prefix"), figures.whole(100, 999)),
    ),
    most_rows=1,
)
PLACES = Form(
    "places",
    ("villages", "places", "lieux"),
    (
        Column("name", ("village", "name", "nom", "lieu", "place"), cells.words(2, 24)),
        _optional("id", ("code",), cells.matching(_CODE, upper=False)),
    ),
)
PRODUCTS = Form(
    "products",
    ("produits", "products"),
    (
        Column("code", ("code",), cells.matching("[A-Z0-9]{1,8}")),
        Column("name", ("nom", "name"), cells.words(2, 12)),
        Column("lump_sum_minor", ("prix du ménage", "lump sum"), _PRICE),
        Column("threshold", ("personnes comprises", "threshold"), _limited("threshold")),
        Column("premium_adult_minor", ("prix par adulte", "premium adult"), _PRICE),
        Column("premium_child_minor", ("prix par enfant", "premium child"), _PRICE),
        Column("age_of_majority", ("adulte à partir de", "age of majority"), _limited("age_of_majority")),
        Column("max_members", ("personnes au plus", "max members"), _limited("max_members")),
        Column("registration_fee_minor", ("droit d'adhésion", "registration fee"), _PRICE),
        Column(
            "insurance_period_months",
            ("durée en mois", "insurance period months"),
            _limited("insurance_period_months"),
        ),
        Column(
            "waiting_period_months",
            ("carence en mois", "waiting period months"),
            _limited("waiting_period_months"),
        ),
        Column(
            "grace_period_payment_months",
            ("délai pour payer en mois", "grace period payment months"),
            _limited("grace_period_payment_months"),
        ),
        Column(
            "grace_period_renewal_months",
            ("délai pour renouveler en mois", "grace period renewal months"),
            _limited("grace_period_renewal_months"),
        ),
        Column(
            "partial_cover_threshold_percent",
            ("part qui ouvre les droits", "partial cover threshold percent"),
            figures.percent,
        ),
        Column("max_installments", ("paiements au plus", "max installments"), _limited("max_installments")),
        Column(
            "amount_step_minor",
            ("arrondi", "amount step"),
            figures.franc_amount(*LIMITS["amount_step_minor"]),
        ),
        Column("sold_from", ("en vente depuis", "sold from"), days.day),
        _optional("sold_until", ("en vente jusqu'au", "sold until"), days.day),
        _optional("version", ("version",), _limited("version")),
    ),
)
FACILITIES = Form(
    "facilities",
    ("etablissements", "facilities"),
    (
        Column("name", ("nom", "name", "établissement"), cells.words(2, 30)),
        Column("level", ("type", "level"), cells.one_of(LEVEL_WORDS)),
        Column("place", ("village", "place", "lieu"), cells.words(2, 40)),
        _phone(read=phones.phone),
        Column("hours", ("horaires", "hours"), cells.words(2, 30)),
        Column("services", ("services",), cells.some_of(SERVICE_WORDS, SERVICES)),
        _optional("id", ("code",), cells.matching(_CODE, upper=False)),
    ),
)
DOCTORS = Form(
    "doctors",
    ("medecins", "doctors"),
    (
        Column("name", ("nom", "name", "médecin"), cells.words(2, 30)),
        _phone(),
        Column("facility", ("établissement", "facility"), cells.words(1, 40)),
        Column("languages", ("langues", "languages"), cells.languages(LANGUAGE_WORDS)),
        _optional("since", ("depuis", "since"), days.since),
    ),
)
OFFICERS = Form(
    "officers",
    ("responsables", "officers", "treasurers", "tresoriers"),
    (
        Column("role", ("rôle", "role"), cells.one_of(ROLE_WORDS)),
        Column("name", ("nom", "name"), cells.name),
        _phone(),
        _optional("since", ("depuis", "since"), days.since),
    ),
)
ROUTES = Form(
    "routes",
    ("operateurs", "routes", "operators"),
    (
        Column("country", ("pays", "country"), cells.matching("[A-Z]{2}")),
        Column("operator", ("opérateur", "operator"), cells.matching(_CODE, upper=False)),
    ),
)
HOUSEHOLDS = Form(
    "households",
    ("menages", "households", "foyers"),
    (
        _number(),
        Column("head_name", ("chef", "head", "chef de ménage", "nom"), cells.name),
        Column("birth", ("naissance", "birth", "âge", "age", "année de naissance"), days.birth),
        Column("place", ("village", "place", "lieu"), cells.words(2, 40)),
        Column(
            "phones", ("téléphone", "phone", "tel", "phones"), phones.mobiles, needed=False, takes_plus=True
        ),
        Column("product", ("produit", "product"), cells.words(1, 12)),
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
        Column("birth", ("naissance", "birth", "âge", "age", "année de naissance"), days.birth),
    ),
    most_rows=_ROWS_OF_PEOPLE,
)
BALANCES = Form(
    "balances",
    ("soldes", "balances"),
    (
        Column("held", ("compte", "account"), cells.one_of(HELD_WORDS)),
        _optional("name", ("nom", "name"), cells.words(1, 40), takes_plus=True),
        _optional("fund", ("fonds", "fund"), cells.one_of(FUND_WORDS)),
        Column("amount_minor", ("montant", "amount"), figures.franc_amount(0, 10**12 - 1)),
        Column("on", ("date",), days.since),
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
