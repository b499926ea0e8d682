"""The words that a register may use for what the service has its own names for, accents or not.

Of several words for one thing the first is shown to people.
"""

from ledger import accounts
from mutuelle.founding.rules import LEVELS, SERVICES
from mutuelle.scheme.products import LATE_RENEWALS

SERVICE_WORDS = dict(
    zip(
        (
            "médecine générale",
            "petite chirurgie",
            "accouchements",
            "consultations pré et postnatales",
            "laboratoire",
            "vaccination",
            "promotion de la santé",
        ),
        SERVICES,
        strict=True,
    )
)
SERVICE_WORDS |= {service: service for service in SERVICES} | {
    "consultations prénatales": "ante- and post-natal visits",
    "cpn": "ante- and post-natal visits",
    "accouchement": "deliveries",
    "chirurgie": "minor surgery",
    "analyses": "laboratory",
    "vaccinations": "vaccination",
}
LEVEL_WORDS = dict(zip(("poste", "centre", "hôpital"), LEVELS, strict=True)) | {
    "post": "post",
    "hospital": "hospital",
    "cscom": "centre",
    "poste de santé": "post",
    "centre de santé": "centre",
}
EVERY_LEVEL = "every level"
EVERY_LEVEL_WORDS = {"tous": EVERY_LEVEL, "all": EVERY_LEVEL, "partout": EVERY_LEVEL}
LATE_RENEWAL_WORDS = dict(zip(("nouveau départ", "dernière année d'abord"), LATE_RENEWALS, strict=True)) | {
    rule: rule for rule in LATE_RENEWALS
}
ROLE_WORDS = {
    "trésorier": "treasurer",
    "trésorière": "treasurer",
    "treasurer": "treasurer",
    "collecteur": "collector",
    "collectrice": "collector",
    "collector": "collector",
    "agent d'inscription": "enrolment officer",
    "agente d'inscription": "enrolment officer",
    "agent enrôleur": "enrolment officer",
    "agente enrôleuse": "enrolment officer",
    "agent d'enrôlement": "enrolment officer",
    "enrolment officer": "enrolment officer",
}
PAYER_WORDS = {
    "État": "state",
    "commune": "commune",
    "ONG": "ngo",
    "employeur": "employer",
    "autre": "other",
    "state": "state",
    "mairie": "commune",
    "ngo": "ngo",
    "employer": "employer",
    "other": "other",
}
LANGUAGE_WORDS = {  # the ISO 639 codes themselves are taken too
    "français": "fr",
    "anglais": "en",
    "bambara": "bm",
    "dioula": "dyu",
    "peul": "ff",
    "soninké": "snk",
    "mooré": "mos",
    "wolof": "wo",
    "éwé": "ee",
    "kabyè": "kbp",
    "fon": "fon",
    "haoussa": "ha",
    "arabe": "ar",
}
FUND_WORDS = {"santé": accounts.HEALTH, "transport": accounts.TRANSPORT, "tontine": accounts.TONTINE}
FUND_WORDS |= {"prêts": accounts.LOANS} | {fund: fund for fund in accounts.FUNDS}
HELD_WORDS = {
    "caisse": "cash",
    "banque": "bank",
    "opérateur": "float",
    "réserve": "reserve",
    "dette": "payable",
    "créance": "receivable",
    "prêt": "loan",
    "dépôt": "deposit",
    "cash": "cash",
    "bank": "bank",
    "float": "float",
    "mobile money": "float",
    "centre à payer": "payable",
    "à recevoir": "receivable",
    "dépôt de tontine": "deposit",
    "debt": "payable",
    "receivable": "receivable",
    "loan": "loan",
    "deposit": "deposit",
}
LIMIT_WORDS = {  # as a treasurer reads them on her phone
    "argent d'un collecteur": "cash_held_minor",
    "jours d'argent en main": "cash_days",
    "deux signatures dès": "two_signatures_from_minor",
    "écart de caisse toléré": "count_difference_minor",
    "SMS par téléphone et par jour": "messages_a_day",
    "codes de soins par jour": "codes_a_day",
    "vérifications d'un médecin par jour": "checks_a_day",
    "codes faux par centre et par jour": "guesses_a_day",
    "sans code par médecin et par jour": "without_code_a_doctor",
    "sans code par centre et par jour": "without_code_a_facility",
    "heure du bilan": "digest_hour",
    "années gardées après un départ": "years_kept",
    "cash of one collector": "cash_held_minor",
    "days of cash in hand": "cash_days",
    "two signatures from": "two_signatures_from_minor",
    "difference booked alone": "count_difference_minor",
    "sms to a phone a day": "messages_a_day",
    "care codes a day": "codes_a_day",
    "checks of a doctor a day": "checks_a_day",
    "wrong codes a day": "guesses_a_day",
    "without code, a doctor a day": "without_code_a_doctor",
    "without code, a centre a day": "without_code_a_facility",
    "hour of the summary": "digest_hour",
    "years kept after leaving": "years_kept",
    "préavis des soins": "benefit_notice_days",
    "notice of changed care": "benefit_notice_days",
    "envois par jour": "payouts_a_day_minor",
    "envois par signataire": "payouts_by_one_minor",
    "payouts a day": "payouts_a_day_minor",
    "payouts signed by one a day": "payouts_by_one_minor",
    "minutes d'un opérateur muet": "operator_silent_minutes",
    "minutes of a silent operator": "operator_silent_minutes",
}
LINKING_WORDS = {
    *("de", "du", "des", "la", "le", "les", "l", "d", "a", "au", "et"),
}
# Words for a cash box, beside its village.
BOX_WORDS = {
    *("caisse", "caisses", "caissette", "coffre", "cash", "box", "centrale", "central", "principale"),
    *("principal", "secondaire", "siege", "bureau", "petite", "grande", "section", "antenne"),
    *("agence", "village", "quartier", "mutuelle", "sante", "transport", "tontine", "prets"),
}
# A bank's name has at least one of these.
BANK_WORDS = {
    *("banque", "banques", "bank", "bancaire", "compte", "ccp", "poste", "postale", "caisse"),
    *("credit", "mutuel", "mutuelle", "epargne", "cooperative", "coopec", "microfinance", "finance"),
    *("financier", "financiere", "fonds", "union", "societe", "generale", "agricole", "populaire"),
    *("rurale", "commerce", "internationale", "nationale", "developpement", "trust", "ecobank"),
    *("orabank", "boa", "uba", "bsic", "bnda", "bdm", "bim", "bms", "bhm", "coris", "bicim", "bicis"),
    *("bicici", "sgbs", "nsia", "cbao", "attijari", "kafo", "jiginew", "nyesigiso", "soro"),
    *("yiriwaso", "pamecas", "rcpb", "fucec", "utb", "btci", "asmab", "afriland", "bicec", "vista"),
    *("wave"),
}
