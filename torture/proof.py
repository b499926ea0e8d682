"""The books compared: what the operator took, what the ledger says, what the callers were told.

Each comparison is a function that returns a line for each thing that is not as it must be.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from time import time

from locales import DEFAULT_LANGUAGE, Sentence, render
from locales.letters import fold
from torture import letters
from torture.books import Books, Row
from torture.callers import THANKS, WELCOME
from torture.diary import Diary, Told
from torture.town import FAMILY
from torture.treasurers import SIGNED
from ussd import calls


def ends_with(sentence: Sentence) -> str:
    """The screen that says it, and ends the call."""
    return f"END {fold(render(sentence, DEFAULT_LANGUAGE))}"


SORRY = tuple(map(ends_with, (calls.SLOW, calls.BUSY, calls.DOWN, calls.FAULT)))
NUMBER = re.compile(r"[0-9]{3} [0-9]{3} [0-9]{3}")
RECEIPT = re.compile(r"^REÇU ([A-Z2-7]{6}) ")

DONE = SIGNED.removeprefix("END ")
PROMISES = (WELCOME.removeprefix("END "), THANKS.removeprefix("END "))


def compare(books: Books, diary: Diary) -> list[str]:
    """Every comparison."""
    return [
        *every_debit_is_posted_once(books),
        *nothing_is_posted_without_a_debit(books),
        *every_payment_has_ended_as_its_operator_says(books),
        *nobody_pays_more_than_the_price(books),
        *a_phone_has_one_household(books),
        *an_action_has_one_payment(books),
        *a_welcome_has_its_household(books, diary),
        *a_promise_has_its_action(books, diary),
        *a_promise_has_its_payment(books, diary),
        *a_repeated_hop_tells_the_same(diary),
        *a_signature_writes_one_voucher(books, diary),
        *a_receipt_is_sent_once(books),
        *every_message_has_a_row(books),
        *letters.compare(books, diary),
    ]


def _took(collection: Row) -> bool:
    return bool(collection["final_state"] == "PAID" and collection["final_at"] <= time())


def every_debit_is_posted_once(books: Books) -> Iterator[str]:
    """A successful collection has one paid payment and one journal, both of its amount."""
    payments = {payment["reference"]: payment for payment in books.payments}
    for collection in filter(_took, books.collections):
        reference, amount = collection["reference"], int(collection["amount"])
        payment = payments.get(reference)
        if payment is None or payment["state"] != "PAID":
            yield f"debit {reference} is lost: payment {payment and payment['state']}"
        elif (payment["amount_minor"], payment["payer_phone"]) != (amount, collection["phone"]):
            yield f"debit {reference} of {amount} is a payment of {payment['amount_minor']}"
        posted = [posting["amount"] for posting in books.postings if posting["reference"] == reference]
        if posted != [amount]:
            yield f"debit {reference} of {amount} is posted as {posted}"


def nothing_is_posted_without_a_debit(books: Books) -> Iterator[str]:
    """No journal and no paid payment without a successful collection."""
    took = {collection["reference"] for collection in books.collections if _took(collection)}
    for posting in books.postings:
        if posting["reference"] not in took or posting["source"] != "payment":
            yield f"posting {posting['source']} {posting['reference']} has no debit"
    for payment in books.payments:
        if payment["state"] == "PAID" and payment["reference"] not in took:
            yield f"payment {payment['reference']} is PAID and nothing was taken"


def every_payment_has_ended_as_its_operator_says(books: Books) -> Iterator[str]:
    """No payment is open; one that failed was refused; the operator knows no reference that is not ours."""
    collections = {collection["reference"]: collection for collection in books.collections}
    for payment in books.payments:
        reference, said = payment["reference"], collections.pop(payment["reference"], None)
        if payment["state"] not in ("PAID", "FAILED"):
            yield f"payment {reference} is still {payment['state']}; operator: {said and said['answer']}"
        elif (
            payment["state"] == "FAILED"
            and said is not None
            and said["answer"] not in ("decline", "expired", None)
        ):
            yield f"payment {reference} is FAILED; operator: {said['answer']}"
    yield from (f"the operator knows {reference}, we do not" for reference in collections)


def nobody_pays_more_than_the_price(books: Books) -> Iterator[str]:
    """Whatever a phone does by calls and by SMS at once, its owner is debited of one household's price at most."""
    took = Counter[str]()
    for collection in filter(_took, books.collections):
        took[collection["phone"]] += int(collection["amount"])
    for phone, amount_minor in took.items():
        if amount_minor > FAMILY.lump_sum_minor:
            yield f"phone {phone} paid {amount_minor}, the price is {FAMILY.lump_sum_minor}"


def a_phone_has_one_household(books: Books) -> Iterator[str]:
    for phone, times in Counter(household["phone"] for household in books.households).items():
        if times > 1:
            yield f"phone {phone} has {times} households"


def an_action_has_one_payment(books: Books) -> Iterator[str]:
    """As many payments on a phone as actions that promised one, and one action that joined for each household."""
    promised = [action for action in books.actions if action["screen"].startswith(PROMISES)]
    actions = Counter(action["phone"] for action in promised)
    payments = Counter(payment["payer_phone"] for payment in books.payments)
    for phone in actions | payments:
        if actions[phone] != payments[phone]:
            yield f"phone {phone} has {actions[phone]} actions and {payments[phone]} payments"
    joined = Counter(action["phone"] for action in promised if action["screen"].startswith(PROMISES[0]))
    households = Counter(household["phone"] for household in books.households)
    for phone in joined | households:
        if joined[phone] != households[phone]:
            yield f"phone {phone} joined {joined[phone]} times and has {households[phone]} households"


def a_welcome_has_its_household(books: Books, diary: Diary) -> Iterator[str]:
    """The number that a caller was told is her household's, under her phone."""
    numbers = {(household["phone"], household["number"]) for household in books.households}
    for told in _promises(diary):
        said = NUMBER.search(told.screen)
        number = said[0].replace(" ", "") if said else ""
        if told.screen.startswith(WELCOME) and (told.phone, number) not in numbers:
            yield f"{told.phone} was welcomed without a household: {told.screen}"


def a_promise_has_its_action(books: Books, diary: Diary) -> Iterator[str]:
    """Word for word, under the call in which it was given."""
    actions = {
        (_named(action["call"]), action["phone"], f"END {action['screen']}") for action in books.actions
    }
    for told in _promises(diary):
        if (told.call, told.phone, told.screen) not in actions:
            yield f"{told.phone} was promised without an action: {told.screen}"


def a_promise_has_its_payment(books: Books, diary: Diary) -> Iterator[str]:
    """As many payments on a phone as calls in which one was promised; an unseen promise may add one."""
    payments = Counter(payment["payer_phone"] for payment in books.payments)
    promised = Counter(phone for phone, _call in {(told.phone, told.call) for told in _promises(diary)})
    for phone, times in promised.items():
        if payments[phone] < times:
            yield f"{phone} was promised {times} payments and has {payments[phone]}"


def _named(call: str) -> str:
    """A call as its gateway names it."""
    return call.partition("~")[0]


def _promises(diary: Diary) -> list[Told]:
    return [told for told in diary.told if told.screen.startswith((WELCOME, THANKS))]


def a_repeated_hop_tells_the_same(diary: Diary) -> Iterator[str]:
    """An acting hop that comes again is shown its action's own screen, or that the service is in trouble."""
    first = {(told.call, told.text): told.screen for told in diary.told if not told.again}
    for told in diary.told:
        if told.again and told.screen not in (first[told.call, told.text], *SORRY):
            yield f"{told.phone} was told {first[told.call, told.text]!r}, then {told.screen!r}"


def a_signature_writes_one_voucher(books: Books, diary: Diary) -> Iterator[str]:
    """As many vouchers and counted boxes as actions that signed one; who read that it is done has her action."""
    signed = {
        (action["phone"], action["call"]) for action in books.actions if action["screen"].startswith(DONE)
    }
    vouchers, counts = len(books.vouchers), len(books.counts)
    if len(signed) != vouchers + counts:
        yield f"{len(signed)} signatures wrote {vouchers} vouchers and {counts} counts"
    for told in diary.told:
        if told.screen.startswith(f"END {DONE}") and (told.phone, told.call) not in signed:
            yield f"{told.phone} was told that it is done, and nothing was signed"


def a_receipt_is_sent_once(books: Books) -> Iterator[str]:
    """Every paid payment has its receipt, which reaches a phone once, doubts apart (resent once, and marked)."""
    sent = Counter(
        (message["phone"], code[1]) for message in books.messages if (code := RECEIPT.match(message["text"]))
    )
    receipts = {(row["phone"], row["receipt_code"]): row for row in books.outbox if row["receipt_code"]}
    for payment in books.payments:
        if payment["state"] == "PAID" and (payment["payer_phone"], payment["receipt_code"]) not in receipts:
            yield f"payment {payment['reference']} has no receipt"
    for key, row in receipts.items():
        if sent[key] > 1 + row["resends"]:
            yield f"receipt {key[1]} was sent {sent[key]} times to {key[0]}, resends {row['resends']}"
        if row["state"] in ("SENT", "DELIVERED") and not sent[key]:
            yield f"receipt {key[1]} is {row['state']} and never went out"


def every_message_has_a_row(books: Books) -> Iterator[str]:
    rows = {(row["phone"], row["body"]) for row in books.outbox}
    for message in books.messages:
        if (message["phone"], message["text"]) not in rows:
            yield f"message {message['id']} has no row in the outbox"


def count(books: Books, diary: Diary) -> dict[str, int]:
    """The table's numbers."""
    states = Counter(payment["state"] for payment in books.payments)
    doubts = [row for row in books.outbox if row["resends"] or row["state"] in ("IN_DOUBT", "SENDING")]
    return {
        "calls": diary.calls,
        "hops": diary.hops,
        "no answer": diary.unanswered,
        "cut": diary.cut,
        "sorry": sum(told.screen.startswith(SORRY) for told in diary.told),
        "joined": len(books.households),
        "paid": states["PAID"],
        "failed": states["FAILED"],
        "posted": len(books.postings),
        "SMS in": len(books.inbox),
        "brought": diary.brought,
        "anew": diary.asked_again,
        "digests": len(books.firings),
        "vouchers": len(books.vouchers),
        "counts": len(books.counts),
        "SMS": len(books.messages),
        "doubts": len(doubts),
    }


def keep(diary: Diary, path: Path) -> None:
    """What the callers were told, a line each, to find the cause."""
    with path.open("w", encoding="utf-8") as file:
        for told in diary.told:
            file.write(json.dumps(asdict(told), ensure_ascii=False) + "\n")
