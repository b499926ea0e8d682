"""Africa's Talking: reads the forms that it posts. `sending` has its SDK, which web does not load."""

from collections.abc import Mapping

from sms.provider import DeliveryReport, IncomingSms, Proof, Provider

NAME = "africastalking"
NEEDS: tuple[str, ...] = ("AT_USERNAME", "AT_API_KEY", "AT_SMS_URL")
SMS_PATH = "/at/{secret}/sms"
REPORT_PATH = "/at/{secret}/delivery"
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


def connect(config: Mapping[str, str]) -> Provider:
    """Connect the account of `config`; without AT_SENDER_ID messages show Africa's Talking's own name."""
    from sms.africastalking.sending import AfricasTalking  # loads the SDK: only the sender needs it

    return AfricasTalking(
        config["AT_USERNAME"], config["AT_API_KEY"], config["AT_SMS_URL"], config.get("AT_SENDER_ID") or None
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


def read_phone(written: str) -> str:
    """E.164 if possible; a plus decoded as a space is restored."""
    digits = written.strip().removeprefix("+")
    return f"+{digits}" if digits.isdecimal() else written.strip()
