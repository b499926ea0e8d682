"""The messages about who pays for a household, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import date

from locales import Sentence
from mutuelle.cover.rules import CoverState
from mutuelle.enrolment.paid_for import regime_changed, renewed_by_payer
from mutuelle.enrolment.regime_changes import REGIME_CHANGE
from mutuelle.officers.messages import signature_asked, signature_given
from mutuelle.scheme.regimes import Regime, Share
from tests.support.messages_officers import MUTUELLE, NAME
from tests.support.messages_receipts import HOME, MOST, stands

WHOLE = Regime("indigents", date(2026, 1, 1), "x" * 16, "commune", "W" * 24, 100)
PART = replace(WHOLE, percent=50)
COVERED, WAITING = (stands(state) for state in (CoverState.COVERED, CoverState.WAITING))
FACTS = {"number": HOME.number, "was": None, "regime": "aide", "payer": PART.payer_name, "percent": 100}

MESSAGES: dict[str, Sentence] = {
    **{
        f"renewed by payer, {one.cover.state}": renewed_by_payer(
            replace(one, share=Share(WHOLE, MOST.amount_minor))
        )
        for one in (COVERED, WAITING)
    },
    "regime changed, whole": regime_changed(
        replace(WAITING, share=Share(WHOLE, MOST.amount_minor), regime=WHOLE)
    ),
    "regime changed, a part": regime_changed(
        replace(WAITING, share=Share(PART, MOST.amount_minor), regime=PART)
    ),
    "regime changed, next period": regime_changed(replace(WAITING, regime=PART)),
    "regime changed, itself": regime_changed(WAITING),
    "signature asked, regime": signature_asked(MUTUELLE, NAME, REGIME_CHANGE.label(FACTS)),
    "signature given, regime": signature_given(MUTUELLE, NAME, REGIME_CHANGE.label(FACTS)),
}
