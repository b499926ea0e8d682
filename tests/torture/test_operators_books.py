"""What the proof "operators" compares: each lie of the books is named, and sound ones have nothing to be named for."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from torture.operators_books import OperatorsBooks, compare, sums_differ
from torture.operators_town import OperatorTown
from torture.town import DAN

LONG_AGO, NEVER = "2026-11-22T09:00:00.000Z", None


def outside(reference: str, state: str = "PAID", direction: str = "in", **more: object) -> dict[str, Any]:
    facts = {"id": f"{direction}-{reference}", "provider": "simulated", "direction": direction}
    facts |= {"reference": reference, "token": "", "amount": "3000", "state": state}
    return facts | {"ended_at": LONG_AGO if state != "PENDING" else NEVER} | more


def payment(reference: str, state: str = "PAID", **more: object) -> dict[str, Any]:
    facts: dict[str, Any] = {"mutuelle_id": "OPA", "reference": reference, "operator": "simulated"}
    facts |= {
        "state": state,
        "amount_minor": 3000,
        "payer_phone": f"+223{reference}",
        "receipt_code": reference.upper(),
    }
    return facts | {"step_token": None, "has_case": False} | more


def payout(reference: str, state: str = "PAID", **more: object) -> dict[str, Any]:
    return payment(reference, state) | {"phone": "+22370000001"} | more


SOUND = OperatorsBooks(
    outside=[
        outside("a"),
        outside("b", "FAILED"),
        outside("c", "PENDING"),
        outside("d", amount="3001"),
        outside("", id="by its token", token="t-1"),
        outside("o", direction="out"),
        outside("p", "FAILED", "out"),
    ],
    payments=[
        payment("a"),
        payment("b", "FAILED"),
        payment("c", "PENDING"),
        payment("d"),
        payment("e", step_token="t-1"),
        payment("f", "PENDING", step_token="t-2"),
        payment("g", "UNKNOWN", has_case=True),
    ],
    payouts=[payout("o"), payout("p", "FAILED")],
    postings=[
        {"mutuelle_id": "OPA", "source": source, "reference": reference, "amount": amount}
        for source, reference, amount in (
            ("payment", "a", 3000),
            ("suspense", "d", 3001),
            ("payment", "e", 3000),
        )
    ],
    receipts=[{"receipt_code": code, "phone": f"+223{code.lower()}", "times": 1} for code in ("A", "E")],
    due=0,
)


def test_sound_books_have_nothing_to_be_named_for() -> None:
    assert list(compare(SOUND)) == []


def changed(rows: str, nth: int, **facts: object) -> Callable[[OperatorsBooks], None]:
    def change(books: OperatorsBooks) -> None:
        getattr(books, rows)[nth].update(facts)

    return change


def more(rows: str, row: dict[str, Any]) -> Callable[[OperatorsBooks], None]:
    def change(books: OperatorsBooks) -> None:
        getattr(books, rows).append(row)

    return change


def without(rows: str, nth: int) -> Callable[[OperatorsBooks], None]:
    def change(books: OperatorsBooks) -> None:
        del getattr(books, rows)[nth]

    return change


TWICE = {"mutuelle_id": "OPA", "source": "payment", "reference": "a", "amount": 3000}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (changed("payments", 0, state="FAILED"), "paid, and FAILED here"),
        (changed("payments", 0, state="PENDING"), "paid, and still PENDING"),
        (changed("payments", 1, state="PAID"), "is PAID and nothing was taken"),
        (changed("payments", 1, state="UNKNOWN"), "is UNKNOWN, and nobody looks at it"),
        (changed("payments", 5, step_token=None), "is PENDING, and nobody looks at it"),
        (without("payments", 0), "a debit that we know nothing of"),
        (without("postings", 0), "posted 0 times"),
        (more("postings", TWICE), "posted 2 times"),
        (changed("postings", 0, amount=2000), "3000 moved, otherwise posted"),
        (more("outside", outside("a", id="again")), "was debited 2 times"),
        (more("postings", TWICE | {"reference": "b"}), "is posted and nothing was taken"),
        (without("receipts", 0), "has 0 receipts"),
        (changed("receipts", 0, times=2), "has 2 receipts"),
        (more("receipts", {"receipt_code": "B", "phone": "+223b", "times": 1}), "FAILED and has 1 receipts"),
        (changed("payouts", 0, state="FAILED"), "paid out, and FAILED here"),
        (changed("payouts", 0, state="UNKNOWN"), "paid out, and still UNKNOWN"),
        (changed("payouts", 1, state="PAID"), "is PAID and nothing went out"),
        (changed("outside", 5, amount="9000"), "9000 went out, 3000 were signed"),
        (more("outside", outside("o", direction="out", id="again")), "was paid out 2 times"),
        (without("payouts", 0), "money went out that nobody asked for"),
    ],
)
def test_what_is_lost_or_doubled_is_named(change: Callable[[OperatorsBooks], None], named: str) -> None:
    books = deepcopy(SOUND)
    change(books)
    assert any(named in line for line in compare(books)), list(compare(books))


def test_once_statements_are_taken_in_no_debit_may_be_open_any_more() -> None:
    books = deepcopy(SOUND)
    books.payments[0].update(state="UNKNOWN", has_case=True)
    assert not any("still UNKNOWN" in line for line in compare(books))
    assert any("still UNKNOWN" in line for line in compare(books, stated=True))


def test_a_payout_of_another_amount_waits_for_a_person_also_after_its_statement() -> None:
    books = deepcopy(SOUND)
    books.outside[5].update(amount="9000")
    books.payouts[0].update(state="UNKNOWN", has_case=True)
    assert list(compare(books, stated=True)) == []


def test_sums_of_reconcile_that_are_not_the_operators_are_named() -> None:
    town = OperatorTown(replace(DAN, id="OPA"), "simulated", ())
    books = OperatorsBooks(
        outside=[
            outside("a", fee="30"),
            outside("o", direction="out", amount="500", fee="5"),
            outside("b", "FAILED"),
        ],
        payments=[],
        payouts=[],
        postings=[{"mutuelle_id": "OPA", "source": "payment", "reference": "a", "amount": 3000}],
        receipts=[],
        due=0,
    )
    day = {"mutuelle": "OPA", "account": town.account, "stated_in_minor": 3000, "stated_out_minor": 535}
    day["booked_in_minor"] = 3000
    other = dict.fromkeys(("stated_in_minor", "stated_out_minor", "booked_in_minor"), 7) | {"account": "x"}
    others = [other | {"mutuelle": "OPA"}, other | {"mutuelle": "OPB", "account": town.account}]
    assert list(sums_differ(books, [town], {"days": [day, *others]})) == []
    for what, name in (
        ("stated_in_minor", "came in"),
        ("stated_out_minor", "went out"),
        ("booked_in_minor", "posted"),
    ):
        (line,) = sums_differ(books, [town], {"days": [day | {what: 1}]})
        assert name in line
