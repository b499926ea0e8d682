"""`keneya health`: whether the operators answer, account by account, and since when; 1 if one is down."""

import argparse
from datetime import UTC, datetime, timedelta

from commands.command import Commands, command, database, expect_mutuelle, of_mutuelle
from mutuelle.contributions.operator_health import HealthState
from mutuelle.contributions.operator_watch import WatchedAccount, accounts_watched, heard_since

LATELY = timedelta(minutes=15)


def add(commands: Commands) -> None:
    of_mutuelle(command(commands, "health", print_health, "whether the operators answer; 1 if one is down"))


async def print_health(arguments: argparse.Namespace) -> int:
    """Print one line an account: its health, and what was heard of it lately; 1 if one is down."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        heard = await heard_since(db, datetime.now(UTC) - LATELY)
        watched = [one for one in await accounts_watched(db) if arguments.mutuelle in (None, one.mutuelle_id)]
    for one in watched:
        answers, refusals, silences = heard.get(one.key, (0, 0, 0))
        lately = f"{answers} answers, {refusals} refusals, {silences} silences"
        print(f"{_line(one)}; last {LATELY.seconds // 60} minutes: {lately}")
    down = sum(one.health.state is HealthState.DOWN for one in watched)
    print(f"Accounts at operators: {len(watched)}, down: {down}.")
    return 1 if down else 0


def _line(one: WatchedAccount) -> str:
    state = one.health.state.lower()
    if one.health.state is HealthState.DOWN:
        state += f" since {one.health.since:%Y-%m-%d %H:%M} UTC"
        state += ", treasurers told" if one.is_told else ""
    return f"{one.mutuelle_id:<8} {one.name} ({one.operator}) {state}"
