"""The messages to treasurers, and the reminders to households, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from locales import Money, Sentence
from mutuelle.care.unproven import UnprovenChecks
from mutuelle.contributions.ways_to_pay import PayInCash
from mutuelle.schedules.digest.answers import digest_disputed
from mutuelle.schedules.digest.words import Figures, floats_to_compare, summary
from mutuelle.schedules.jobs import digest_begins
from mutuelle.schedules.reminders.run import Occasion, Reminder, words_of
from mutuelle.scheme.mutuelles import Mutuelle
from talk.answers import LONGEST_REASON

AT = datetime(2026, 12, 22, 7, tzinfo=UTC)
MUTUELLE = Mutuelle(
    "LONGCODE", 199, "Mutuelle Yèrèdèmè-Wa", "Sikasso", "ML", "XOF", "Africa/Bamako", "+22376000009", "soins"
)
NAME = "N'Golo-Marie Ouattara Syll"
REASON = "x" * LONGEST_REASON
MILLIONS = 9_999_999
SEAL = "4F7A-91C2"
FIGURES = Figures(
    mutuelle=MUTUELLE,
    since=AT - timedelta(days=7),
    at=AT,
    received_minor=MILLIONS,
    payers=99_999,
    cash_minor=MILLIONS,
    mobile_minor=MILLIONS,
    bank_minor=MILLIONS,
    up_to_date=99_999,
    households=99_999,
    unresolved=99,
    oldest_at=AT - timedelta(days=99),
)
LATE = replace(FIGURES, received_minor=99_999, payers=99, cash_minor=99_999, mobile_minor=999_999, late=9)
COLLECTED = replace(FIGURES, cash_minor=999_999, collectors_minor=200_000, mobile_minor=999_999, bank_minor=0)
REMINDER = Reminder(
    "199999999", 1, Occasion.TODAY, date(2026, 12, 22), Money(999_999, "XOF"), date(2027, 12, 22)
)
CASH = PayInCash("Oumou Traoré", "+22376000021", another_phone=False)
MERCHANT = replace(CASH, merchant_code="4040")
LONGEST_CASH = PayInCash(NAME, "+2290197123456", another_phone=False)
LONGEST_MERCHANT = replace(LONGEST_CASH, merchant_code="*144*391*123456#")

MESSAGES: dict[str, Sentence] = {
    "digest": summary(replace(FIGURES, bank_minor=0), "fr", asks=True, seal=SEAL),
    "digest, with a bank": summary(FIGURES, "fr", asks=True, seal=SEAL),
    "digest, nothing sealed yet": summary(replace(FIGURES, bank_minor=0), "fr", asks=True),
    "digest, with late cash": summary(replace(LATE, bank_minor=0), "fr", asks=True, seal=SEAL),
    "digest, with cash of collectors": summary(COLLECTED, "fr", asks=True, seal=SEAL),
    "digest, without an operator": summary(
        replace(FIGURES, mobile_minor=0, by_operator=False), "fr", asks=True, seal=SEAL
    ),
    "digest, floats": floats_to_compare(
        MUTUELLE, [("health:float:operator-with-a-name-ML", MILLIONS)], AT, "fr"
    )[0],
    "digest, many checks without a code": UnprovenChecks(
        99_999, 99_999, "Hôpital de district Fousseyni", 99_999
    ).said(MUTUELLE),
    "digest begins": digest_begins(MUTUELLE.name, 19),
    "digest disputed": digest_disputed(MUTUELLE.name, NAME, date(2026, 12, 22), REASON),
    **{
        f"reminder, {one}": words_of(MUTUELLE.name, replace(REMINDER, occasion=one), None) for one in Occasion
    },
    **{
        f"reminder, {one}, in cash": words_of(MUTUELLE.name, replace(REMINDER, occasion=one), cash)
        for one, cash in zip(Occasion, (CASH, LONGEST_CASH, MERCHANT, MERCHANT), strict=True)
    },
    **{
        f"reminder, {one}, by merchant code": words_of(
            MUTUELLE.name, replace(REMINDER, occasion=one), LONGEST_MERCHANT
        )
        for one in Occasion
    },
    "reminder, a credit pays": words_of(MUTUELLE.name, replace(REMINDER, amount=Money(0, "XOF")), None),
    "reminder to a phone in doubt": words_of(MUTUELLE.name, replace(REMINDER, in_doubt=True), None),
    "reminder, nothing on sale": words_of(MUTUELLE.name, replace(REMINDER, amount=None), None),
}
