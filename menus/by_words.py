"""What people ask by SMS in their own words and one message answers: prices, what is paid, whom to call or pay,
what became of their money, a birth, a death, a lost phone.
"""

from locales import Sentence, _
from menus.assembly import assembly
from menus.benefits import CARE, asked_by, care_by_message
from menus.confirmation import answer_first, asked_about, no_household
from menus.messages import RECEIPTS_SHOWN, listed_receipts
from menus.mutuelle import prices, what_is_paid
from menus.words import PAY, paid_in_cash, which_mutuelle, whom
from mutuelle.contributions.ways_to_pay import who_takes_cash
from mutuelle.households.caller_profile import profile_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.past_receipts import last_receipts
from talk.keywords import Takes, by_message, word_for
from talk.words import Caller, look


async def mutuelle_of(caller: Caller) -> Mutuelle:
    """The mutuelle that answers the caller: her own, else one near."""
    known = await own_mutuelle(caller)
    return known or await which_mutuelle(caller, None)


async def own_mutuelle(caller: Caller) -> Mutuelle | None:
    """That of the first household or office."""
    profile = await look(profile_of, caller)
    mutuelles = [one.mutuelle_id for one in profile.households] + [
        one.mutuelle_id for one in profile.appointments
    ]
    return await look(get_mutuelle, mutuelles[0]) if mutuelles else None


@by_message(
    _("PRICE"),
    said=_(
        "PRICES HOW+MUCH COST* FEE FEES TARIF* EXPENSIVE CHEAP HOW+MUCH+PAY*+!LEFT+!OWE+!DUE HOW+MUCH+JOIN*|COVER*"
    ),
    strangers=True,
    weight=5,
)
async def prices_by_message(caller: Caller) -> Sentence:
    return await prices(caller, await mutuelle_of(caller))


@by_message(
    CARE,
    said=_(
        "BENEFIT BABY+VACCIN* TREATMENT* REFUND* REIMBURSE* DELIVERY SURGERY OPERATION MEDICINE* DRUGS VACCIN* "
        "TOOTH TEETH DENTAL GLASSES WHAT+COVERED WHAT+PAID|PAY+MUTUELLE PREGNANT PREGNANCY WHAT+YOU+COVER"
    ),
    strangers=True,
    takes=Takes.WORDS,
    weight=3,
)
async def benefits_by_message(caller: Caller) -> Sentence:
    household = await whom(caller)
    mutuelle = await look(get_mutuelle, household.mutuelle_id) if household else await mutuelle_of(caller)
    asked = await asked_by(caller, mutuelle, household)
    return await care_by_message(caller, asked) if asked else what_is_paid(mutuelle)


@by_message(
    _("ASSEMBLY"),
    said=_("GENERAL+ASSEMBLY|MEETING WHEN|WHERE+ASSEMBLY|MEETING ACCOUNTS+YEAR"),
    strangers=True,
    weight=6,
)
async def assembly_by_message(caller: Caller) -> Sentence:
    return await assembly(caller, await mutuelle_of(caller))


@by_message(
    _("COMPLAIN"),
    said=_(
        "COMPLAINT* COMPLAINING PROBLEM* MISTAKE ERROR CHEAT* STOLE STEAL SCAM UNFAIR ANGRY CONTACT CALL+ME "
        "TREASURER* PRESIDENT OFFICE SPEAK TALK LEAVE+MUTUELLE GIVE+BACK+MONEY MY+MONEY+BACK WHO+CALL "
        "DOES+NOT+WORK DOESNT+WORK WANT+STOP"
    ),
    strangers=True,
    weight=4,
)
async def complain_by_message(caller: Caller) -> Sentence:
    mutuelle = await mutuelle_of(caller)
    return _(
        "A problem? Call {phone}. {mutuelle} listens and answers you.",
        phone=mutuelle.complaints,
        mutuelle=mutuelle.name,
    )


@by_message(
    _("LOST"),
    said=_(
        "STOLEN SIM CHANGE*+NUMBER|PHONE NEW+NUMBER|PHONE|SIM FORGOT*+PIN|CODE|PASSWORD PIN+BLOCKED|LOCKED"
    ),
    strangers=True,
    weight=5,
)
async def lost_by_message(caller: Caller) -> Sentence:
    """A number changes hands only before a person who asks who is calling."""
    mutuelle = await mutuelle_of(caller)
    return _(
        "A lost phone, a new number, a forgotten code: call {mutuelle}, {phone}, your member number at hand.",
        mutuelle=mutuelle.name,
        phone=mutuelle.complaints,
    )


@by_message(
    _("CASH"),
    said=_("AGENT* COLLECTOR* MERCHANT WHERE+PAY* WHO*+PAY* WHO*+COLLECT* PAY*+CASH PAY*+HAND"),
    weight=5,
)
async def cash_by_message(caller: Caller) -> Sentence:
    household = await whom(caller)
    if household is None and (waiting := await asked_about(caller)):
        return await answer_first(caller, waiting)
    mutuelle_id = household.mutuelle_id if household else (await mutuelle_of(caller)).id
    cash = await look(who_takes_cash, caller, mutuelle_id, household)
    return paid_in_cash(cash, household)


@by_message(
    _("RECEIPT"),
    said=_(
        "RECEIPTS MONEY PROOF DEDUCTED DEBITED IPAID ALREADY+PAID|PAY HAVE+PAID I+PAID PAID+NOT|NO|NOTHING "
        "DID+GET+MONEY|PAYMENT"
    ),
    weight=4,
)
async def receipts_by_message(caller: Caller) -> Sentence:
    household = await whom(caller)
    if household is None:
        return await no_household(caller)
    receipts = await look(last_receipts, household, RECEIPTS_SHOWN)
    if receipts:
        return listed_receipts(receipts)
    mutuelle = await look(get_mutuelle, household.mutuelle_id)
    return _("No receipt yet. You have paid, and none has come? Call {phone}.", phone=mutuelle.complaints)


@by_message(
    _("BIRTH"),
    said=_("BABY BABIES BORN NEWBORN TWINS GAVE+BIRTH DELIVERED REGISTER|ADD+BABY|CHILD"),
    weight=6,
)
async def birth_by_message(caller: Caller) -> Sentence:
    if await whom(caller) is None:
        return await no_household(caller)
    return _(
        "Congratulations! To add the baby, call the service: press 4, then 2. "
        "From that day the baby is covered as you are."
    )


@by_message(
    _("DEATH"),
    said=_(
        "DIED DEAD DEATHS DECEASED FUNERAL BURIAL PASSED+AWAY LOST+FATHER|MOTHER|HUSBAND|WIFE|CHILD|SON|DAUGHTER"
    ),
    weight=9,
)
async def death_by_message(caller: Caller) -> Sentence:
    mutuelle = await mutuelle_of(caller)
    return _(
        "Our condolences. When you are ready, call the service to take the person off: press 4, then 3. Help: {phone}",
        phone=mutuelle.complaints,
    )


@by_message(
    _("OTHERS"),
    said=_(
        "PAY*+FOR+BROTHER|SISTER|FATHER|MOTHER|FRIEND|NEIGHBOUR|NEIGHBOR|UNCLE|AUNT|COUSIN|ANOTHER|OTHER|SOMEONE "
        "PAY*+#9 PAY*+#13 PAY*+#14"
    ),
    weight=6,
)
async def others_by_message(caller: Caller) -> Sentence:
    return _(
        "To pay for another household, call the service: press 2, then 4, its member number at hand. "
        "For your own: {pay} 5000.",
        pay=word_for(PAY, caller.language),
    )
