"""The SMS and digests compared: what phones wrote, what was played, what was answered, what fired and was sent.

An SMS is played once and its answer written with it; the outbox may hand a message over twice only where it says so.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from mutuelle.schedules.digest.digest import DIGEST, FLOATS
from torture.books import Books, Row
from torture.diary import Diary
from torture.town import DIGEST_STEP_S

HANDED_OVER = ("SENT", "DELIVERED")


def compare(books: Books, diary: Diary) -> list[str]:
    """Every comparison."""
    return [
        *an_accepted_sms_is_kept(books, diary),
        *an_sms_is_played_once_and_answered(books),
        *an_answer_belongs_to_an_sms(books),
        *an_action_by_sms_is_answered_in_its_words(books),
        *a_message_is_handed_over_as_often_as_its_row_says(books),
        *a_due_hour_has_one_firing(books),
        *a_firing_has_one_message(books),
        *no_franc_is_told_twice(books),
    ]


def an_accepted_sms_is_kept(books: Books, diary: Diary) -> Iterator[str]:
    """Once, as it was written, however often the gateway brought it; and nothing is there that nobody wrote."""
    kept = defaultdict[str, list[Row]](list)
    for row in books.inbox:
        kept[row["id"]].append(row)
    for written in diary.written:
        rows = kept.pop(written.id, [])
        if written.accepted and len(rows) != 1:
            yield f"SMS {written.id} was accepted {written.accepted} times and is kept {len(rows)} times"
        for row in rows:
            if (row["phone"], row["body"]) != (written.phone, written.text):
                yield f"SMS {written.id} is not kept as it was written"
    yield from (f"SMS {strange} was written by nobody" for strange in kept)


def an_sms_is_played_once_and_answered(books: Books) -> Iterator[str]:
    """None waits, none failed, and each has exactly one answer: nobody here writes what is set aside."""
    answers = Counter(row["key"] for row in books.outbox)
    for row in books.inbox:
        times = answers[_answer_key(row)]
        if row["state"] != "ANSWERED" or times != 1:
            yield f"SMS {row['id']} is {row['state']} as {row['handled_as']}, with {times} answers"


def an_answer_belongs_to_an_sms(books: Books) -> Iterator[str]:
    """Answers go to who wrote, and to nobody else."""
    wrote = {_answer_key(row): row["phone"] for row in books.inbox}
    for row in books.outbox:
        if row["key"].startswith("reply ") and wrote.get(row["key"]) != row["phone"]:
            yield f"answer {row['key']} to {row['phone']} answers nothing"


def an_action_by_sms_is_answered_in_its_words(books: Books) -> Iterator[str]:
    """One action an SMS at most, and its answer is the action's own sentence."""
    answers = {row["key"]: row["body"] for row in books.outbox}
    actions = [action for action in books.actions if action["gateway"] == "sms"]
    for call, times in Counter(action["call"] for action in actions).items():
        if times > 1:
            yield f"SMS {call} did {times} actions"
    for action in actions:
        said = answers.get(_answer_key({"id": action["call"]}))
        if said != action["screen"]:
            yield f"SMS {action['call']} did an action and was answered {said!r}"


def _answer_key(row: Row) -> str:
    return f"reply africastalking {row['id']}"


def a_message_is_handed_over_as_often_as_its_row_says(books: Books) -> Iterator[str]:
    """Once, and once more where a doubt was resent; a row that says it went out did."""
    most, least = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in books.outbox:
        most[row["phone"], row["body"]] += 1 + row["resends"]
        least[row["phone"], row["body"]] += row["state"] in HANDED_OVER
    went_out = Counter((message["phone"], message["text"]) for message in books.messages)
    for message, times in went_out.items():
        if times > most[message]:
            yield f"{message[0]} got {times} times, not {most[message]}: {message[1]}"
    for message, times in least.items():
        if times > went_out[message]:
            yield f"{message[0]} should have got {times} times, not {went_out[message]}: {message[1]}"
    for known_by, times in Counter(row["provider_message_id"] for row in books.outbox).items():
        if known_by and times > 1:
            yield f"{times} rows say that they went out as {known_by}"


def a_due_hour_has_one_firing(books: Books) -> Iterator[str]:
    """Hour after hour without a gap, none twice, none left: the line waits for the one that follows the last."""
    step = timedelta(seconds=DIGEST_STEP_S)
    for line in books.schedules:
        hours = [firing["fired_for"] for firing in books.firings if firing["phone"] == line["phone"]]
        if not hours:
            yield f"no digest of {line['phone']} ever fired"
        for before, after in pairwise([*hours, line["fires_for"]]):
            if after - before != step:
                yield f"digest of {line['phone']}: the hour after {before} is {after}"
        if line["stopped_at"] is None:
            yield f"digest of {line['phone']} for {line['fires_for']} is due and does not fire"


def a_firing_has_one_message(books: Books) -> Iterator[str]:
    """Each firing has its digest, each digest its message and those of the floats; no other went to anybody."""
    floats = Counter(row["key"].rpartition(" ")[0] for row in books.outbox if row["template"] == FLOATS)
    rows = {row["key"]: row for row in books.outbox if row["template"] == DIGEST}
    digests = {(digest["phone"], digest["fired_for"]): digest for digest in books.digests}
    for firing in books.firings:
        digest = digests.pop((firing["phone"], firing["fired_for"]), None)
        row = rows.pop(digest["message_key"], None) if digest else None
        messages = 1 + floats[row["key"]] if row else 0
        if (firing["outcome"], firing["messages"]) != ("done", messages) or not row:
            yield f"digest of {firing['phone']} for {firing['fired_for']}: {firing['outcome']}, no message"
        elif row["phone"] != firing["phone"]:
            yield f"digest of {firing['phone']} for {firing['fired_for']} went to {row['phone']}"
    yield from (f"digest {key} of {row['phone']} has no firing" for key, row in rows.items())


def no_franc_is_told_twice(books: Books) -> Iterator[str]:
    """The digests of one treasurer tell of no more than the operator took in all."""
    took = sum(
        int(collection["amount"]) for collection in books.collections if collection["final_state"] == "PAID"
    )
    told = Counter[str]()
    for digest in books.digests:
        told[digest["phone"]] += digest["received_minor"]
    for phone, amount_minor in told.items():
        if amount_minor > took:
            yield f"the digests of {phone} tell of {amount_minor}, the operator took {took}"
