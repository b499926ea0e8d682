"""The table of all personal data: each kind, where it is, how long it is kept, what happens then and why.

Every table of the schema is named here or in WITHOUT_PEOPLE (a test). A term of days is our own decision: it is the
shortest in which the service still does its work. No term of a law stands here, because none could be verified: how
long data of a household is kept after it has left, two treasurers decide (`years_kept` of `mutuelle/scheme/limits.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from locales import Sentence, _


class Then(StrEnum):
    """What happens at the end of a term."""

    ERASED = "erased"
    SHORTENED = "shortened"  # the words or names go, what is left is about nobody
    KEPT = "kept"


THEN: dict[Then, Sentence] = {
    Then.ERASED: _("erased"),
    Then.SHORTENED: _("shortened"),
    Then.KEPT: _("kept"),
}


@dataclass(frozen=True)
class DataKind:
    """`days`: its term by the clock. Without one it goes with its household, or (KEPT) stays.

    `name` is what the function `forget` of `migrations/schema/personal_data.sql` calls it, where it has days.
    """

    name: str
    what: Sentence
    tables: tuple[str, ...]
    then: Then
    why: Sentence
    days: int | None = None


YEAR = 365
_LEFT = _("the mutuelle decides: the term of the law was not verified")
_OURS = _("our own decision")

KINDS: Sequence[DataKind] = (
    DataKind(
        "household",
        _("names, births, phones, changes, care codes and choices of a household"),
        (
            *(
                "household",
                "household_phone",
                "household_pin",
                "beneficiary",
                "household_change",
                "register_line",
            ),
            *("care_code", "referent", "reminder_consent", "reminder"),
        ),
        Then.ERASED,
        _LEFT,
    ),
    DataKind(
        "agreements",
        _("words by which a household joined, paid, renewed, chose reminders or left"),
        ("action",),
        Then.ERASED,
        _("proof of consent, as long as the household is known"),
    ),
    DataKind(
        "money",
        _("who paid or was paid: payments, cash, statements, vouchers, proposals, debts"),
        (
            *("payment", "payment_move", "payment_case", "cash_receipt", "cash_dispute", "statement_line"),
            *("money_decision", "group_list", "group_part", "voucher", "joint_act", "waiver"),
            *("payout", "payout_move", "payout_case"),
        ),
        Then.SHORTENED,
        _("names and phones go with the household; sums, days and numbers are accounts"),
    ),
    DataKind(
        "care",
        _("who was checked or treated where, by member number"),
        ("eligibility_check", "given_quote", "care_bill", "care_card"),
        Then.KEPT,
        _("binds the mutuelle; without the household's names it is about a number"),
    ),
    DataKind(
        "book",
        _("the ledger, policies and sealed records, by member number"),
        (
            "ledger.journal",
            "ledger.movement",
            "ledger.request",
            "ledger.account",
            "policy",
            "policy_share",
            "household_regime",
        ),
        Then.KEPT,
        _("accounts; no name and no phone but what a treasurer types as a reason"),
    ),
    DataKind(
        "officers",
        _("who held which office, and what they did and answered"),
        (
            *(
                "officer",
                "doctor",
                "doctor_facility",
                "role_change",
                "pin_change",
                "mutuelle_limit",
                "benefit",
                "cash_holder",
            ),
            *("cash_deposit", "cash_count", "digest", "digest_answer", "schedule", "closed_year"),
            *("assembly", "assembly_vote", "ledger.period_act"),
        ),
        Then.KEPT,
        _("accounts say who acted"),
    ),
    DataKind(
        "support acts",
        _("what support changed in a household"),
        ("support_act",),
        Then.SHORTENED,
        _("phones and reasons go with the household"),
    ),
    DataKind(
        "payers who refuse",
        _("phones that want no request to pay for others"),
        ("payer_refusal",),
        Then.KEPT,
        _("as long as they want, or until their household is erased"),
    ),
    DataKind(
        "networks of phones",
        _("phones whose number was moved to another network"),
        ("phone_network",),
        Then.KEPT,
        _("as long as they pay, or until their household is erased"),
    ),
    DataKind("sent words", _("words of SMS that were sent"), ("sms_outbox",), Then.SHORTENED, _OURS, YEAR),
    DataKind("received words", _("words of SMS that came in"), ("sms_inbox",), Then.SHORTENED, _OURS, YEAR),
    DataKind(
        "received",
        _("SMS that agreed to nothing, and the answers"),
        ("sms_inbox", "sms_outbox"),
        Then.ERASED,
        _OURS,
        2 * YEAR,
    ),
    DataKind("delivery reports", _("delivery reports of SMS"), ("sms_report",), Then.ERASED, _OURS, 90),
    DataKind("conversations", _("open conversations by SMS"), ("sms_conversation",), Then.ERASED, _OURS, 2),
    DataKind("ended stops", _("a STOP that was taken back"), ("sms_optout",), Then.ERASED, _OURS, YEAR),
    DataKind(
        "limited uses", _("numbers tried and members looked for"), ("limited_use",), Then.ERASED, _OURS, 40
    ),
    DataKind(
        "operator notices", _("notices of operators as they came"), ("money_notice",), Then.ERASED, _OURS, 90
    ),
    DataKind(
        "payee names",
        _("in whose name a phone is registered at its operator"),
        ("payee_name",),
        Then.ERASED,
        _("as long as two treasurers decide about a payment to it"),
        8,
    ),
    DataKind(
        "operator minutes",
        _("how operators answered, minute by minute: of nobody"),
        ("operator_minute",),
        Then.ERASED,
        _OURS,
        14,
    ),
    DataKind(
        "wrong checks", _("checks with a wrong number or code"), ("failed_check",), Then.ERASED, _OURS, YEAR
    ),
    DataKind("action words", _("words of all other actions"), ("action",), Then.SHORTENED, _OURS, YEAR),
    DataKind(
        "languages",
        _("the language of a phone that is nobody's"),
        ("preference",),
        Then.ERASED,
        _OURS,
        2 * YEAR,
    ),
    DataKind(
        "former pins", _("the work PIN of a former officer"), ("officer_pin",), Then.ERASED, _OURS, YEAR
    ),
    DataKind(
        "look-ups", _("which officer looked at whom"), ("officer_lookup",), Then.ERASED, _OURS, 3 * YEAR
    ),
    DataKind("support look-ups", _("whom support looked at"), ("support_act",), Then.ERASED, _OURS, 3 * YEAR),
    DataKind("firings", _("that a reminder or a deletion was run"), ("firing",), Then.ERASED, _OURS, YEAR),
)

# Of no person: mutuelles, places, facilities, prices, files, and what the book keeps of itself.
WITHOUT_PEOPLE = frozenset(
    {
        *("alembic_version", "mutuelle", "place", "product", "facility", "statement_file"),
        *("operator_account", "route", "operator_health", "operator_balance"),
        *("named_service", "agreement", "tariff", "payer", "regime"),
    }
)
