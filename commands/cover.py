"""`keneya cover`: lists the answers to doctors that the rules of cover do not give. Listing changes nothing."""

import argparse
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import Commands, acted, command, database, expect_mutuelle, group, of_mutuelle
from mutuelle.acts import By
from mutuelle.care.replay import Otherwise, answered_otherwise
from mutuelle.cover.rules import Cover
from mutuelle.households.member_numbers import shown_number
from mutuelle.scheme.mutuelles import Mutuelle, mutuelles
from mutuelle.support.review import accept_answers


def add(commands: Commands) -> None:
    cover_ = group(
        commands,
        "cover",
        "answers that the rules of cover do not give: list them, and write down that a person looked",
    )
    review_ = command(cover_, "review", review, "list the answers, with what the rules say")
    accept_ = command(
        cover_, "accept", accept, "write down that a person has looked at the answers that review lists"
    )
    of_mutuelle(review_, accept_)
    acted(accept_)


async def review(arguments: argparse.Namespace) -> int:
    """Print each answer to a doctor that the rules do not give."""
    await expect_mutuelle(arguments.mutuelle)
    listed = 0
    async with database() as db:
        for one in await _of(db, arguments.mutuelle):
            for answered in await answered_otherwise(db, one.id):
                print(_answer_line(answered))
                listed += 1
    print(f"To look at: {listed}." if listed else "Nothing to look at: no answer is otherwise.")
    return 0


async def accept(arguments: argparse.Namespace) -> int:
    """Mark the answers as reviewed: they stay as given, and `keneya check` no longer names them."""
    await expect_mutuelle(arguments.mutuelle)
    by = By(arguments.actor, arguments.reason, datetime.now(UTC))
    async with database() as db:
        accepted = [
            answered
            for one in await _of(db, arguments.mutuelle)
            for answered in await accept_answers(db, one.id, by)
        ]
    for answered in accepted:
        print(_answer_line(answered))
    print(f"Answers looked at: {len(accepted)}.")
    return 0


async def _of(db: AsyncConnection, code: str | None) -> list[Mutuelle]:
    return [one for one in await mutuelles(db) if code in (None, one.id)]


def _answer_line(one: Otherwise) -> str:
    said = Cover(one.answer.state, until_on=one.answer.until_on)
    rules = Cover(one.by_the_rules.state, until_on=one.by_the_rules.until_on)
    about = f"{one.answer.mutuelle_id} {shown_number(one.answer.number)}"
    answer = f"answer {one.answer.reference} of {one.answer.asked_on.isoformat()}"
    return f"{about}: {answer} said {_words(said)}, the rules say {_words(rules)}"


def _words(found: Cover) -> str:
    since = f" from {found.from_on.isoformat()}" if found.from_on else ""
    until = f" until {found.until_on.isoformat()}" if found.until_on else ""
    return f"{found.state}{since}{until}"
