"""`keneya reconcile`: ledger, payments and statements side by side; what differs, by kind and age.

An account without a statement is no difference: nothing is known of it yet, and that is said.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from commands.command import Commands, command, database, day, expect_mutuelle, of_mutuelle, spoken
from locales import Money, counts
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle, mutuelles
from mutuelle.treasury.reconciliation import AccountBalance, Reconciliation, reconcile


def add(commands: Commands) -> None:
    parser = command(
        commands,
        "reconcile",
        print_reconciliation,
        "ledger, payments and statements side by side; 1 if they differ",
    )
    of_mutuelle(parser)
    parser.add_argument(
        "--day", type=day, metavar="DATE", help="that day only; without it all that ever differed"
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON, on the last line")


async def print_reconciliation(arguments: argparse.Namespace) -> int:
    """Print each mutuelle's lists and differences; 1 if anything differs."""
    await expect_mutuelle(arguments.mutuelle)
    now = datetime.now(UTC)
    async with database() as db:
        if arguments.mutuelle:
            owners = [await get_mutuelle(db, arguments.mutuelle)]
        else:
            owners = await mutuelles(db)
        found = [await reconcile(db, mutuelle, now, arguments.day) for mutuelle in owners]
    if arguments.json:
        print(json.dumps(_as_json(found, now)))
    else:
        print("\n".join(line for one in found for line in lines_of(one, now)))
    return 1 if any(one.differences for one in found) else 0


def lines_of(found: Reconciliation, now: datetime) -> Iterator[str]:
    """One mutuelle's lists and differences, as text."""
    today = found.mutuelle.today(now)
    yield f"{found.mutuelle.id} {found.mutuelle.name}"
    if found.days:
        heads = ("booked in", "booked out", "payments", "stated in", "stated out")
        yield f"  {'day':<10} {'account':<24} {' '.join(f'{head:>12}' for head in heads)}"
    for one in found.days:
        figures = (one.booked_in_minor, one.booked_out_minor, one.payments_minor)
        stated = (one.stated_in_minor, one.stated_out_minor) if one.is_stated else ("-", "-")
        yield f"  {one.on} {one.account:<24} {' '.join(f'{figure:>12}' for figure in (*figures, *stated))}"
    for held in found.balances:
        yield f"  {_balance_line(held, found.mutuelle)}"
    for difference in found.differences:
        age = spoken(counts.days(difference.age_days(today)))
        yield (
            f"  DIFFERS {difference.on} {difference.account}: {difference.kind}, {difference.amount}, "
            f"for {age}: {difference.what}"
        )
    for account, last in found.waiting:
        yield f"  no statement yet: {account} ({f'the last is of {last}' if last else 'none ever came'})"
    if not found.differences:
        yield "  nothing differs"


def _balance_line(held: AccountBalance, mutuelle: Mutuelle) -> str:
    """What an account holds by the book, by the operator and by the statements, and which of them differs."""

    def money(minor: int) -> str:
        return str(Money(minor, mutuelle.currency))

    told, at = held.told, held.told.at.astimezone(ZoneInfo(mutuelle.timezone))
    words = [f"{held.account} at {at:%Y-%m-%d %H:%M}: booked {money(told.booked_minor)}"]
    if told.payouts_minor:
        words.append(f"for payouts {money(told.payouts_minor)}")
    words.append(f"the operator says {money(told.told_minor)}")
    if held.unexplained_minor:
        words.append(f"THE OPERATOR DIFFERS by {money(held.unexplained_minor)}")
    elif told.told_minor not in (told.booked_minor, told.booked_minor + told.payouts_minor):
        words.append(
            f"which is what is under way, and {money(held.before_minor)} that were there before the book began"
        )
    if held.stated_minor is None or held.booked_then_minor is None:
        return ", ".join([*words, "no statements without a gap"])
    words.append(f"statements come to {money(held.stated_minor)} on {held.stated_on}")
    if gap := held.stated_minor - held.booked_then_minor:
        side = "less" if gap < 0 else "more"  # what came after the file was taken in is no difference
        words.append(f"{money(abs(gap))} {side} than the book of that day: since the file, or a line below")
    return ", ".join(words)


def _as_json(found: list[Reconciliation], now: datetime) -> dict[str, object]:
    return {
        "differences": [
            {
                "mutuelle": one.mutuelle_id,
                "account": one.account,
                "kind": one.kind,
                "day": one.on.isoformat(),
                "age_days": one.age_days(each.mutuelle.today(now)),
                "amount_minor": one.amount.amount_minor,
                "currency": one.amount.currency,
                "what": one.what,
            }
            for each in found
            for one in each.differences
        ],
        "days": [
            {
                "mutuelle": each.mutuelle.id,
                "account": one.account,
                "day": one.on.isoformat(),
                "booked_in_minor": one.booked_in_minor,
                "booked_out_minor": one.booked_out_minor,
                "payments_minor": one.payments_minor,
                "stated_in_minor": one.stated_in_minor if one.is_stated else None,
                "stated_out_minor": one.stated_out_minor if one.is_stated else None,
            }
            for each in found
            for one in each.days
        ],
        "balances": [_balance_json(each.mutuelle, one) for each in found for one in each.balances],
        "no_statement": [
            {"mutuelle": each.mutuelle.id, "account": account, "last": last and last.isoformat()}
            for each in found
            for account, last in each.waiting
        ],
    }


def _balance_json(mutuelle: Mutuelle, held: AccountBalance) -> dict[str, object]:
    return {
        "mutuelle": mutuelle.id,
        "account": held.account,
        "told_at": held.told.at.isoformat(),
        "told_minor": held.told.told_minor,
        "booked_minor": held.told.booked_minor,
        "payouts_minor": held.told.payouts_minor,
        "unexplained_minor": held.unexplained_minor,
        "stated_on": held.stated_on and held.stated_on.isoformat(),
        "stated_minor": held.stated_minor,
        "booked_then_minor": held.booked_then_minor,
    }
