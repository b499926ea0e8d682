"""SMS about cash and waived debts: one segment each, never a household's name."""

from datetime import date, datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.contributions.standing import Facts, Standing
from mutuelle.cover.rules import CoverState
from mutuelle.households.holders import told
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import Notification, notify_in_languages
from mutuelle.officers.roles import SPOKEN, Role
from mutuelle.scheme.mutuelles import Mutuelle, Officer
from sms.leases import phones_reached
from talk.answers import LONGEST_NAME
from talk.phones import shown_phone


def debt_waived(mutuelle_name: str, amount: Money, number: str, ended_on: date) -> Sentence:
    """To the household: what it need not pay, and that its cover does not change."""
    return _(
        "{mutuelle}: household {number} need not pay {amount} of its cover until {end}. "
        "You are not covered: to renew, dial and press 2.",
        mutuelle=mutuelle_name,
        number=shown_number(number),
        amount=amount,
        end=ended_on,
    )


def cash_receipt(stands: Standing, amount: Money, code: str, late_of: date | None) -> Sentence:
    """To the household as soon as the collector records it: no name, and how to dispute it.

    `late_of` is the day on which the cash was received, where that was before today.
    """
    cover = stands.cover
    facts: dict[str, Fact] = {"received": _received(stands, amount, late_of), "due": stands.due, "code": code}
    if cover.state is CoverState.WAITING and cover.from_on:
        return _(
            "{received}. Covered from {start}. Left to pay: {due}. Wrong? Send WRONG {code}",
            **facts,
            start=cover.from_on,
        )
    if cover.is_covered and cover.until_on:
        return _(
            "{received}. Covered until {end}. Left to pay: {due}. Wrong? Send WRONG {code}",
            **facts,
            end=cover.until_on,
        )
    if cover.state in (CoverState.UNPAID, CoverState.PART_PAID) and stands.opening.amount_minor:
        return _(
            "{received}. {opening} more opens your cover. Left in all: {due}. Wrong? Send WRONG {code}",
            **facts,
            opening=stands.opening,
        ).or_else(
            _(
                "{received}. {opening} more opens your cover. Wrong? Send WRONG {code}",
                **facts,
                opening=stands.opening,
            )
        )
    return _("{received}. Not covered. Left to pay: {due}. Wrong? Send WRONG {code}", **facts)


def cash_receipt_in_doubt(amount: Money, code: str) -> Sentence:
    """To a phone that may be a stranger's: what stops a collector who keeps money, and nothing of the household."""
    return _("{amount} in cash received. Wrong? Send WRONG {code}", amount=amount, code=code)


def _received(stands: Standing, amount: Money, late_of: date | None) -> Sentence:
    facts: dict[str, Fact] = {"amount": amount, "number": stands.household.shown_number}
    if late_of is None:
        return _("{amount} in cash received for household {number}", **facts)
    return _("{amount} in cash received on {day} for household {number}", **facts, day=f"{late_of:%d/%m}")


async def send_cash_receipts(
    db: AsyncConnection,
    facts: Facts,
    receipt: Sentence,
    in_doubt: Sentence,
    code: str,
    now: datetime,
) -> bool:
    """Send the receipt to each phone of the household, confirmed or not, in its language; False if none gets SMS.

    `in_doubt` goes to one that may be a stranger's.
    """
    sentences = told(facts.doubts, receipt, in_doubt)
    reached = await phones_reached(db, facts.mutuelle.id, list(sentences), now)
    receipts = Notification(facts.mutuelle.id, "cash receipt", sentences, str(uuid4()), code)
    await notify_in_languages(db, [receipts], facts.phones, now)
    return bool(reached)


def deposit_confirmed(mutuelle_name: str, amount: Money, treasurer: str, left: Money) -> Sentence:
    """To the collector: the deposit that a treasurer counted."""
    return _(
        "{mutuelle}: {treasurer} received {amount} from you. Still in your hands: {left}. "
        "Not right? Tell your mutuelle.",
        mutuelle=mutuelle_name,
        treasurer=treasurer,
        amount=amount,
        left=left,
    )


def cash_disputed(number: str, amount: Money, code: str, taken_by: Officer) -> Sentence:
    """To the treasurers: a household disputes an officer's receipt."""
    return _(
        "Household {number} contests the receipt {code}: {amount} in cash, {role} {name} {phone}. "
        "Please hear both.",
        number=shown_number(number),
        code=code,
        amount=amount,
        role=SPOKEN[Role(taken_by.role)],
        name=taken_by.name,
        phone=shown_phone(taken_by.phone),
    )


def cash_cancelled(mutuelle: Mutuelle, amount: Money, code: str, due: Money) -> Sentence:
    """To the household: one of its receipts was cancelled, and what it owes now."""
    return _(
        "{mutuelle}: the receipt {code} of {amount} in cash is cancelled. Left to pay: {due}. Questions: {phone}",
        mutuelle=mutuelle.name,
        code=code,
        amount=amount,
        due=due,
        phone=mutuelle.complaints,
    )


def group_listed(mutuelle_name: str, what: Sentence, actor: str, *, replaces: bool = False) -> Sentence:
    """To the treasurers: a list was typed (`what`: who paid how much for how many), which two of them must sign.

    `replaces`: it takes the place of one that they were told of before.
    """
    facts: dict[str, Fact] = {"mutuelle": mutuelle_name, "actor": actor[:LONGEST_NAME], "what": what}
    said = _("{mutuelle}: list of {actor}. {what}. To sign it: dial, press 9, 8, 7.", **facts)
    if not replaces:
        return said
    return _(
        "{mutuelle}: new list of {actor}, the one before counts no more. {what}. To sign it: dial, press 9, 8, 7.",
        **facts,
    ).or_else(_("{mutuelle}: new list of {actor}. {what}. To sign it: dial, press 9, 8, 7.", **facts))


def paid_by_voucher(mutuelle_name: str, amount: Money, number: str, reason: str, *, code: str) -> Sentence:
    """To the facility or person who was paid by hand: for what, and how to say that it did not come."""
    return _(
        "{mutuelle} paid you {amount}, voucher {number}: {reason}. Not received? Send NO {code}",
        mutuelle=mutuelle_name,
        amount=amount,
        number=number,
        reason=reason,
        code=code,
    )


def voucher_taken_back(mutuelle_name: str, amount: Money, number: str, reason: str) -> Sentence:
    """To the same: two treasurers took the payment back."""
    return _(
        "{mutuelle}: the payment of {amount} to you was taken back, voucher {number}: {reason}.",
        mutuelle=mutuelle_name,
        amount=amount,
        number=number,
        reason=reason,
    )


def voucher_signed(mutuelle_name: str, what: Sentence, number: str, code: str) -> Sentence:
    """To the treasurer who proposed it: it is done, and the number to write on the paper."""
    return _(
        "{mutuelle}: signed: {what}. Write on the paper: voucher {number}, code {code}.",
        mutuelle=mutuelle_name,
        what=what,
        number=number,
        code=code,
    )


def payout_paid(mutuelle_name: str, amount: Money, party: str, number: str, code: str) -> Sentence:
    """To the two treasurers who signed it: the operator has paid."""
    return _(
        "{mutuelle}: {amount} went to {party} by mobile money. Write on the paper: voucher {number}, code {code}.",
        mutuelle=mutuelle_name,
        amount=amount,
        party=party,
        number=number,
        code=code,
    )


def payout_failed(mutuelle_name: str, amount: Money, party: str) -> Sentence:
    """To the same: nothing was paid, and the money is free again."""
    return _(
        "{mutuelle}: {amount} did not go to {party}: the mutuelle still has the money. You may propose it again.",
        mutuelle=mutuelle_name,
        amount=amount,
        party=party,
    )


def payout_late(mutuelle_name: str, amount: Money, party: str) -> Sentence:
    """To the same: nobody knows yet, and a second payment would perhaps be one too many."""
    return _(
        "{mutuelle}: the operator has not confirmed {amount} to {party} yet. Please do not pay it again: we ask on"
        " and will tell you.",
        mutuelle=mutuelle_name,
        amount=amount,
        party=party,
    )


def voucher_disputed(party: str, amount: Money, number: str, proposer: str) -> Sentence:
    """To the treasurers: who was paid says that nothing came."""
    return _(
        "{party} says that {amount} did not come, voucher {number} recorded by {proposer}. Please hear both.",
        party=party,
        amount=amount,
        number=number,
        proposer=proposer,
    )


def receipt_cancelled(
    mutuelle: Mutuelle, amount: Money, code: str, *, taken_back: bool, due: Money | None = None
) -> Sentence:
    """To the household: a receipt was not its own, or its operator took the money back, and what is `due` now.

    To who paid for it and has that receipt too: the same without `due`.
    """
    facts: dict[str, Fact] = {
        "mutuelle": mutuelle.name,
        "code": code,
        "amount": amount,
        "phone": mutuelle.complaints,
    }
    if due is not None:
        facts["why"] = _("the operator took it back") if taken_back else _("it was for another household")
        return _(
            "{mutuelle}: receipt {code} of {amount} cancelled, {why}. Left to pay: {due}. Questions: {phone}",
            **facts,
            due=due,
        )
    if taken_back:
        return _(
            "{mutuelle}: the receipt {code} of {amount} is cancelled, the operator took the money back. "
            "Questions: {phone}",
            **facts,
        )
    return _(
        "{mutuelle}: the receipt {code} of {amount} is cancelled, the money was for another household. "
        "Questions: {phone}",
        **facts,
    )
