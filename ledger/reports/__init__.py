"""The reports that a treasurer and an auditor expect, each a function that gives rows, in one file of its own.

Funds are apart in every one of them, and every one ends with a control against the trial balance.
"""

from typing import Any

from ledger.reports.ages import AGES
from ledger.reports.auxiliary import AUXILIARY
from ledger.reports.cash_book import CASH_BOOK
from ledger.reports.fund_flows import FUND_FLOWS
from ledger.reports.general_ledger import GENERAL_LEDGER
from ledger.reports.journal import JOURNAL
from ledger.reports.page import Control, Question, Report
from ledger.reports.trial import TRIAL_BALANCE, TrialLine, trial_balance, year_balance

__all__ = ["REPORTS", "Control", "Question", "Report", "TrialLine", "trial_balance", "year_balance"]

REPORTS: dict[str, Report[Any]] = {
    "general-ledger": GENERAL_LEDGER,
    "trial-balance": TRIAL_BALANCE,
    "journal": JOURNAL,
    "auxiliary-journals": AUXILIARY,
    "cash-book": CASH_BOOK,
    "ages": AGES,
    "funds": FUND_FLOWS,
}
