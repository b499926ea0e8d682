"""What a gateway's file of data may say, each entry by itself, also those that no shipped file uses."""

import json
from typing import Any

import pytest

from talk.screen import Shown
from ussd.gateways.described import Description
from ussd.hop import UnreadableError

PLAIN: dict[str, Any] = {
    "method": "GET",
    "body": "query",
    "fields": {"session": "s", "phone": "p", "input": "i"},
    "input": {"is": "last", "first": "empty", "repeat_s": 2},
    "screen": {"limit": 160, "counts": "septets", "alphabet": "gsm7"},
    "answer": {"form": "text", "goes_on": "CON ", "ends": "END "},
}


def described(**parts: dict[str, Any]) -> Description:
    """PLAIN with entries of its sections changed."""
    return Description(
        "shape", "*57#", PLAIN | {name: PLAIN.get(name, {}) | new for name, new in parts.items()}
    )


def test_a_phone_is_written_as_in_its_country_where_the_file_names_it() -> None:
    local = described(input={"region": "ML"})
    assert local.read_hop({"s": "1", "p": "76000001", "i": ""}, {}).phone == "+22376000001"
    with pytest.raises(UnreadableError):
        local.read_hop({"s": "1", "p": "7600", "i": ""}, {})


def test_in_ascii_every_letter_is_one_letter() -> None:
    body, _headers = described(screen={"alphabet": "ascii"}).write_screen(
        Shown("Adhérer à Niéna œ €", end=False), {}
    )
    assert body == "CON Adherer a Niena o E"


@pytest.mark.parametrize(
    ("counts", "room"), [("septets", 160 - 4), ("characters", 160 - 4), ("ucs2-octets", 80 - 4)]
)
def test_the_room_of_a_screen_is_counted_as_the_gateway_counts(counts: str, room: int) -> None:
    assert described(screen={"counts": counts}).room == room


def test_fields_of_an_object_within_json_are_named_with_dots() -> None:
    fields = {"session": "data.id", "phone": "data.msisdn", "input": "data.said"}
    hop = described(fields=fields).read_hop(
        {"data.id": "1", "data.msisdn": "22376000001", "data.said": "7"}, {}
    )
    assert (hop.call, hop.phone, hop.text) == ("1", "+22376000001", "7")


def test_an_answer_echoes_fields_and_says_whether_the_call_goes_on() -> None:
    values = {"ID": "{s}", "MSG": "{screen}", "MORE": {"on": True, "end": False}}
    one = described(answer={"form": "json", "values": values})
    for end in (False, True):
        body, headers = one.write_screen(Shown("Bonjour", end=end), {"s": "call-1"})
        assert json.loads(body) == {"ID": "call-1", "MSG": "Bonjour", "MORE": not end}
        assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("dialled", ["*57*1*2#", "57*1*2", "*57*1*2"])
def test_what_is_dialled_behind_the_code_is_answered_at_once(dialled: str) -> None:
    one = described(input={"first": "code"})
    assert one.read_hop({"s": "1", "p": "22376000001", "i": dialled}, {}).dialled == ["1", "2"]
