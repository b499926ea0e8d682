"""The proof is proven too: sound books pass, and each way to lose or double something is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from locales import DEFAULT_LANGUAGE, render
from locales.letters import fold
from torture.callers import Diary, Told
from torture.proof import Books, compare
from ussd.calls import DOWN, NO_MEMORY

AWA, MOUSSA = "+22379871000", "+22379871001"
PAID, REFUSED = "5f0c64ae-0000-4000-8000-000000000001", "5f0c64ae-0000-4000-8000-000000000002"
RECEIPT = "Recu ABC234 : 12 000 F pour Awa Kone"
SCREEN = "Bienvenue chez Mutuelle Danaya ! Votre numéro : 187 000 111."
OTHER_SCREEN = "Bienvenue chez Mutuelle Danaya ! Votre numéro : 187 000 222."
SOUND = Books(
    collections=[
        {
            "reference": PAID,
            "amount": "12000",
            "phone": AWA,
            "answer": "twice",
            "final_status": "SUCCESSFUL",
            "final_at": 1.0,
        },
        {
            "reference": REFUSED,
            "amount": "12000",
            "phone": MOUSSA,
            "answer": "decline",
            "final_status": "FAILED",
            "final_at": 1.0,
        },
    ],
    messages=[{"id": "ATXid_1", "phone": AWA, "text": RECEIPT}],
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
    deeds=[
        {"call": "one", "phone": AWA, "screen": SCREEN},
        {"call": "two", "phone": MOUSSA, "screen": OTHER_SCREEN},
    ],
    outbox=[{"phone": AWA, "body": RECEIPT, "receipt_code": "ABC234", "state": "DELIVERED", "resends": 0}],
)


def diary(*more: Told) -> Diary:
    """What Awa and Moussa were told, and more."""
    told = [
        Told(AWA, "one", "1*1", f"END {SCREEN}"),
        Told(MOUSSA, "two", "1*1", f"END {OTHER_SCREEN}"),
        Told(AWA, "one", "1*1", f"END {SCREEN}", again=True),
    ]
    return Diary(told=[*told, *more])


def test_sound_books_pass() -> None:
    assert compare(SOUND, diary()) == []


def test_a_receipt_in_doubt_may_be_sent_once_more() -> None:
    doubtful = replace(
        SOUND,
        messages=[*SOUND.messages, {"id": "ATXid_2", "phone": AWA, "text": RECEIPT}],
        outbox=[{**SOUND.outbox[0], "resends": 1}],
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
        (without("deeds", 1), "promised without a deed"),
        (changed("deeds", 0, screen="Merci"), "promised without a deed"),
        (without("payments", 1), "was promised 1 payments and has 0"),
        (without("outbox", 0), "has no receipt"),
        (doubled("messages"), "was sent 2 times"),
        (without("messages", 0), "never went out"),
        (changed("messages", 0, text="Recu XYZ234 : rien"), "has no row in the outbox"),
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
