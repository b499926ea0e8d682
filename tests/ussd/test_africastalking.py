"""The wire format of Africa's Talking: what a form means, and what an answer looks like."""

import pytest

from locales.letters import septets
from talk.screen import Shown
from tests.support.gateway_forms import HOP
from tests.support.town import AWA, Handset
from ussd import africastalking
from ussd.hop import Hop, UnreadableError
from ussd.screens import say


def read(**fields: str) -> Hop:
    return africastalking.read_hop(HOP | fields, {})


def test_a_form_is_a_hop() -> None:
    assert read(text="1*2") == Hop("africastalking", "ATUid_0f1e2d3c", AWA, "*384*57#", "1*2", past_dial=None)


@pytest.mark.parametrize("text", ["1*", "**", "*", " ", "awa*koné & fils + 1", "¡"])
def test_the_text_is_left_as_it_came(text: str) -> None:
    assert read(text=text).text == text


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("+22376000001", "+22376000001"),
        (" 22376000001", "+22376000001"),  # the plus became a blank
        ("22376000001", "+22376000001"),
        ("+22997123456", "+2290197123456"),  # as numbers of Benin were before 2024-11-30
        ("+2290197123456", "+2290197123456"),
        ("+2250701020304", "+2250701020304"),
        ("+22320790000", "+22320790000"),
        ("+22376000001\n", "+22376000001"),
    ],
)
def test_a_number_is_read_as_gateways_write_it(sent: str, meant: str) -> None:
    assert read(phoneNumber=sent).phone == meant


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "+",
        "MTN",
        "*144#",
        "+254711XXXYYY",
        "+223",
        "+" + "9" * 16,
        "+٢٢٣٧٦٠٠٠٠٠١",
        "+223 76 00 00 01 ext 5",
    ],
)
def test_what_is_no_number_is_told_to_the_caller(sent: str) -> None:
    with pytest.raises(UnreadableError) as told:
        read(phoneNumber=sent)
    assert "number" in told.value.sentence.msgid


@pytest.mark.parametrize(
    "fields",
    [{"sessionId": ""}, {"sessionId": "x" * 101}, {"serviceCode": "x" * 101}, {"text": "1" * 1001}],
)
def test_a_call_that_cannot_be_followed_is_told_to_the_caller(fields: dict[str, str]) -> None:
    with pytest.raises(UnreadableError) as told:
        read(**fields)
    assert "unreadable call" in told.value.sentence.msgid


def test_every_field_may_be_missing_and_no_network_is_too_new() -> None:
    assert read(networkCode="64199 of tomorrow").phone == AWA
    bare = {"sessionId": "a", "phoneNumber": AWA}
    assert africastalking.read_hop(bare, {}) == Hop("africastalking", "a", AWA, "", "", past_dial=None)
    with pytest.raises(UnreadableError):
        africastalking.read_hop({}, {})


def test_metadata_that_come_back_prove_that_the_call_was_answered_before() -> None:
    _body, headers = africastalking.write_screen(Shown("1 Oui", end=False), {})
    assert africastalking.read_hop(HOP, headers).past_dial is True
    value = headers["at-ussd-hop-metadata"]
    assert 0 < len(value) <= 99
    assert AWA not in value


def test_an_answer_begins_with_con_or_end_and_nothing_before_it() -> None:
    assert africastalking.write_screen(Shown("Bonjour\n1 Oui", end=False), {})[0] == "CON Bonjour\n1 Oui"
    assert africastalking.write_screen(Shown("Merci", end=True), {}) == (
        "END Merci",
        {"content-type": "text/plain; charset=utf-8"},
    )


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_an_unreadable_form_is_told_fits_a_screen(language: str) -> None:
    for form in ({}, HOP | {"phoneNumber": "MTN"}):
        with pytest.raises(UnreadableError) as told:
            africastalking.read_hop(form, {})
        body, _headers = africastalking.write_screen(say(told.value.sentence, language), {})
        assert body.startswith("END ")
        assert septets(body) <= 160


async def test_an_at_sign_that_arrived_as_another_letter_is_mended(awa: Handset) -> None:
    """GSM and ASCII disagree on 0x40: what was typed as `@` comes as `¡`, and both mean the same."""
    screens = []
    for typed in ("@1", "¡1"):
        await awa.dial()
        await awa.type("8")
        screens.append(await awa.type(typed))
    assert screens[0] == screens[1]
