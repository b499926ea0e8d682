"""Who holds a household's phone, in the words of a person: support by command, an officer by call. Decision 0055."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mobilemoney.networks import network_by_prefix, networks_of
from mutuelle.acts import By
from mutuelle.care.codes import end_code
from mutuelle.contributions.payments import networks_said, say_network
from mutuelle.households import support_acts
from mutuelle.households.holders import Doubt, doubt_phone, masked, trust_phone
from mutuelle.households.households import (
    Household,
    phones_of_all,
    refuse_frozen,
)
from mutuelle.households.pins import take_pin
from mutuelle.households.support_acts import NewSupportAct, SupportError, write_act
from mutuelle.notify import notify
from mutuelle.officers.pins import try_pin
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support import messages
from mutuelle.support.households import before_officer, households_of_phone, open_household
from talk.answers import Secret
from talk.phones import region_of
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

USUAL = "usual"


@value
class PhoneInDoubt:
    """A phone of a household of which nobody knows who holds it, in a list."""

    phone: str

    @property
    def key(self) -> str:
        return self.phone

    @property
    def label(self) -> str:
        return masked(self.phone)


async def doubt(db: AsyncConnection, phone: str, why: Doubt, by: By) -> list[Household]:
    """Doubt who holds `phone`, for every open household that it speaks for; its live care codes end."""
    households = await doubt_phone(db, phone, why, by=by)
    if not households:
        raise SupportError(f"the phone {phone} speaks for no open household")
    for household in households:
        await end_code(db, household, by.at)
        await write_act(db, NewSupportAct(support_acts.DOUBT, phone, household), by)
    return households


async def trust(db: AsyncConnection, number: str, phone: str, by: By) -> Household:
    """The phone is the household's again: support has spoken to somebody whom it knows by other means."""
    household = await open_household(db, number)
    try:
        await trust_phone(db, household, phone, by=by)
    except RefusedError:
        raise SupportError(f"the phone {phone} is not in doubt for household {number}") from None
    await write_act(db, NewSupportAct(support_acts.TRUST, phone, household), by)
    await _tell(db, household, phone, by.at)
    return household


async def set_network(db: AsyncConnection, phone: str, network: str, by: By) -> str:
    """The phone was moved to `network`, a code or its name; "usual": its prefix is right again. Its code from now on.

    SupportError for a network that its country does not have.
    """
    there = {one.code: one for one in networks_of(region_of(phone))}
    wanted = network_by_prefix(phone) if network == USUAL else network
    code = next((code for code in there if wanted in (code, code.partition("-")[2])), None)
    if code is None:
        names = ", ".join(code.partition("-")[2] for code in there)
        raise SupportError(f"the networks of {phone} can be: {names or 'none that is known'}")
    before = (await networks_said(db, [phone])).get(phone) or network_by_prefix(phone)
    await say_network(db, phone, code, by.at)
    facts = {"network": code, "before": before}
    households = await households_of_phone(db, phone)
    subjects: list[Household | None] = [*households] or [None]
    for of in subjects:
        await write_act(db, NewSupportAct(support_acts.NETWORK, phone, of, facts), by)
    return code


async def phones_in_doubt(db: AsyncConnection, household: Household, at: datetime) -> list[PhoneInDoubt]:
    """The phones of a household of which nobody knows who holds them."""
    [phones] = await phones_of_all(db, [household], at)
    return [PhoneInDoubt(phone) for phone, why in phones.items() if why]


async def vouch(
    db: AsyncConnection, caller: Caller, *, number: str, role: str, phone: str, pin: Secret
) -> Sentence | None:
    """An officer's word that `phone` is in the hands of its household; a sentence where the PIN is not right.

    RefusedError for the officer's own phone.
    """
    household = await before_officer(db, caller, number, role)
    if phone == caller.phone:
        raise RefusedError(_("Another officer says this for your own phone."))
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await trust_phone(db, household, phone, by=By(caller.phone, f"the word of a {role}", caller.at))
    await _tell(db, household, phone, caller.at)
    return None


async def take_pin_away(
    db: AsyncConnection, caller: Caller, *, number: str, role: str, pin: Secret
) -> Sentence | None:
    """An officer takes away the PIN that a household has forgotten; a sentence where her own is not right."""
    household = await before_officer(db, caller, number, role)
    refuse_frozen(household)
    if not household.has_pin:
        raise RefusedError(_("This household has no code of its own."))
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await take_pin(db, household, By(caller.phone, f"forgotten, the word of a {role}", caller.at))
    return None


async def _tell(db: AsyncConnection, household: Household, phone: str, at: datetime) -> None:
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    gained = messages.phone_gained(household, mutuelle)
    event = f"{household.number} {at.isoformat()}"
    await notify(db, household.mutuelle_id, "phone changed", {phone: gained}, at, event=event)
