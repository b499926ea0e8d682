"""The SMS channel's own sentences, each with the longest facts."""

from locales import Sentence
from sms.confirmations import INVITATIONS
from sms.dispatch import NOTHING_DONE, STARTED, TOO_MANY, dealt_with, lapsed, stopped
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
    "nothing is done yet": NOTHING_DONE,
    **{f"invitation {nth}": invite("OUI 4F7K", "NON") for nth, invite in enumerate(INVITATIONS, 1)},
}
