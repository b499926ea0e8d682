"""The wire format of Africa's Talking: a form in, `CON …` or `END …` out.

A form never makes an HTTP error: the gateway would end the call without a word to the caller.
"""

from talk.phones import gateway_phone
from talk.screen import Shown
from ussd.gateways import Fields, Gateway, Screen
from ussd.hop import LONGEST_CALL_ID, LONGEST_TEXT, NO_NUMBER, UNREADABLE, Hop, UnreadableError

NAME = "africastalking"
# Comes back with the next hop: proof that the call was answered before.
METADATA_HEADER = "at-ussd-hop-metadata"


def read_hop(fields: Fields, headers: Fields) -> Hop:
    """The hop in `fields`; raises UnreadableError with a sentence for the caller."""
    call, service, words = fields.get("sessionId", ""), fields.get("serviceCode", ""), fields.get("text", "")
    if not call or len(call) > LONGEST_CALL_ID or len(service) > LONGEST_CALL_ID or len(words) > LONGEST_TEXT:
        raise UnreadableError(UNREADABLE)
    phone = gateway_phone(fields.get("phoneNumber", ""))
    if phone is None:
        raise UnreadableError(NO_NUMBER)
    return Hop(NAME, call, phone, service, words, past_dial=True if headers.get(METADATA_HEADER) else None)


def write_screen(shown: Shown, _fields: Fields) -> Screen:
    """The body and the headers of the answer."""
    headers = {"content-type": "text/plain; charset=utf-8"} | ({} if shown.end else {METADATA_HEADER: "open"})
    return f"{'END' if shown.end else 'CON'} {shown.text}", headers


GATEWAY = Gateway(NAME, "POST", "form", read_hop, write_screen, path="/at/{secret}/ussd")
