"""The SMS channel's own sentences, each with the longest facts."""

from locales import Sentence
from sms.confirmations import INVITATIONS
from sms.dispatch import (
    STARTED,
    TOO_MANY,
    dealt_with,
    lapsed,
    no_code,
    other_code,
    stopped,
    stopped_asking,
    to_stop,
)
from sms.inbox_worker import FAULT
from sms.run_menu import NO_PIN

LONGEST_WORD = "COUVERTURE"

MESSAGES: dict[str, Sentence] = {
    "stopped": stopped("fr"),
    "started": STARTED,
    "too many today": TOO_MANY,
    "a code that nothing waits for": lapsed(LONGEST_WORD),
    "a code of what is done already": dealt_with(LONGEST_WORD),
    "a PIN by SMS": NO_PIN,
    "a fault of ours": FAULT,
    "a yes without its code": no_code("OUI 4712"),
    "a yes with another code": other_code("OUI 4712"),
    "the way out of a question": to_stop("NON"),
    "a question that was ended": stopped_asking("AIDE"),
    **{f"invitation {nth}": invite("OUI 4712", "NON") for nth, invite in enumerate(INVITATIONS, 1)},
}
