"""A call of a few questions that reads nothing from PostgreSQL, under the service's own web process.

Every screen from the second on holds the caller's name, so that it tells whose it is.
"""

from starlette.applications import Starlette

import webhooks
from locales import Fact, Money, Sentence, _
from talk.answers import ages, person_name
from talk.words import Caller, Option, ask, choose, confirm

VILLAGES = tuple(Option(name, name) for name in ("Kola", "Tienfala", "Banamba", "Sirakorola"))
COVERS = (Option("family", "Famille: 12 000 F"), Option("person", "Personne: 5 000 F"))
WAYS = (Option("all", "12 000 F"), Option("part", "3 000 F"))
PRICE, PART = Money(12_000, "XOF"), Money(3_000, "XOF")


async def questions(caller: Caller) -> Sentence:
    """Six questions and a goodbye."""
    name = await ask(_("Your first and last name?"), person_name)
    village = await choose(_("{name}, where do you live?", name=name), VILLAGES)
    people = await ask(_("{name}, the age of each person? Example: 45 38 12", name=name), ages)
    cover = await choose(_("{name}, people: {size}. Which cover?", name=name, size=len(people)), COVERS)
    way = await choose(_("{name}, {price} a year. How much now?", name=name, price=PRICE), WAYS)
    first = PRICE if way.key == "all" else PART
    facts: dict[str, Fact] = {"village": village.key, "cover": cover.key, "first": first}
    agreed = await confirm(_("{cover} cover for {name}, {village}: {first} now. Agreed?", name=name, **facts))
    if agreed:
        return _("Thank you, {name}. This is a benchmark: nothing was recorded.", name=name)
    return _("Goodbye, {name}.", name=name)


def create_app() -> Starlette:
    """For `uvicorn --factory`: the production application, another home."""
    return webhooks.create_app(home=questions)
