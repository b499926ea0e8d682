"""Phone numbers: read as people and gateways write them, kept in E.164.

Lenient with what a gateway says of its own caller (late metadata must not lock a member out), strict with what
a person types.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from locales import _
from talk.figures import in_figures
from talk.trouble import InvalidError

MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
OLD_BENIN = re.compile(r"^\+229(\d{8})$")  # before 2024-11-30; the plan now puts 01 in front
IN_A_LINE = re.compile(r"(?<!\w)\+?\d(?:[\s().-]*\d){5,}(?!\w)")
WRITTEN = re.compile(r"[+\d\s().-]{3,25}")


def _parsed(raw: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    # Letters would be read as a vanity number: +254711XXXYYY is somebody else's phone.
    if not WRITTEN.fullmatch(raw):
        return None
    try:
        return phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)  # the calls that are open at one moment, each of several hops
def gateway_phone(raw: str) -> str | None:
    """The E.164 form of the caller's number as a gateway sends it, or None if it is no phone number.

    A form that lost its `+` to URL decoding (a space, or nothing) is read as international.
    """
    digits = raw.strip().lstrip("+")
    if not re.fullmatch(r"[0-9]{7,15}", digits):
        return None
    number = _parsed("+" + OLD_BENIN.sub(r"+22901\1", "+" + digits).lstrip("+"), None)
    if number is None or not phonenumbers.is_possible_number(number):
        return None
    return _e164(number)


def written_phone(raw: str, region: str) -> str:
    """The E.164 form of any number that a person wrote, fixed or mobile, of `region` unless it says otherwise."""
    return _e164(_valid(raw, region))


def typed_phone(raw: str, region: str) -> str:
    """The E.164 form of the one mobile number in what a person typed, of `region` unless it says otherwise."""
    found = IN_A_LINE.findall(in_figures(raw))
    number = _valid(found[0] if len(found) == 1 else raw, region)
    if phonenumbers.number_type(number) not in MOBILE:
        raise InvalidError(_("This is not a mobile number."))
    return _e164(number)


def _valid(raw: str, region: str) -> phonenumbers.PhoneNumber:
    number = _parsed(raw.strip(), region)
    if number is None or not phonenumbers.is_valid_number(number):
        raise InvalidError(_("This is not a phone number."))
    return number


@lru_cache(maxsize=4096)
def region_of(phone: str) -> str:
    """The country (two letters) of an E.164 number; empty when unknown."""
    number = _parsed(phone, None)
    return (phonenumbers.region_code_for_number(number) or "") if number else ""


@lru_cache(maxsize=4096)
def shown_phone(phone: str) -> str:
    """The number as people of its own country write it: 70 00 00 01."""
    number = _parsed(phone, None)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else phone
