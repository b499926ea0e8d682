"""My household: its people, adding and removing them, corrections, and the log of changes."""

from locales import Fact, Money, Once, Sentence, _, _n, counts
from menus.agreements import agreements
from menus.confirmation import no_household
from menus.holder import prove
from menus.words import HOUSEHOLD, NO_HOUSEHOLD, one_of, pin_of, whom
from mutuelle.contributions.family import (
    Family,
    ShownChange,
    age_in_years,
    aged,
    birth_year,
    called,
    changes_shown,
    family_of,
    mentioned,
)
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.people import Person, entitled_on
from mutuelle.cover.rules import current
from mutuelle.enrolment.edits import (
    Born,
    Gone,
    Joiner,
    Leaving,
    Move,
    add_person,
    correct_birth_year,
    correct_name,
    joinable,
    kept_cover,
    move_person,
    refuse_head,
    refuse_many_changes,
    refuse_no_room,
    refuse_while_renewing,
    remove_person,
)
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.change_log import WORDS
from mutuelle.households.households import Household
from mutuelle.households.member_numbers import member_number
from mutuelle.households.pins import draw_household_pin, end_household_pin
from talk.answers import Secret, person_name
from talk.keywords import by_message
from talk.words import Caller, Option, ask, choose, confirm, do, look, show

WHO, ADD, REMOVE, CORRECT, CHANGES = "who", "add", "remove", "correct", "changes"
AGREEMENTS = "agreements"
CODE, NO_CODE = "code", "no code"
NAME, YEAR = "name", "year"
LAST_CHANGES = 5
AGES_IN_A_MESSAGE = 15
NOTHING_CHANGED = _("Nothing was changed.")


async def household(caller: Caller) -> Sentence:
    household = await whom(caller)
    if household is None:
        return await prove(caller) if (await look(profile_of, caller)).is_doubted else NO_HOUSEHOLD
    family = await look(family_of, household, caller.at)
    changes = await look(changes_shown, caller, household, LAST_CHANGES)
    what = await choose(
        _n(
            "Household {number}, {n} person",
            "Household {number}, {n} people",
            len(family.present),
            number=household.shown_number,
        ),
        ways(family, changes),
    )
    if what.key == CODE:
        return await (another_code if family.household.has_pin else a_code)(family.household)
    if what.key == WHO:
        return await who(caller, family)
    if what.key == CHANGES:
        return await what_changed(changes)
    if what.key == AGREEMENTS:
        return await agreements(caller, household)
    await look(refuse_many_changes, caller, household)
    if what.key == ADD:
        return await add(family)
    return await (remove(caller, family) if what.key == REMOVE else correct(family))


def ways(family: Family, changes: list[ShownChange]) -> list[Option]:
    """What can be done; a digit means the same whatever is left out."""
    found = [Option(WHO, _("Who is in it"), "1"), Option(ADD, _("Add a person"), "2")]
    if len(family.present) > 1:
        found.append(Option(REMOVE, _("Remove a person"), "3"))
    found.append(Option(CORRECT, _("Correct"), "4"))
    if changes:
        found.append(Option(CHANGES, _("Who changed what"), "5"))
    found.append(Option(AGREEMENTS, _("Agreements, data"), "6"))
    return [*found, Option(CODE, _("Household code"), "7")]


async def which(family: Family, people: list[Person]) -> Person:
    """One of `people`; by rank, so that the same person is meant whatever was changed meanwhile."""
    options = [Option(str(person.rank), called(person, family.today)) for person in people]
    rank = (await one_of(_("Which person?"), options)).key
    return next(person for person in people if str(person.rank) == rank)


async def who(caller: Caller, family: Family) -> Sentence:
    person = await which(family, family.present)
    stands = await look(standing, family.household, caller.at)
    cover = cover_of(person, stands, family)
    if person.name is None:
        return await show(_("Born in {year}. {cover}", year=person.birth_year, cover=cover))
    return await show(
        _(
            "{name}, {age}, born in {year}. {cover}",
            name=person.name,
            age=aged(person.age(family.today)),
            year=person.birth_year,
            cover=cover,
        )
    )


def cover_of(person: Person, stands: Standing, family: Family) -> Sentence:
    """Whether the household's cover covers this person today, or from when."""
    if any(one.rank == person.rank and one.covered for one in stands.people):
        return _("COVERED.")
    since = entitled_on(person, current(stands.periods, family.today))
    if since is None and person.is_joiner:
        return _("Covered from your next period on.")
    if stands.cover.is_covered and since:
        return _("Covered from {start}.", start=since)
    return _("NOT COVERED now. Dial again and press 1.")


async def add(family: Family) -> Sentence:
    refuse_no_room(family)
    await look(refuse_while_renewing, family.household)
    name = await ask(_("First and last name of the person to add?"), person_name)
    age = await ask(_("Age in years? 0 for a baby."), age_in_years)
    person = family.joiner(name, age)
    price = family.price_with(person)
    agreed = await confirm(adding(family, person, price))
    if not agreed:
        return NOTHING_CHANGED
    pin = await pin_of(family.household)
    if wrong := await do(
        add_person, number=family.household.number, joiner=Joiner(name, age), next_price=price, pin=pin
    ):
        return wrong
    if person.covered_from:
        return _("Done. The baby {name} is covered as you are, from today on. Welcome!", name=name)
    return _("Done. {name} will be covered from your next period on.", name=name)


def adding(family: Family, person: Person, price: Money | None) -> Sentence:
    """What is agreed to: who comes, covered from when, and what the next period will cost."""
    facts: dict[str, Fact] = {"name": person.name or "", "price": next_price(family, price)}
    if person.covered_from:
        return _("Add the baby {name}? Covered as you are, from today on. {price}", **facts)
    age = aged(person.age(family.today))
    return _("Add {name}, {age}? Covered from your next period on, not before. {price}", age=age, **facts)


def next_price(family: Family, price: Money | None) -> Sentence:
    """How the next period's price changes."""
    before = family.price
    if price is None or before is None:
        return _("Its price: ask the treasurer.")
    if price == before:
        return _("Price of that period, as before: {price}.", price=price)
    return _("Price of that period: {price} (was {before}).", price=price, before=before)


async def remove(caller: Caller, family: Family) -> Sentence:
    person = await which(family, family.present[1:])
    name = mentioned(person, family.today)
    leaving = await choose(
        _("Why is {name} no longer there?", name=name),
        (
            Option(Leaving.DIED, _("Has died"), "1"),
            Option(Leaving.LEFT, _("Has left us"), "2"),
            Option(Leaving.MOVED, _("Joins another household"), "3"),
        ),
    )
    if leaving.key == Leaving.MOVED:
        return await move(caller, family, person)
    price = family.price_without(person.rank)
    agreed = await confirm(removing(name, Leaving(leaving.key), next_price(family, price)))
    if not agreed:
        return NOTHING_CHANGED
    pin = await pin_of(family.household)
    gone = Gone(person.rank, leaving.key)
    if wrong := await do(remove_person, number=family.household.number, gone=gone, next_price=price, pin=pin):
        return wrong
    if leaving.key == Leaving.DIED:
        return _("It is noted. Our thoughts are with you all. {price}", price=next_price(family, price))
    return _("It is noted. {name} is covered until this evening.", name=name)


def removing(name: Sentence | str, leaving: Leaving, price: Sentence) -> Sentence:
    """What is agreed to. Who mourns is not told of money first: the price follows once it is noted."""
    if leaving is Leaving.DIED:
        return _("We share your sorrow. Take {name} off the list of your household?", name=name)
    return _(
        "Remove {name}? No longer covered from tomorrow, nothing is paid back. {price}",
        name=name,
        price=price,
    )


async def move(caller: Caller, family: Family, person: Person) -> Sentence:
    """To another household of the mutuelle: a mutation, which keeps the cover that was waited for."""
    name = mentioned(person, family.today)
    number = await ask(_("The member number of the household that {name} joins?", name=name), member_number)
    household = (await look(joinable, caller, family.household, number, person.name)).household
    keeps = kept_cover(person, await look(standing, family.household, caller.at), family.today) is not None
    price = family.price_without(person.rank)
    facts: dict[str, Fact] = {"name": name, "number": household.shown_number}
    facts |= {"initials": household.initials, "price": next_price(family, price)}
    agreed = await confirm(
        _("{name} goes to {number} ({initials}) and stays covered? {price}", **facts)
        if keeps
        else _(
            "{name} goes to {number} ({initials}), covered from its next period? {price}",
            **facts,
        )
    )
    if not agreed:
        return NOTHING_CHANGED
    pin = await pin_of(family.household)
    going = Move(person.rank, household.number, keeps)
    if wrong := await do(move_person, number=family.household.number, going=going, next_price=price, pin=pin):
        return wrong
    return _(
        "It is noted. Household {number} now counts {name}.",
        name=name,
        number=household.shown_number,
    )


async def correct(family: Family) -> Sentence:
    person = await which(family, family.present)
    what = await choose(
        _("What is wrong for {name}?", name=mentioned(person, family.today)),
        (Option(NAME, _("The name"), "1"), Option(YEAR, _("The year of birth"), "2")),
    )
    return await (rename(family, person) if what.key == NAME else redate(family, person))


async def rename(family: Family, person: Person) -> Sentence:
    refuse_head(family.household, person.rank)
    name = await ask(_("The right first and last name?"), person_name)
    agreed = await confirm(
        _("Write {name} in the place of: {before}?", name=name, before=called(person, family.today))
    )
    if not agreed:
        return NOTHING_CHANGED
    pin = await pin_of(family.household)
    if wrong := await do(correct_name, number=family.household.number, rank=person.rank, name=name, pin=pin):
        return wrong
    return _("Done. We now write: {name}.", name=name)


async def redate(family: Family, person: Person) -> Sentence:
    year = await ask(_("The right year of birth, like 1990?"), birth_year(family.today))
    price = family.price_corrected(person.rank, year)
    agreed = await confirm(
        _(
            "{name}: born in {year}. Your next period changes, not this one. {price}",
            name=called(person, family.today),
            year=year,
            price=next_price(family, price),
        )
    )
    if not agreed:
        return NOTHING_CHANGED
    pin = await pin_of(family.household)
    born = Born(person.rank, year)
    if wrong := await do(
        correct_birth_year, number=family.household.number, born=born, next_price=price, pin=pin
    ):
        return wrong
    return _("Done. Born in {year}.", year=year)


async def a_code(household: Household) -> Sentence:
    """The household asks for a PIN of its own: others use its phone too."""
    agreed = await confirm(
        _(
            "A code of your household, for a phone that others use: asked before somebody is added or removed, and for "
            "a care code. It is shown once. Show it?"
        )
    )
    return await drawn(household, None) if agreed else NOTHING_CHANGED


async def another_code(household: Household) -> Sentence:
    """It has one: another one, or none any more. A forgotten one is taken away by an officer."""
    what = await choose(
        _("Your household has a code. Forgotten? See an officer of the mutuelle."),
        (Option(CODE, _("Another code"), "1"), Option(NO_CODE, _("No code any more"), "2")),
    )
    if what.key == NO_CODE:
        agreed = await confirm(
            _("No code any more: whoever has this phone can change your household. Agreed?")
        )
        if not agreed:
            return NOTHING_CHANGED
        wrong = await do(end_household_pin, number=household.number, pin=await pin_of(household))
        return wrong or _("Done. Your household asks for no code any more.")
    agreed = await confirm(_("Your code is replaced by another one, shown once. Be alone. Show it?"))
    return await drawn(household, await pin_of(household)) if agreed else NOTHING_CHANGED


async def drawn(household: Household, pin: Secret | None) -> Sentence:
    """Shown on the last screen of this call, and nowhere else."""
    code = await do(draw_household_pin, number=household.number, pin=pin)
    if isinstance(code, Sentence):
        return code
    return _(
        "The code of your household: {pin}. Learn it now, it is not shown again. Tell it to nobody outside.",
        pin=Once(code),
    )


async def what_changed(changes: list[ShownChange]) -> Sentence:
    options = [Option(str(change.noted.position), heading(change)) for change in changes]
    chosen = await choose(_("The last changes:"), options)
    change = next(change for change in changes if str(change.noted.position) == chosen.key)
    return await show(
        _("{what}, {by}. {detail}", what=heading(change), by=change.by, detail=change.noted.detail)
    )


def heading(change: ShownChange) -> Sentence:
    return _("{date} {what}", date=change.on, what=WORDS[change.noted.what])


@by_message(
    HOUSEHOLD, said=_("FAMILY CHILDREN MEMBERS WIFE HUSBAND MARRIED DIVORCE* ADD REMOVE WRONG+NAME|AGE")
)
async def household_by_message(caller: Caller) -> Sentence:
    """Who is in my household: their ages only, since others may read a message."""
    household = await whom(caller)
    if household is None:
        return await (prove if (await look(profile_of, caller)).is_doubted else no_household)(caller)
    family = await look(family_of, household, caller.at)
    return household_words(household, tuple(person.age(family.today) for person in family.present))


def household_words(household: Household, ages: tuple[int, ...]) -> Sentence:
    """How many, and how old; of a very large household the first ones."""
    return _n(
        "Household {number}, {n} person: {ages}. To change something: dial and press 4.",
        "Household {number}, {n} people: {ages}. To change something: dial and press 4.",
        len(ages),
        number=household.shown_number,
        ages=counts.ages(ages, most=AGES_IN_A_MESSAGE),
    )
