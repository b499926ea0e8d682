"""The files of a register and their columns: the name that is shown to people first, then the other accepted ones.

What a value must be is said in `mutuelle/founding/rules.py`. The page that shows the columns to a federation is
`docs/start/README.md`; the reader of a column is in `cells.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from currencies import KEPT
from mutuelle.benefits.rules import MOST_MINOR
from mutuelle.benefits.services import CODE as SERVICE_CODE
from mutuelle.founding.rules import (
    COUNTRY_CODE,
    LETTERS,
    LIMITS,
    MAX_PRICE_MINOR,
    MERCHANT_CODE,
    MUTUELLE_CODE,
    PREFIXES,
    PRODUCT_CODE,
    SERVICES,
    SLUG,
)
from mutuelle.imports import cells, days, figures, phones
from mutuelle.imports.cells import Reader
from mutuelle.imports.vocabulary import (
    EVERY_LEVEL_WORDS,
    FUND_WORDS,
    HELD_WORDS,
    LANGUAGE_WORDS,
    LATE_RENEWAL_WORDS,
    LEVEL_WORDS,
    LIMIT_WORDS,
    PAYER_WORDS,
    ROLE_WORDS,
    SERVICE_WORDS,
)
from mutuelle.sheets.letters import folded
from mutuelle.treasury.unmatched.groups import MOST_HOUSEHOLDS


@dataclass(frozen=True)
class CsvColumn:
    """`names`: the one that is shown to people first. An empty cell of a column that is not `needed` is None.

    A cell that says nothing (`aucun`, `-`) is empty too, or means `removed` where what was said before may be removed.
    """

    key: str
    names: tuple[str, ...]
    read: Reader
    needed: bool = True
    takes_plus: bool = False
    removed: object = None

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
        """The name that is shown to people."""
        return f"{self.names[0]}.csv"

    def column(self, key: str) -> CsvColumn:
        return next(column for column in self.columns if column.key == key)

    @cached_property
    def headers(self) -> Mapping[str, CsvColumn]:
        """Each column by every accepted name, folded for comparison."""
        return {folded(name): column for column in self.columns for name in column.names}


def _optional(
    key: str, names: tuple[str, ...], read: Reader, *, takes_plus: bool = False, removed: object = None
) -> CsvColumn:
    return CsvColumn(key, names, read, needed=False, takes_plus=takes_plus, removed=removed)


_ROWS_OF_PEOPLE = 300_000
_UNITS = {
    "threshold": r"personnes?|pers",
    "max_members": r"personnes?|pers",
    "age_of_majority": r"ans?|years?",
    "max_installments": r"fois|paiements?|versements?|payments?",
    "partial_cover_threshold_percent": r"%|pour ?cent",
}
_PRICE = figures.franc_amount(0, MAX_PRICE_MINOR)


def _term(term: str, *names: str) -> CsvColumn:
    """A term of a product, within its limits."""
    if term.endswith("_minor"):
        return CsvColumn(term, names, figures.franc_amount(*LIMITS[term]))
    if term.endswith("_months"):
        return CsvColumn(term, names, figures.months(*LIMITS[term]))
    return CsvColumn(term, names, figures.whole(*LIMITS[term], _UNITS.get(term, "")))


def _text(of: str, key: str, *names: str) -> CsvColumn:
    """A text with as many letters as it may have."""
    return CsvColumn(key, names, cells.words(*LETTERS[of][key]))


def _phone(*names: str, read: Reader = phones.mobile) -> CsvColumn:
    return CsvColumn("phone", (*names, "téléphone", "phone", "tel"), read, takes_plus=True)


def _number() -> CsvColumn:
    names = ("numéro", "number", "numéro du ménage", "no", "n°", "household")
    return CsvColumn("number", names, figures.register_number)


MUTUELLE = Form(
    "mutuelle",
    ("mutuelle",),
    (
        CsvColumn("id", ("code",), cells.matching(MUTUELLE_CODE)),
        _text("mutuelle", "name", "nom", "name"),
        _text("mutuelle", "town", "ville", "town"),
        CsvColumn("country", ("pays", "country"), cells.matching(COUNTRY_CODE)),
        CsvColumn("currency", ("monnaie", "currency"), cells.one_of({c.lower(): c for c in KEPT})),
        CsvColumn("timezone", ("fuseau horaire", "timezone", "time zone"), cells.timezone),
        CsvColumn(
            "complaints_phone",
            ("téléphone des plaintes", "complaints phone", "téléphone"),
            phones.phone,
            takes_plus=True,
        ),
        _text("mutuelle", "benefits", "prestations", "benefits"),
        _optional("prefix", ("préfixe", "prefix"), figures.whole(*PREFIXES)),
        _optional(
            "merchant_code", ("code marchand", "merchant code"), cells.matching(MERCHANT_CODE), removed=""
        ),
        _optional(
            "least_cash_minor",
            ("espèces au moins", "least cash"),
            figures.franc_amount(1, MAX_PRICE_MINOR),
            removed=0,
        ),
    ),
    most_rows=1,
)
PLACES = Form(
    "places",
    ("villages", "places", "lieux"),
    (
        _text("place", "name", "village", "name", "nom", "lieu", "place"),
        _optional("id", ("code",), cells.matching(SLUG, upper=False)),
    ),
)
PRODUCTS = Form(
    "products",
    ("produits", "products"),
    (
        CsvColumn("code", ("code",), cells.matching(PRODUCT_CODE)),
        _text("product", "name", "nom", "name"),
        _term("lump_sum_minor", "prix du ménage", "lump sum"),
        _term("threshold", "personnes comprises", "threshold"),
        _term("premium_adult_minor", "prix par adulte", "premium adult"),
        _term("premium_child_minor", "prix par enfant", "premium child"),
        _term("age_of_majority", "adulte à partir de", "age of majority"),
        _term("max_members", "personnes au plus", "max members"),
        _term("registration_fee_minor", "droit d'adhésion", "registration fee"),
        _term("insurance_period_months", "durée en mois", "insurance period months"),
        _term("waiting_period_months", "carence en mois", "waiting period months"),
        _term("grace_period_payment_months", "délai pour payer en mois", "grace period payment months"),
        _term("grace_period_renewal_months", "délai pour renouveler en mois", "grace period renewal months"),
        _term(
            "partial_cover_threshold_percent", "part qui ouvre les droits", "partial cover threshold percent"
        ),
        _term("max_installments", "paiements au plus", "max installments"),
        _term("amount_step_minor", "arrondi", "amount step"),
        CsvColumn("sold_from", ("en vente depuis", "sold from"), days.day),
        _optional("sold_until", ("en vente jusqu'au", "sold until"), days.day),
        replace(_term("version", "version"), needed=False),
        _optional(
            "late_renewal",
            ("renouvellement tardif", "late renewal"),
            cells.one_of(LATE_RENEWAL_WORDS),
        ),
        replace(
            _term("new_wait_after_months", "retard sans carence en mois", "new wait after months"),
            needed=False,
        ),
    ),
)
FACILITIES = Form(
    "facilities",
    ("etablissements", "facilities"),
    (
        _text("facility", "name", "nom", "name", "établissement"),
        CsvColumn("level", ("type", "level"), cells.one_of(LEVEL_WORDS)),
        CsvColumn("place", ("village", "place", "lieu"), cells.words(2, 40)),
        _phone(read=phones.phone),
        _text("facility", "hours", "horaires", "hours"),
        CsvColumn("services", ("services",), cells.some_of(SERVICE_WORDS, SERVICES)),
        _optional("id", ("code",), cells.matching(SLUG, upper=False)),
    ),
)
DOCTORS = Form(
    "doctors",
    ("medecins", "doctors"),
    (
        _text("doctor", "name", "nom", "name", "médecin"),
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
        CsvColumn("country", ("pays", "country"), cells.matching(COUNTRY_CODE)),
        CsvColumn("operator", ("opérateur", "operator"), cells.matching(SLUG, upper=False)),
        CsvColumn("network", ("réseau", "network"), cells.matching(SLUG, upper=False), needed=False),
    ),
)
PAYERS = Form(
    "payers",
    ("payeurs", "payers"),
    (
        CsvColumn("payer", ("payeur", "payer"), cells.words(2, 24)),
        CsvColumn("kind", ("type", "kind"), cells.one_of(PAYER_WORDS)),
        CsvColumn("name", ("régime", "regime"), cells.words(2, 16)),
        CsvColumn("percent", ("part", "share"), figures.whole(0, 100, r"%|pour ?cent")),
        CsvColumn("since", ("depuis", "since"), days.day),
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
        CsvColumn("product", ("produit", "product"), cells.words(1, LETTERS["product"]["name"][1])),
        _optional("paid_until", ("payé jusqu'au", "paid until"), days.day),
        _optional("member_since", ("membre depuis", "member since"), days.since),
        _optional("paid", ("payé", "paid", "montant payé", "versé"), _PRICE),
        _optional("credit", ("avance", "credit", "paid ahead", "payé d'avance"), _PRICE),
        _optional(
            "owed", ("reste dû", "owed", "arriérés", "arrears", "reste à payer", "reste", "impayés"), _PRICE
        ),
        _optional("others", ("autres personnes", "others"), days.births),
        _optional("reminders", ("rappels", "reminders"), cells.yes_or_no),
        _optional("regime", ("régime", "regime"), cells.words(2, 16), removed=""),
        _optional("regime_since", ("régime depuis", "regime since"), days.day),
        _optional("regime_until", ("régime jusqu'au", "regime until"), days.day),
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
    most_rows=5_000,
)
LIMITS_FORM = Form(
    "limits",
    ("reglages", "limits", "settings"),
    (
        CsvColumn("name", ("réglage", "name", "limit", "nom"), cells.one_of(LIMIT_WORDS)),
        CsvColumn("value", ("valeur", "value"), cells.words(1, 20)),
        _optional("since", ("depuis", "since"), days.since),
    ),
    most_rows=len(set(LIMIT_WORDS.values())),
)
NAMED_SERVICES = Form(
    "named services",
    ("services",),
    (
        CsvColumn("code", ("code",), cells.matching(SERVICE_CODE)),
        CsvColumn("name", ("nom", "name"), cells.words(3, 20)),
    ),
    most_rows=50,
)
_SERVICE = CsvColumn("service", ("service", "soin", "care"), cells.words(2, 40))
_CEILING = figures.franc_amount(1, MOST_MINOR)
_COUNT = figures.whole(1, 100, r"fois|times|actes?|acts?")
BENEFITS = Form(
    "benefits",
    ("prestations", "benefits"),
    (
        CsvColumn("product", ("produit", "product"), cells.words(1, LETTERS["product"]["name"][1])),
        _SERVICE,
        CsvColumn("level", ("type", "level"), cells.one_of(LEVEL_WORDS | EVERY_LEVEL_WORDS)),
        CsvColumn(
            "copay", ("part du patient", "patient pays", "ticket modérateur"), figures.copay(MAX_PRICE_MINOR)
        ),
        _optional("act_ceiling_minor", ("plafond par acte", "ceiling an act"), _CEILING),
        _optional("person_ceiling_minor", ("plafond par personne", "ceiling a person"), _CEILING),
        _optional("person_count", ("fois par personne", "times a person"), _COUNT),
        _optional("household_ceiling_minor", ("plafond par ménage", "ceiling a household"), _CEILING),
        _optional("household_count", ("fois par ménage", "times a household"), _COUNT),
        _optional("waiting_months", ("attente en mois", "waiting months"), figures.months(0, 24)),
        _optional("needs_referral", ("référence", "referral"), cells.yes_or_no),
        _optional("needs_agreement", ("accord préalable", "prior agreement"), cells.yes_or_no),
        _optional("exclusions", ("exclusions", "sauf"), cells.words(2, 40)),
        _optional("since", ("depuis", "since"), days.since),
    ),
)
AGREEMENTS = Form(
    "agreements",
    ("conventions", "agreements"),
    (
        CsvColumn("facility", ("établissement", "facility"), cells.words(1, 40)),
        CsvColumn("level", ("type", "level"), cells.one_of(LEVEL_WORDS)),
        CsvColumn("since", ("depuis", "since"), days.since),
        _optional("until", ("jusqu'au", "until"), days.day),
    ),
)
TARIFFS = Form(
    "tariffs",
    ("tarifs", "tariffs", "prices"),
    (
        CsvColumn("facility", ("établissement", "facility"), cells.words(1, 40)),
        _SERVICE,
        CsvColumn("price_minor", ("prix", "price"), figures.franc_amount(1, MOST_MINOR)),
        CsvColumn("since", ("depuis", "since"), days.since),
    ),
    most_rows=50_000,
)
GROUP = Form(
    "group",
    ("liste",),
    (
        CsvColumn(
            "number", ("numéro", "number", "numéro du ménage", "no", "n°", "household"), figures.member
        ),
        CsvColumn("amount_minor", ("montant", "amount"), figures.franc_amount(1, MAX_PRICE_MINOR)),
        _optional("name", ("nom", "name", "nom et prénom", "prénom et nom"), cells.words(1, 80)),
    ),
    most_rows=MOST_HOUSEHOLDS,
)
FORMS = (  # of a register
    MUTUELLE,
    PLACES,
    PRODUCTS,
    FACILITIES,
    NAMED_SERVICES,
    BENEFITS,
    AGREEMENTS,
    TARIFFS,
    DOCTORS,
    OFFICERS,
    ROUTES,
    LIMITS_FORM,
    PAYERS,
    HOUSEHOLDS,
    PEOPLE,
    BALANCES,
)
BY_NAME: Mapping[str, Form] = {folded(name): form for form in FORMS for name in form.names}
