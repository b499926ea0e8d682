"""Africa's Talking: reads the forms that it posts. `sending` has its SDK, which web does not load."""

from collections.abc import Mapping

from sms.provider import FORM, DeliveryReport, IncomingSms, Proof, Provider, SmsAccount, read_phone

NAME = "africastalking"
NEEDS: tuple[str, ...] = ("username", "api_key", "url")  # settings.py takes them from AT_…
MAY_HAVE: tuple[str, ...] = ("sender_id",)
SIMULATED_PATH = "/at/version1"
ONLY_SIMULATED = False
CUTS_LONG = True  # not documented
SMS_PATH = "/at/{secret}/sms"
REPORT_PATH = "/at/{secret}/delivery"
METHODS: tuple[str, ...] = ("POST",)
MEDIA_TYPE, ANSWER = FORM, ""
OPTOUT_PATH = "/at/{secret}/optout"

# A delivery report's status, in lower case. Any other is an unknown word.
REPORT_STATUSES: dict[str, Proof] = {
    "sent": Proof.UNDERWAY,
    "submitted": Proof.UNDERWAY,
    "buffered": Proof.UNDERWAY,
    "success": Proof.DELIVERED,
    "failed": Proof.NOT_DELIVERED,
    "rejected": Proof.NOT_DELIVERED,
    "absentsubscriber": Proof.NOT_DELIVERED,
    "expired": Proof.NOT_DELIVERED,
}


def connect(account: SmsAccount) -> Provider:
    """Connect an account; without `sender_id` messages show Africa's Talking's own name."""
    from sms.africastalking.sending import AfricasTalking  # loads the SDK: only the sender needs it

    fields = account.fields
    return AfricasTalking(
        fields["username"], fields["api_key"], fields["url"], fields.get("sender_id") or None
    )


def read_sms(fields: Mapping[str, str]) -> IncomingSms:
    """An SMS that a phone sent to our short code."""
    return IncomingSms(
        fields.get("id", ""), fields.get("from", ""), fields.get("to", ""), fields.get("text", "")
    )


def read_report(fields: Mapping[str, str]) -> DeliveryReport:
    """A delivery report's form; a missing field is empty."""
    status = fields.get("status", "")
    return DeliveryReport(
        provider_message_id=fields.get("id", ""),
        status=status,
        proof=REPORT_STATUSES.get(status.strip().lower(), Proof.UNKNOWN_WORD),
        phone=read_phone(fields.get("phoneNumber", "")),
        failure_reason=fields.get("failureReason") or None,
    )


def read_optout(fields: Mapping[str, str]) -> str:
    """The phone that opted out: from now it gets replies only."""
    return read_phone(fields.get("phoneNumber", ""))
