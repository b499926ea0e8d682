"""The wire format of Africa's Talking: a form in, `CON …` or `END …` out.

A form never makes an HTTP error: the gateway would end the call without a word to the caller.
"""

from collections.abc import Mapping

from locales import _
from talk.phones import gateway_phone
from talk.screen import Shown
from ussd.hop import Hop, UnreadableError

NAME = "africastalking"
PATH = "/at/{secret}/ussd"
METHODS = ("POST",)
# Comes back with the next hop: proof that the call was answered before.
METADATA_HEADER = "at-ussd-hop-metadata"
LONGEST_CALL_ID = 100
LONGEST_TEXT = 1000


def read_hop(fields: Mapping[str, str], headers: Mapping[str, str]) -> Hop:
    """The hop in `fields`; raises UnreadableError with a sentence for the caller."""
    call, service, words = fields.get("sessionId", ""), fields.get("serviceCode", ""), fields.get("text", "")
    if not call or len(call) > LONGEST_CALL_ID or len(service) > LONGEST_CALL_ID or len(words) > LONGEST_TEXT:
        raise UnreadableError(_("The network sent an unreadable call. Please dial again."))
    phone = gateway_phone(fields.get("phoneNumber", ""))
    if phone is None:
        raise UnreadableError(
            _("Your number cannot be read. Please call from a phone with a visible number.")
        )
    return Hop(NAME, call, phone, service, words, past_dial=True if headers.get(METADATA_HEADER) else None)


def write_screen(shown: Shown) -> tuple[str, dict[str, str]]:
    """The body and the headers of the answer."""
    headers = {"content-type": "text/plain; charset=utf-8"} | ({} if shown.end else {METADATA_HEADER: "open"})
    return f"{'END' if shown.end else 'CON'} {shown.text}", headers
