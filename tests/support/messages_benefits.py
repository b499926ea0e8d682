"""The messages about benefits, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import date

from locales import Sentence
from mutuelle.benefits.benefit_changes import BenefitMatter, change_told
from mutuelle.benefits.quotes import BenefitFacts
from mutuelle.benefits.rules import Benefit
from tests.support.messages_care import LONGEST

NEW = Benefit("P1", "WWW", "centre", date(2027, 12, 21), copay_minor=999_999)
OLD = replace(NEW, since=date(2024, 1, 1), copay_minor=None, copay_percent=20)
FACTS = BenefitFacts(named={"WWW": "W" * 20})
CEILING = replace(OLD, household_ceiling_minor=9_999_999)

MESSAGES: dict[str, Sentence] = {
    "benefit changed, the share": change_told(BenefitMatter(LONGEST, "Fam. élargie", FACTS, OLD, NEW, 30)),
    "benefit changed, a ceiling": change_told(
        BenefitMatter(LONGEST, "Fam. élargie", FACTS, OLD, CEILING, 30)
    ),
}
