"""Raw answers on the wire, and how amounts, phones, times and notes are read: nothing raises, nothing is guessed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from currencies import MINOR_DIGITS
from mobilemoney import Operator, OperatorAnswer, Outcome, adapters, wire
from mobilemoney.operator import Fact, PayoutOperator
from tests.support.operator_cases import STAGES, an_ask, ask_of
from tests.support.operators import Step, an_account
from tests.support.patience import PATIENCE_S
from tests.support.servers import serving

REFERENCE = UUID("7b1c0a52-7d11-4f8e-9a60-5f2d6c1e0b77")
ASK = replace(an_ask(), reference=REFERENCE)


def told(**more: object) -> dict[str, object]:
    return {
        "reference": str(REFERENCE),
        "phone": "+22370000002",
        "amount": "2000",
        "currency": "XOF",
        "status": "SUCCESSFUL",
    } | more


def reply(body: object, code: int = 200) -> Response:
    return httpx_json(body, code) if not isinstance(body, bytes) else Response(body, code)


def httpx_json(body: object, code: int) -> Response:
    return Response(httpx.Response(code, json=body).content, code, media_type="application/json")


# Whatever the operator, none of these answers says anything about a payment.
GARBAGE = {
    "nothing": reply(b""),
    "half a JSON": reply(b'{"status": "SUCC'),
    "a list": reply([told()]),
    "a word": reply("SUCCESSFUL"),
    "bytes that are no text": reply(b"\xff\xfe\x00"),
    "a deep nest": reply(b'{"a":' * 50_000),
    "a page in HTML": Response("<html>SUCCESSFUL</html>", media_type="text/html"),
    "HTML that is not found": Response("<html>no such host</html>", 404, media_type="text/html"),
    "a redirect": Response(status_code=302, headers={"location": "/elsewhere"}),
    "a body too large": reply(told(padding="x" * 2 * wire.BODY_SIZE)),
    "a bad encoding": Response(b"no gzip", headers={"content-encoding": "gzip"}),
    "unavailable": reply({"code": "SERVICE_UNAVAILABLE"}, 503),
    "a 400 in words nobody knows": reply({"code": "MERCURY_IN_RETROGRADE"}, 400),
    "unauthorised": reply({"code": "TOKEN_EXPIRED"}, 401),
    "too many requests": reply({}, 429),
}


@pytest.fixture(params=STAGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def answers() -> AsyncIterator[tuple[str, list[Response]]]:
    """An operator's address, and the list whose last entry it answers with."""
    given: list[Response] = []

    async def answer(request: Request) -> Response:
        if request.url.path == "/elsewhere":
            return reply(told())
        if request.url.path.endswith("/token/"):
            return reply({"access_token": "token", "expires_in": 3600})
        if request.url.path.endswith("/auth/login"):
            return reply({"data": {"accessToken": "token"}})
        return given[-1]

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with serving(app) as url:
        yield url, given


@asynccontextmanager
async def connected(name: str, url: str) -> AsyncIterator[Operator]:
    """The operator `name`, whose address is `url`, over a client that would follow a redirect."""
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
        yield adapters()[name].connect(client, an_account(name, url))


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_unknown_and_never_failed(
    name: str, answers: tuple[str, list[Response]], garbage: Response
) -> None:
    url, given = answers
    given.append(garbage)
    async with connected(name, url) as operator:
        ask = replace(ask_of(name), token="a token")
        heard = [await operator.prepare(ask), await operator.request(ask), await operator.status(ask)]
        if isinstance(operator, PayoutOperator):
            heard += [await operator.prepare_payout(ask), await operator.pay_out(ask)]
            heard += [await operator.payout_status(ask)]
            assert (await operator.payee_name(ask.phone), await operator.balance_minor()) == (None, None)
    assert {one.outcome for one in heard} == {Outcome.UNKNOWN}


async def test_an_answer_that_drips_is_given_up(
    name: str, answers: tuple[str, list[Response]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drips() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    monkeypatch.setattr(wire, "WHOLE_S", 0.2)
    url, given = answers
    given.append(StreamingResponse(drips()))
    async with connected(name, url) as operator:
        async with asyncio.timeout(PATIENCE_S):
            ask = replace(ask_of(name), token="a token")
            assert (await operator.status(ask)).outcome is Outcome.UNKNOWN


async def test_an_answer_that_is_known_to_be_slow_is_waited_for(
    answers: tuple[str, list[Response]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.3)
        yield b"{}"

    monkeypatch.setattr(wire, "WHOLE_S", 0.1)
    monkeypatch.setattr(wire, "TIMEOUT", httpx.Timeout(0.1))
    url, given = answers
    async with httpx.AsyncClient(trust_env=False) as client:
        given.append(StreamingResponse(late()))
        assert await wire.exchange(client, "GET", url) is None
        given.append(StreamingResponse(late()))
        assert await wire.exchange(client, "GET", url, patience_s=PATIENCE_S) == wire.HttpReply(200, {})


# Fields and words of all operators, mixed as no operator would.
FIELDS = (
    *(
        "status",
        "data",
        "success",
        "responseCode",
        "response_code",
        "message",
        "code",
        "token",
        "amount",
        "fee",
    ),
    *(
        "transRef",
        "requestedAmount",
        "amountPaid",
        "providerReference",
        "tx_reference",
        "identifier",
        "datetime",
    ),
    *(
        "currency",
        "payer",
        "payee",
        "partyId",
        "partyIdType",
        "reason",
        "externalId",
        "depositId",
        "payoutId",
    ),
    *("financialTransactionId", "failureReason", "failureCode", "recipient", "accountDetails", "phoneNumber"),
    *("invoice", "total_amount", "custom_data", "disburse_token", "reference", "receipt", "completed_at"),
    *(
        "error_code",
        "balances",
        "balance",
        "availableBalance",
        "country",
        "provider",
        "name",
        "phone",
        "flooz",
    ),
)
WORDS_OF_ALL = (
    *(
        "SUCCESSFUL",
        "PENDING",
        "FAILED",
        "COMPLETED",
        "ACCEPTED",
        "REJECTED",
        "FOUND",
        "NOT_FOUND",
        "completed",
    ),
    *(
        "DUPLICATE_IGNORED",
        "RESOURCE_NOT_FOUND",
        "PAYER_NOT_FOUND",
        "success",
        "pending",
        "cancelled",
        "00",
        "0",
    ),
    *("2000", "2000.00", "-5", "1e3", "XOF", "XAF", "+22370000002", "22370000002", "", str(REFERENCE)),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS_OF_ALL)
    | st.text()
)
BODIES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, min_size=1, max_size=9)
    ),
    max_leaves=25,
)
CODES = st.sampled_from([200, 201, 202, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503])
OF_A_REQUEST = {Outcome.ACCEPTED, Outcome.PENDING, Outcome.FAILED, Outcome.UNKNOWN}
OF_A_STATUS = {Outcome.PENDING, Outcome.PAID, Outcome.FAILED, Outcome.NOT_FOUND, Outcome.UNKNOWN}


@pytest.mark.parametrize("one", STAGES)
@given(code=CODES, body=BODIES)
def test_any_answer_is_an_outcome_and_raises_nothing(one: str, code: int, body: object) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token/"):
            return httpx.Response(200, json={"access_token": "token", "expires_in": 3600})
        if request.url.path.endswith("/auth/login"):
            return httpx.Response(200, json={"data": {"accessToken": "token"}})
        return httpx.Response(code, json=body)

    async def asked() -> None:
        ask = replace(ask_of(one), reference=REFERENCE, token="a token")
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            operator = adapters()[one].connect(client, an_account(one, "https://operator.example.org"))
            assert (await operator.request(ask)).outcome in OF_A_REQUEST
            expect_facts(one, await operator.status(ask))
            if isinstance(operator, PayoutOperator):
                assert (await operator.pay_out(ask)).outcome in OF_A_REQUEST
                expect_facts(one, await operator.payout_status(ask))
                named, left = await operator.payee_name(ask.phone), await operator.balance_minor()
                assert named is None or named.strip()
                assert left is None or left >= 0

    asyncio.run(asked())


@pytest.mark.parametrize("one", STAGES)
async def test_what_was_not_asked_is_our_own_word_and_what_was_asked_is_not(one: str) -> None:
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(503)

    ask = replace(ask_of(one), reference=REFERENCE)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        operator = adapters()[one].connect(client, an_account(one, "https://operator.example.org"))
        steps: list[Step] = [operator.prepare, operator.request, operator.status]
        if isinstance(operator, PayoutOperator):
            steps += [operator.prepare_payout, operator.pay_out, operator.payout_status]
        asks = [
            ask,
            replace(ask, token="a token"),
            replace(ask, currency="EUR"),
            replace(ask, network="XX-no"),
        ]
        for step in steps:
            for asked in asks:
                before = len(heard)
                assert (await step(asked)).is_ours == (len(heard) == before), (step, asked)


def expect_facts(name: str, answer: OperatorAnswer) -> None:
    """What is paid is told with every fact that the operator promises."""
    assert answer.outcome in OF_A_STATUS
    if answer.outcome is Outcome.PAID:
        not_told = adapters()[name].CAPABILITIES.not_told
        assert answer.amount_minor is not None or Fact.AMOUNT in not_told
        assert answer.currency is not None or Fact.CURRENCY in not_told
        assert answer.phone is not None or Fact.PHONE in not_told


SHAPES = [
    ("an amount with idle decimals", told(amount="2000.0000"), Outcome.PAID),
    ("an amount as a number", told(amount=2000), Outcome.PAID),
    ("an amount as a decimal number", told(amount=2000.0), Outcome.PAID),
    ("a phone without its plus", told(phone="22370000002"), Outcome.PAID),
    ("a phone as a number", told(phone=22370000002), Outcome.PAID),
    ("part of a minor unit", told(amount="2000.5"), Outcome.UNKNOWN),
    ("an amount that is none", told(amount="two"), Outcome.UNKNOWN),
    ("an amount below zero", told(amount="-2000"), Outcome.UNKNOWN),
    ("an amount beyond belief", told(amount="9" * 30), Outcome.UNKNOWN),
    ("an amount in Arabic digits", told(amount="٢٠٠٠"), Outcome.UNKNOWN),
    ("no amount", told(amount=None), Outcome.UNKNOWN),
    ("truth for an amount", told(amount=True), Outcome.UNKNOWN),
    ("no currency", told(currency=None), Outcome.UNKNOWN),
    ("a currency nobody knows", told(currency="FCFA"), Outcome.UNKNOWN),
    ("no phone", told(phone=""), Outcome.UNKNOWN),
    ("another reference", told(reference=str(uuid4())), Outcome.UNKNOWN),
    ("no reference", told(reference=None), Outcome.UNKNOWN),
    ("a word in small letters", told(status="successful"), Outcome.UNKNOWN),
    ("a failure without facts", {"reference": str(REFERENCE), "status": "FAILED"}, Outcome.FAILED),
    ("a reason that is an object", told(status="FAILED", reason={"code": "EXPIRED"}), Outcome.FAILED),
]


@pytest.mark.parametrize(("body", "outcome"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
async def test_shapes_of_the_simulated_status(
    answers: tuple[str, list[Response]], body: dict[str, object], outcome: Outcome
) -> None:
    url, given = answers
    given.append(reply(body))
    async with connected("simulated", url) as operator:
        answer = await operator.status(ASK)
    assert answer.outcome is outcome
    if outcome is Outcome.PAID:
        assert (answer.amount_minor, answer.phone) == (2000, "+22370000002")


async def test_truth_is_no_receipt(answers: tuple[str, list[Response]]) -> None:
    url, given = answers
    given.append(reply(told(receipt=True)))
    async with connected("simulated", url) as operator:
        assert (await operator.status(ASK)).operator_reference is None


async def test_every_request_names_itself(answers: tuple[str, list[Response]]) -> None:
    seen: list[str] = []

    async def note(request: httpx.Request) -> None:
        seen.append(request.headers["user-agent"])

    url, given = answers
    given.append(reply({}))
    async with httpx.AsyncClient(trust_env=False, event_hooks={"request": [note]}) as client:
        await wire.exchange(client, "GET", url)
    assert seen == [wire.USER_AGENT]


async def test_bytes_are_sent_as_they_are() -> None:
    """A signature is over them: not a blank may differ."""
    seen: list[bytes] = []

    async def note(request: Request) -> Response:
        seen.append(await request.body())
        return reply({})

    body = b'{"amount" : "1500" }\n'
    app = Starlette(routes=[Route("/", note, methods=["POST"])])
    async with serving(app) as url, httpx.AsyncClient(trust_env=False) as client:
        await wire.exchange(client, "POST", f"{url}/", body=body)
    assert seen == [body]


@given(st.integers(0, wire.AMOUNT_LIMIT - 1), st.sampled_from(sorted(MINOR_DIGITS)))
def test_an_amount_written_is_the_amount_read(amount_minor: int, currency: str) -> None:
    written = wire.decimal_text(amount_minor, currency)
    assert not written.endswith(".")
    assert "." not in written or not written.endswith("0")
    assert wire.minor(written, currency) == amount_minor


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("22370000002", "+22370000002"),
        ("+22370000002", "+22370000002"),
        ("2290151345789", "+2290151345789"),
        ("22951345789", "+2290151345789"),  # of before 30 November 2024
        ("2295134578", "+2295134578"),
        ("22670 00 00 02", None),
        ("0022370000002", None),
    ],
)
def test_phones_as_operators_write_them(written: str, phone: str | None) -> None:
    assert wire.e164(written) == phone


@given(st.text())
def test_any_text_for_an_amount_a_phone_or_a_time_is_read_or_refused(text: str) -> None:
    amount = wire.minor(text, "USD")
    assert amount is None or 0 <= amount < wire.AMOUNT_LIMIT
    phone = wire.e164(text)
    assert phone is None or (phone.startswith("+") and phone[1:].isascii())
    moment = wire.moment(text)
    assert moment is None or moment.tzinfo is UTC
    assert wire.reference(text) in (None, REFERENCE)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_nothing(body: bytes) -> None:
    assert isinstance(wire.json_object(body), dict | None)


@given(st.text())
def test_a_field_can_always_be_kept_by_a_database(text: str) -> None:
    kept = wire.HttpReply(200, {"reason": text}).text("reason")
    assert kept is None or ("\x00" not in kept and kept.encode() and len(kept) <= wire.FIELD_SIZE)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"payer": {"partyId": "22997000001"}}, "22997000001"),
        ({"payer": {"partyId": 22997000001}}, "22997000001"),
        ({"payer": {"partyId": ["22997000001"]}}, None),
        ({"payer": "22997000001"}, None),
        ({"payer": ["partyId"]}, None),
        ({"partyId": "22997000001"}, None),
        (None, None),
    ],
)
def test_a_field_inside_another(body: dict[str, object] | None, kept: str | None) -> None:
    assert wire.HttpReply(200, body).text("payer", "partyId") == kept


@given(st.text())
def test_a_note_is_plain_and_short(text: str) -> None:
    note = wire.plain_note(text)
    assert len(note) <= wire.NOTE_SIZE
    assert all(letter.isascii() and (letter.isalnum() or letter == " ") for letter in note)


@pytest.mark.parametrize(
    ("note", "plain"),
    [
        ("Cotisation d'avril", "Cotisation d avril"),
        ("Été: œuvre de Sɛgu", "Ete oeuvre de Segu"),
        ("Cotisation annuelle du ménage", "Cotisation annuelle du"),
        ("’«»", ""),
    ],
)
def test_notes_as_payers_see_them(note: str, plain: str) -> None:
    assert wire.plain_note(note) == plain


@pytest.mark.parametrize(
    "text", ["2026-11-22T02:08:11.967Z", "2026-11-22T02:08:11.967", "2026-11-22T04:08:11.967+02:00"]
)
def test_times_are_read_as_utc(text: str) -> None:
    assert wire.moment(text) == datetime(2026, 11, 22, 2, 8, 11, 967000, UTC)


@pytest.mark.parametrize(
    ("phone", "country", "digits"),
    [
        ("+22370000002", "ML", "70000002"),
        ("+2250777568646", "CI", "0777568646"),  # the zero belongs to it
        ("+2290166414231", "BJ", "0166414231"),
        ("+22370000002", "TG", None),
        ("+22370000002", "ZZ", None),
        ("22370000002", "ML", None),
        ("+223", "ML", None),
    ],
)
def test_a_phone_as_its_own_country_writes_it(phone: str, country: str, digits: str | None) -> None:
    assert wire.national(phone, country) == digits
