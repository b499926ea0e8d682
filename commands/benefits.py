"""`keneya benefits`: what each product pays of which care, since when, who decided it, and the prices of facilities."""

import argparse

from commands.command import Commands, command, database, expect_mutuelle, of_mutuelle, spoken
from locales import Money, Sentence, render
from mutuelle.benefits.decided import DecidedBenefit, decided_benefits
from mutuelle.benefits.openings import BenefitOpenings, existing_openings
from mutuelle.benefits.rules import Benefit
from mutuelle.benefits.services import service_name
from mutuelle.benefits.words import TERMS, share_of
from mutuelle.scheme.mutuelles import get_mutuelle


def add(commands: Commands) -> None:
    of_mutuelle(
        command(
            commands, "benefits", print_benefits, "print what a mutuelle pays of which care, and who decided"
        ),
        required=True,
    )


async def print_benefits(arguments: argparse.Namespace) -> int:
    """Print every rule, those that are past or still to come too; then agreements and prices."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        mutuelle = await get_mutuelle(db, arguments.mutuelle)
        decided = await decided_benefits(db, mutuelle.id)
        said = await existing_openings(db, mutuelle.id)
    if not decided:
        print("no rule of benefits is written down: members read the text of mutuelle.csv")
        return 0
    for one in decided:
        print(_rule(one, said, mutuelle.currency))
    for facility, agreed in said.agreements:
        until = f" until {agreed.until}" if agreed.until else ""
        print(f"agreement  {facility}, {agreed.level}, from {agreed.since}{until}")
    for facility, price in said.tariffs:
        print(
            f"price      {facility}, {price.service}: {Money(price.price_minor, mutuelle.currency)} since {price.since}"
        )
    return 0


def _rule(one: DecidedBenefit, said: BenefitOpenings, currency: str) -> str:
    rule = one.rule
    name, share = service_name(rule.service, said.named), share_of(rule, currency)
    words = [f"patient pays {_text(share)}", *_terms(rule, currency)]
    return (
        f"{rule.product_code:<8} {rule.service} {_text(name)}, {rule.level}: {', '.join(words)}"
        f"  since {rule.since}, by {one.who}"
    )


def _terms(rule: Benefit, currency: str) -> list[str]:
    """What else the rule says."""
    found = [
        f"{spoken(label).lower()} {Money(term, currency) if name.endswith('_minor') else term}"
        for name, label in TERMS.items()
        if name not in ("copay_percent", "copay_minor", "is_paid") and (term := getattr(rule, name))
    ]
    found += ["with a referral"] * rule.needs_referral + ["with our agreement"] * rule.needs_agreement
    return found + ([f"not paid: {rule.exclusions}"] if rule.exclusions else [])


def _text(said: Sentence | Money | str) -> str:
    return render(said, "en") if isinstance(said, Sentence) else str(said)
