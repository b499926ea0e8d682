"""A form is read as the standard library reads it, however it is written."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.forms import MOST_FIELDS, fields_of

# What a form is written with, and what a broken one or a clever one may hold.
PIECES = [
    "%",
    "%4",
    "%2B",
    "%c3%a9",
    "%C3",
    "%00",
    "%zz",
    "%\xa9\xa9",
    "+",
    "=",
    "&",
    "é",
    "\xff",
    "\x00",
    "a",
    "B",
    "9",
]
written = st.lists(st.sampled_from(PIECES), max_size=20).map(lambda pieces: "".join(pieces).encode("latin-1"))


@given(written)
def test_a_form_is_read_as_the_standard_library_reads_it(body: bytes) -> None:
    pairs = [
        (_utf8(name), _utf8(value).replace("\x00", ""))
        for name, value in parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    ]
    fields = dict(pairs)
    assert fields_of(body) == (fields if len(fields) == len(pairs) else {})


def _utf8(octets: str) -> str:
    return octets.encode("latin-1").decode("utf-8", "replace")


@pytest.mark.parametrize(
    "body", [b"a=1&a=2", b"a=1&%61=2", b"&".join(b"a%d=" % n for n in range(MOST_FIELDS + 1))]
)
def test_a_form_that_no_gateway_sends_is_an_empty_one(body: bytes) -> None:
    assert fields_of(body) == {}
