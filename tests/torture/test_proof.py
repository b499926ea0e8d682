"""The proof is proven too: sound books pass, and each way to lose or double something is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from locales import DEFAULT_LANGUAGE, render
from locales.letters import fold
from torture.books import Books, Row
from torture.diary import Diary, Told, Written
from torture.proof import compare
from ussd.calls import DOWN, NO_MEMORY

AWA, MOUSSA = "+22379871000", "+22379871001"
PAID, REFUSED = "5f0c64ae-0000-4000-8000-000000000001", "5f0c64ae-0000-4000-8000-000000000002"
RECEIPT = "REÇU ABC234 : 12 000 F pour Awa Kone"
SCREEN = "Bienvenue chez Mutuelle Danaya ! Votre numéro : 187 000 111."
OTHER_SCREEN = "Bienvenue chez Mutuelle Danaya ! Votre numéro : 187 000 222."
SIRA = "+22379870008"


def row(key: str, phone: str, body: str, **more: object) -> Row:
    """A message of the outbox that arrived."""
    facts = {"template": "reply", "receipt_code": None, "state": "DELIVERED", "resends": 0}
    return {"key": key, "phone": phone, "body": body, **facts, **more}


def at(minute: int) -> datetime:
    return datetime(2026, 11, 22, 9, minute, tzinfo=UTC)


SOUND = Books(
    collections=[
        {
            "reference": PAID,
            "amount": "12000",
            "phone": AWA,
            "answer": "twice",
            "final_state": "PAID",
            "final_at": 1.0,
        },
        {
            "reference": REFUSED,
            "amount": "12000",
            "phone": MOUSSA,
            "answer": "decline",
            "final_state": "FAILED",
            "final_at": 1.0,
        },
    ],
    messages=[
        {"id": "ATXid_1", "phone": AWA, "text": RECEIPT},
        {"id": "ATXid_2", "phone": MOUSSA, "text": OTHER_SCREEN},
        {"id": "ATXid_3", "phone": SIRA, "text": "Bilan 1"},
    ],
    payments=[
        {
            "reference": PAID,
            "amount_minor": 12_000,
            "payer_phone": AWA,
            "state": "PAID",
            "receipt_code": "ABC234",
        },
        {
            "reference": REFUSED,
            "amount_minor": 12_000,
            "payer_phone": MOUSSA,
            "state": "FAILED",
            "receipt_code": "DEF567",
        },
    ],
    postings=[{"reference": PAID, "source": "payment", "amount": 12_000}],
    households=[{"number": "187000111", "phone": AWA}, {"number": "187000222", "phone": MOUSSA}],
    actions=[
        {"gateway": "at", "call": "one", "phone": AWA, "screen": SCREEN},
        {"gateway": "sms", "call": "in_1", "phone": MOUSSA, "screen": OTHER_SCREEN},
    ],
    outbox=[
        row("receipt 1", AWA, RECEIPT, receipt_code="ABC234", provider_message_id="ATXid_1"),
        row("reply africastalking in_1", MOUSSA, OTHER_SCREEN, provider_message_id="ATXid_2"),
        row("digest 1", SIRA, "Bilan 1", template="digest", provider_message_id="ATXid_3"),
        row("digest 2", SIRA, "Bilan 2", template="digest", state="SENDING", provider_message_id=None),
    ],
    inbox=[{"id": "in_1", "phone": MOUSSA, "body": "OUI 4F7K", "state": "ANSWERED", "handled_as": "answer"}],
    schedules=[{"phone": SIRA, "fires_for": at(4), "due_at": at(4), "stopped_at": at(3)}],
    firings=[
        {"phone": SIRA, "fired_for": at(0), "outcome": "done", "messages": 1},
        {"phone": SIRA, "fired_for": at(2), "outcome": "done", "messages": 1},
    ],
    digests=[
        {"phone": SIRA, "fired_for": at(0), "message_key": "digest 1", "received_minor": 12_000},
        {"phone": SIRA, "fired_for": at(2), "message_key": "digest 2", "received_minor": 0},
    ],
)


def diary(*more: Told) -> Diary:
    """What Awa and Moussa were told, and more."""
    told = [
        Told(AWA, "one", "1*1", f"END {SCREEN}"),
        Told(AWA, "one", "1*1", f"END {SCREEN}", again=True),
    ]
    return Diary(told=[*told, *more], written=[Written("in_1", MOUSSA, "OUI 4F7K", accepted=2)])


def test_sound_books_pass() -> None:
    assert compare(SOUND, diary()) == []


def test_a_receipt_in_doubt_may_be_sent_once_more() -> None:
    doubtful = replace(
        SOUND,
        messages=[*SOUND.messages, {"id": "ATXid_4", "phone": AWA, "text": RECEIPT}],
        outbox=[{**SOUND.outbox[0], "resends": 1}, *SOUND.outbox[1:]],
    )
    assert compare(doubtful, diary()) == []


def without(name: str, nth: int) -> Callable[[Books], Books]:
    """The books with one row less."""
    return lambda books: replace(
        books, **{name: [row for at, row in enumerate(getattr(books, name)) if at != nth]}
    )


def doubled(name: str) -> Callable[[Books], Books]:
    return lambda books: replace(books, **{name: [*getattr(books, name), getattr(books, name)[0]]})


def changed(name: str, nth: int, **facts: object) -> Callable[[Books], Books]:
    return lambda books: replace(
        books,
        **{name: [{**row, **facts} if at == nth else row for at, row in enumerate(getattr(books, name))]},
    )


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (without("payments", 0), "is lost"),
        (changed("payments", 0, state="UNKNOWN"), "is still UNKNOWN"),
        (changed("payments", 0, state="FAILED"), "is FAILED; operator: twice"),
        (changed("payments", 1, state="PAID"), "is PAID and nothing was taken"),
        (changed("payments", 0, amount_minor=1), "is a payment of 1"),
        (changed("payments", 0, payer_phone=MOUSSA), "is a payment of 12000"),
        (without("postings", 0), "is posted as []"),
        (doubled("postings"), "is posted as [12000, 12000]"),
        (changed("postings", 0, amount=11_000), "is posted as [11000]"),
        (changed("postings", 0, source="suspense"), "has no debit"),
        (without("collections", 0), "nothing was taken"),
        (changed("collections", 1, reference="strange"), "the operator knows strange"),
        (changed("households", 1, phone=AWA), "has 2 households"),
        (without("households", 0), "welcomed without a household"),
        (without("actions", 0), "promised without an action"),
        (changed("actions", 0, screen="Merci"), "promised without an action"),
        (without("payments", 0), "was promised 1 payments and has 0"),
        (without("payments", 1), "has 1 actions and 0 payments"),
        (doubled("actions"), "joined 2 times"),
        (without("outbox", 0), "has no receipt"),
        (doubled("messages"), "was sent 2 times"),
        (without("messages", 0), "never went out"),
        (changed("messages", 0, text="REÇU XYZ234 : rien"), "has no row in the outbox"),
        (changed("collections", 0, amount="13000"), "paid 13000, the price is 12000"),
        (without("inbox", 0), "was accepted 2 times and is kept 0 times"),
        (doubled("inbox"), "was accepted 2 times and is kept 2 times"),
        (changed("inbox", 0, body="NON"), "is not kept as it was written"),
        (changed("inbox", 0, id="in_2"), "was written by nobody"),
        (changed("inbox", 0, state="WAITING"), "is WAITING as answer, with 1 answers"),
        (changed("inbox", 0, state="SET_ASIDE"), "is SET_ASIDE"),
        (without("outbox", 1), "is ANSWERED as answer, with 0 answers"),
        (changed("outbox", 1, phone=AWA), "answers nothing"),
        (changed("outbox", 1, body="Rien"), "did an action and was answered 'Rien'"),
        (changed("actions", 0, gateway="sms", call="in_1"), "did 2 actions"),
        (changed("messages", 2, phone=MOUSSA, text=OTHER_SCREEN), "got 2 times, not 1"),
        (without("messages", 2), "should have got 1 times, not 0"),
        (changed("outbox", 1, provider_message_id="ATXid_1"), "2 rows say that they went out as ATXid_1"),
        (without("firings", 0), "digest digest 1 of +22379870008 has no firing"),
        (without("firings", 1), "the hour after"),
        (changed("firings", 1, fired_for=at(1)), "the hour after"),
        (lambda books: replace(books, firings=[]), "ever fired"),
        (changed("firings", 1, outcome="too late", messages=0), "too late, no message"),
        (without("digests", 1), "done, no message"),
        (without("outbox", 3), "done, no message"),
        (changed("outbox", 3, phone=AWA), "went to +22379871000"),
        (changed("schedules", 0, stopped_at=None), "is due and does not fire"),
        (changed("digests", 1, received_minor=1), "tell of 12001, the operator took 12000"),
    ],
)
def test_what_is_lost_or_doubled_is_named(tamper: Callable[[Books], Books], told: str) -> None:
    assert any(told in line for line in compare(tamper(SOUND), diary()))


def test_a_repeated_hop_may_be_told_of_trouble_but_nothing_that_is_not_true() -> None:
    def again(sentence: str) -> list[str]:
        return compare(SOUND, diary(Told(AWA, "one", "1*1", f"END {sentence}", again=True)))

    assert again(fold(render(DOWN, DEFAULT_LANGUAGE))) == []
    assert again(fold(render(NO_MEMORY, DEFAULT_LANGUAGE))) != []
    assert again("Bienvenue, votre numéro : 187 000 999.") != []
