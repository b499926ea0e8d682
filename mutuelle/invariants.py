"""All invariants of the insurance and of its conversations: every room lists its own."""

from invariants import Invariant
from mutuelle.benefits.invariants import INVARIANTS as BENEFITS
from mutuelle.care.invariants import INVARIANTS as CARE
from mutuelle.contributions.invariants import INVARIANTS as CONTRIBUTIONS
from mutuelle.households.invariants import INVARIANTS as HOUSEHOLDS
from mutuelle.imports.invariants import INVARIANTS as IMPORTS
from mutuelle.officers.invariants import INVARIANTS as OFFICERS
from mutuelle.schedules.invariants import INVARIANTS as SCHEDULES
from mutuelle.scheme.sealed_records import INVARIANTS as SEALED_RECORDS
from mutuelle.support.invariants import INVARIANTS as SUPPORT
from mutuelle.treasury.invariants import INVARIANTS as TREASURY
from mutuelle.year_end.invariants import INVARIANTS as YEAR_END
from talk.invariants import INVARIANTS as CONVERSATIONS

INVARIANTS: tuple[Invariant, ...] = (
    *CONTRIBUTIONS,
    *CONVERSATIONS,
    *HOUSEHOLDS,
    *SEALED_RECORDS,
    *CARE,
    *BENEFITS,
    *IMPORTS,
    *SCHEDULES,
    *OFFICERS,
    *SUPPORT,
    *TREASURY,
    *YEAR_END,
)
