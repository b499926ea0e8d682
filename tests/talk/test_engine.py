"""The rules of conversations, one by one, on a stage without a database."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from locales import Money, Sentence, _
from talk import engine
from talk.answers import Kind, Secret, ages, amount, person_name, pin, wrong_secret
from talk.engine import Finish, Menu, State, Turn
from talk.questions import Answer
from talk.screen import Shown
from talk.trouble import CannotActError, MenuError, RefusedError
from talk.words import Caller, Consent, Do, Look, Option, ask, choose, confirm, confirm_or, do, look, show
from ussd.screens import fit_for

FIT = fit_for()
CALLER = Caller("+22370009999", "en", "test", "call-1", datetime(2026, 11, 22, tzinfo=UTC))


@dataclass
class Stage:
    """Reads are canned, actions are kept in a list; `memory` off is a call without a session."""

    memory: bool = True
    refuse: list[Sentence] = field(default_factory=list)
    done: list[dict[str, Any]] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)

    async def read(self, asked: Look[Any]) -> Any:
        return await asked.read(None, *asked.args)

    def forget(self) -> bool:
        return False

    def admit_action(self) -> None:
        if not self.memory:
            raise CannotActError

    async def act(self, action: Do[Any], consent: str, finish: Finish) -> Shown:
        if self.refuse:
            raise RefusedError(self.refuse.pop())
        result = await action.act(None, CALLER, **dict(action.facts))
        shown = finish(result)
        self.done.append(dict(action.facts))
        self.consents.append(consent)
        return shown


class Call:
    """Plays a menu word by word, as the channel would, and remembers the state between two hops."""

    def __init__(self, menu: Menu, channel: Stage | None = None) -> None:
        self.menu, self.channel, self.state = menu, channel or Stage(), State()

    async def dial(self, *words: str) -> str:
        self.state = State()
        return await self.type(*words)

    async def type(self, *words: str) -> str:
        turn: Turn = await engine.play(self.menu, CALLER, self.state, words, self.channel, FIT)
        self.state = turn.state
        self.ended = turn.shown.end
        return turn.shown.text

    @property
    def meant(self) -> list[str]:
        return [answer.meant for answer in self.state.answers]


VILLAGES = [Option("ban", "Bandiagala"), Option("kou", "Koutiélé"), Option("zan", "Zantiéné")]
villages_now = list(VILLAGES)
price_now = {"amount": 5000}


async def villages(_db: object) -> list[Option]:
    return list(villages_now)


async def price(_db: object) -> int:
    return price_now["amount"]


async def enrol(_db: object, _caller: Caller, **facts: Any) -> str:
    return "4071"


async def joining(caller: Caller) -> Sentence:
    village = await choose(_("Your village?"), await look(villages))
    name = await ask(_("Your name?"), person_name)
    amount_due = await look(price)
    agreed = await confirm(
        _("{name} of {village}: {price} F. Join?", name=name, village=village.label, price=amount_due)
    )
    if not agreed:
        return _("Nothing was changed.")
    number = await do(enrol, name=name, village=village.key, price=amount_due, agreed=agreed)
    return _("Welcome, your number is {number}.", number=number)


@pytest.fixture(autouse=True)
def _as_at_first() -> None:
    villages_now[:] = VILLAGES
    price_now["amount"] = 5000


async def test_a_call_is_asked_agreed_and_done_once() -> None:
    call = Call(joining)
    assert await call.dial() == "Your village?\n1 Bandiagala\n2 Koutiélé\n3 Zantiéné"
    assert await call.type("2") == "Your name?\n0 Back"
    assert await call.type("awa*kone") == "Awa Kone of Koutiélé: 5000 F. Join?\n1 Yes\n2 No"
    assert await call.type("1") == "Welcome, your number is 4071."
    assert call.ended
    assert call.channel.done == [
        {"name": "Awa Kone", "village": "kou", "price": 5000, "agreed": Consent(call.channel.consents[0])}
    ]


async def test_a_foreign_await_is_refused_at_once() -> None:
    async def hasty(caller: Caller) -> Sentence:
        await asyncio.sleep(0)
        return _("Done.")

    with pytest.raises(MenuError, match="awaits only"):
        await Call(hasty).dial()


async def test_what_is_recorded_is_what_was_meant_never_the_number_typed() -> None:
    call = Call(joining)
    await call.dial()
    villages_now.insert(0, Option("aaa", "Aaaba"))  # the list grows between two hops
    assert "Your name" in await call.type("2")
    assert call.state.answers == (Answer("Your village?", "choose", "kou"),)


async def test_a_question_inserted_by_a_new_version_swallows_no_answer() -> None:
    async def newer(caller: Caller) -> Sentence:
        await ask(_("Your age group?"), person_name)
        return await joining(caller)

    call = Call(joining)
    await call.dial("1", "Awa Kone")
    call.menu = newer
    assert "Your age group?" in await call.type("1")
    assert call.meant == []


async def test_a_digit_typed_for_one_question_never_answers_another() -> None:
    async def other(caller: Caller) -> Sentence:
        await choose(_("Another question?"), VILLAGES)
        return _("Swallowed.")

    call = Call(joining)
    await call.dial()
    call.menu = other
    assert "Another question?" in await call.type("1")


async def test_an_answer_that_no_longer_fits_is_dropped_with_all_that_follow() -> None:
    call = Call(joining)
    await call.dial("2", "Awa Kone")
    villages_now[:] = [VILLAGES[0], VILLAGES[2]]
    screen = await call.type("1")
    assert screen.startswith("Something has changed. Please look again.\nYour village?")
    assert call.meant == []


async def test_a_confirmation_fits_only_word_for_word() -> None:
    call = Call(joining)
    await call.dial("2", "Awa Kone")
    agreed_screen = await call.type()
    price_now["amount"] = 6000
    assert "6000 F" in await call.type("9")  # shown anew, with the new price
    assert "5000 F" in agreed_screen
    assert call.channel.done == []


async def test_a_price_that_changed_since_the_agreement_was_recorded_is_asked_again() -> None:
    async def with_pin(caller: Caller) -> Sentence:
        due = await look(price)
        agreed = await confirm(_("Pay {price} F?", price=due))
        if not agreed:
            return _("Nothing was changed.")
        code = await ask(_("Your PIN?"), pin)
        await do(enrol, price=due, code=code, agreed=agreed)
        return _("Paid.")

    call = Call(with_pin)
    await call.dial()
    assert await call.type("1") == "Your PIN?\n0 Back"
    price_now["amount"] = 6000
    assert "Pay 6000 F?" in await call.type("4071")
    assert call.channel.done == []


async def test_a_refused_action_forgets_the_agreement_and_says_why() -> None:
    call = Call(joining, Stage(refuse=[_("The price has changed.")]))
    await call.dial("2", "Awa Kone")
    screen = await call.type("1")
    assert screen.startswith("The price has changed.\nAwa Kone of Koutiélé")
    assert call.meant == ["kou", "Awa Kone"]
    assert await call.type("1") == "Welcome, your number is 4071."


async def test_nothing_is_done_without_a_confirmation() -> None:
    async def rash(caller: Caller) -> Sentence:
        await do(enrol)
        return _("Done.")

    with pytest.raises(MenuError, match="confirmation"):
        await Call(rash).dial()


async def test_a_confirmation_that_has_no_room_is_never_shown() -> None:
    async def menu(caller: Caller) -> Sentence:
        agreed = await confirm(_("{words} Agreed?", words="So much to agree to. " * 10))
        return _("Thank you.") if agreed else _("Goodbye.")

    with pytest.raises(MenuError, match="one whole screen"):
        await Call(menu).dial()


async def agreeing_twice(caller: Caller) -> Sentence:
    first = await confirm(_("{price} F. Join?", price="5 000"))
    second = first and await confirm(
        _("{name} of {village}: {price} F. Join?", name="Awa", village="Fana", price="1")
    )
    if not second:
        return _("Nothing was changed.")
    return _("Welcome, your number is {number}.", number=await do(enrol, agreed=True))


async def test_all_that_was_agreed_to_is_kept_with_the_action() -> None:
    call = Call(agreeing_twice)
    screens = [await call.dial(), await call.type("1")]
    await call.type("1")
    assert call.channel.consents == ["\n\n".join(screens)]


async def test_a_menu_acts_once_and_last() -> None:
    async def twice(caller: Caller) -> Sentence:
        agreed = await confirm(_("Twice?"))
        await do(enrol, agreed=agreed)
        await do(enrol, agreed=agreed)
        return _("Done.")

    call = Call(twice)
    await call.dial()
    with pytest.raises(MenuError, match="once, last"):
        await call.type("1")
    assert call.channel.done == []


async def with_a_third_line(caller: Caller) -> Sentence:
    agreed = await confirm_or(_("By Orange?"), Option("other", _("Another network"), "3"))
    if isinstance(agreed, Option):
        agreed = await confirm(_("By Moov?"))
    if not agreed:
        return _("Nothing was done.")
    await do(enrol)
    return _("Done.")


async def test_nothing_is_agreed_to_by_the_third_line_of_a_confirmation() -> None:
    call = Call(with_a_third_line)
    assert await call.dial() == "By Orange?\n1 Yes\n2 No\n3 Another network"
    assert "Please press a number" in await call.type("4")
    assert await call.type("3") == "By Moov?\n1 Yes\n2 No"
    assert call.meant == ["other"]
    assert await call.type("1") == "Done."
    assert call.channel.consents == ["By Moov?\n1 Yes\n2 No"]


async def test_saying_no_does_nothing() -> None:
    call = Call(joining)
    await call.dial("2", "Awa Kone")
    assert await call.type("2") == "Nothing was changed."
    assert call.channel.done == []


async def test_answers_dialled_at_once_are_used_as_far_as_the_first_confirmation() -> None:
    call = Call(joining)
    assert "Join?" in await call.dial("2", "Awa Kone", "1", "1")
    assert call.channel.done == []


async def test_answers_dialled_at_once_stop_at_the_first_that_does_not_fit() -> None:
    call = Call(joining)
    assert await call.dial("9", "Awa Kone") == (
        "Please press a number of the list.\nYour village?\n1 Bandiagala\n2 Koutiélé\n3 Zantiéné"
    )


async def agreeing(caller: Caller) -> Sentence:
    agreed = await confirm(_("Stop others from asking?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(enrol, agreed=agreed)
    return _("Done.")


async def test_one_word_dialled_at_once_never_answers_a_first_confirmation() -> None:
    for word in ("1", "2", "5000"):
        call = Call(agreeing)
        assert await call.dial(word) == "Stop others from asking?\n1 Yes\n2 No"
        assert call.channel.done == []
    assert await call.type("1") == "Done."


async def test_a_name_written_out_is_chosen() -> None:
    call = Call(joining)
    assert "Your name?" in await call.dial("koutiele")
    assert call.meant == ["kou"]
    assert "Join?" in await call.dial("ZANTIÉNÉ", "Awa Kone")


async def test_of_two_places_of_one_name_none_is_chosen() -> None:
    villages_now.append(Option("kou2", "Koutiélé"))
    call = Call(joining)
    assert "Please press a number" in await call.dial("koutiele")
    assert call.meant == []


NAMES = (
    "Bla",
    "Dioila",
    "Fana",
    "Fanasso",
    "Kita",
    "Mahina",
    "Nara",
    "Niono",
    "San",
    "Tominian",
    "Welodo",
    "Yorosso",
)


async def test_a_name_that_may_be_another_one_is_not_chosen() -> None:
    villages_now[:] = [Option(name.lower(), name) for name in NAMES]
    call = Call(joining)
    assert "Your name?" not in await call.dial("fanas")
    assert "Your name?" in await call.dial("fanaso")
    assert call.meant == ["fanasso"]


async def test_a_digit_that_no_line_of_a_list_has_is_no_letter_of_the_keypad() -> None:
    villages_now[:] = [Option(name.lower(), name) for name in NAMES]
    call = Call(joining)
    await call.dial("98")
    listed = await call.type("98")
    assert "\n9 " not in listed
    assert "Please press a number" in await call.type("9")
    assert "Welodo" in await call.dial("93")


async def test_zero_goes_back_and_double_zero_home() -> None:
    call = Call(joining)
    await call.dial("2", "Awa Kone")
    assert "Your name?" in await call.type("0")
    assert "Your village?" in await call.type("0")
    assert "Your village?" in await call.type("0")  # nothing before it
    await call.type("2")
    assert "Your village?" in await call.type("00")
    assert call.meant == []


async def test_a_question_that_takes_zero_has_no_back() -> None:
    none_is_fine: Kind[int] = Kind("count", int, good=("0",), bad=("x",), takes_zero=True)

    async def children(caller: Caller) -> Sentence:
        await choose(_("Your village?"), VILLAGES)
        count = await ask(_("How many children?"), none_is_fine)
        return _("{count} children.", count=count)

    call = Call(children)
    assert await call.dial("1") == "How many children?"
    assert await call.type("0") == "0 children."


async def test_without_memory_a_menu_that_only_reads_goes_on_and_one_that_acts_does_not() -> None:
    call = Call(joining, Stage(memory=False))
    assert "Your name?" in await call.dial("1")
    with pytest.raises(CannotActError):
        await call.dial("1", "Awa Kone")


async def test_a_refusal_while_reading_ends_the_call_with_its_sentence() -> None:
    async def unknown(_db: object) -> None:
        raise RefusedError(_("No household has the number {number}.", number="101"))

    async def menu(caller: Caller) -> Sentence:
        await look(unknown)
        return _("Never said.")

    call = Call(menu)
    assert await call.dial() == "No household has the number 101."
    assert call.ended


async def test_resuming_never_leads_into_a_confirmation() -> None:
    call = Call(joining)
    await call.dial("2", "Awa Kone")
    turn = await engine.resume(joining, CALLER, call.state.answers, call.channel, FIT)
    assert turn.shown.text == "Your name?\n0 Back"
    assert [answer.meant for answer in turn.state.answers] == ["kou"]


async def test_a_pin_is_asked_last_and_never_recorded() -> None:
    async def with_pin(caller: Caller) -> Sentence:
        agreed = await confirm(_("Pay?"))
        code = await ask(_("Your PIN?"), pin)
        await do(enrol, code=code, agreed=agreed)
        return _("Paid.")

    call = Call(with_pin)
    await call.dial()
    await call.type("1")
    assert await call.type("4071") == "Paid."
    assert call.ended
    assert "4071" not in repr(call.state)
    assert "4071" not in repr(call.channel.done[0]["code"])
    assert call.channel.done[0]["code"] == Secret("4071")


async def counted(_db: object, _caller: Caller, *, code: Secret, **_facts: Any) -> Sentence | None:
    return wrong_secret(_("Wrong PIN.")) if code != "4071" else None


async def paying_with_pin(caller: Caller) -> Sentence:
    amount_due = await look(price)
    agreed = await confirm(_("Pay {amount} F?", amount=amount_due))
    code = await ask(_("Your PIN?"), pin)
    wrong = await do(counted, amount=amount_due, code=code, agreed=agreed)
    return wrong or _("Paid {amount} F.", amount=amount_due)


async def test_a_wrong_pin_is_asked_for_once_more_and_what_was_agreed_to_stands() -> None:
    call = Call(paying_with_pin)
    await call.dial()
    await call.type("1")
    assert await call.type("9999") == (
        "Not recognised, nothing was done. Please type it once more.\nYour PIN?\n0 Back"
    )
    assert not call.ended
    assert "9999" not in repr(call.state)
    assert "A PIN has" in await call.type("12"), "this is no try"
    assert await call.type("4071") == "Paid 5000 F."
    assert [one["code"] for one in call.channel.done] == ["9999", "4071"]
    assert call.channel.consents == [call.channel.consents[0]] * 2


async def test_a_second_wrong_pin_ends_the_call() -> None:
    call = Call(paying_with_pin)
    await call.dial()
    for word in ("1", "9999"):
        await call.type(word)
    assert await call.type("9998") == "Wrong PIN."
    assert call.ended


async def test_after_a_wrong_pin_a_change_ends_the_call_unagreed() -> None:
    async def meanwhile(_db: object, _caller: Caller, **facts: Any) -> Sentence | None:
        price_now["amount"] = 6000
        return await counted(_db, _caller, **facts)

    async def menu(caller: Caller) -> Sentence:
        amount_due = await look(price)
        agreed = await confirm(_("Pay {amount} F?", amount=amount_due))
        code = await ask(_("Your PIN?"), pin)
        return await do(meanwhile, code=code, agreed=agreed) or _("Paid.")

    call = Call(menu)
    await call.dial()
    await call.type("1")
    assert await call.type("9999") == "Wrong PIN."
    assert call.ended


async def test_a_question_after_a_pin_is_a_fault() -> None:
    async def chatty(caller: Caller) -> Sentence:
        await ask(_("Your PIN?"), pin)
        await ask(_("Your name?"), person_name)
        return _("Done.")

    call = Call(chatty)
    await call.dial()
    with pytest.raises(MenuError, match="PIN is asked last"):
        await call.type("4071")


async def test_an_amount_is_read_as_people_write_it() -> None:
    kind = amount(Money(500, "XOF"), Money(9000, "XOF"), step=100)
    assert [kind.parse(typed).amount_minor for typed in ("500", "1 500 F", "2.500", "9000 fcfa")] == [
        500,
        1500,
        2500,
        9000,
    ]


async def telling(caller: Caller) -> Sentence:
    await ask(_("How much?"), amount(Money(500, "XOF"), Money(9000, "XOF")))
    await ask(_("Which ages?"), ages)
    await confirm(_("Pay {price} now?", price=Money(5000, "XOF")))
    return _("Nothing was changed.")


async def test_of_what_was_typed_only_what_was_understood_is_recorded() -> None:
    """A work PIN typed behind an amount was told to the phone, and is told to no table."""
    call = Call(telling)
    await call.dial()
    await call.type("5 000 F, mon ordre 7K42")
    await call.type("moi 45, ma femme 38 et un bébé")
    assert [answer.meant for answer in call.state.answers] == ["5000", "45*38*0"]
    assert "Pay" in await call.type("9")


async def of_one_household(caller: Caller) -> Sentence:
    door = await choose(_("Your village?"), (Option("who", "Who"), Option("money", "Money")))
    house = await choose(_("Which place?"), VILLAGES, once=True)
    return await show(_("{name}, {role}", name=house.label, role=door.label))


async def test_what_holds_for_a_call_is_asked_once_and_again_where_one_goes_back_to_it() -> None:
    call = Call(of_one_household)
    await call.dial()
    asked = await call.type("1")
    assert "1 Bandiagala\n2 Koutiélé" in asked
    assert await call.type("2") == "Koutiélé, Who\n0 Back"
    assert not call.ended
    await call.type("00")
    assert await call.type("2") == "Koutiélé, Money\n0 Back"
    assert await call.type("0") == asked
    assert "1 Who\n2 Money" in await call.type("0")
    assert await call.type("1") == "Koutiélé, Who\n0 Back"
    await call.type("0")
    assert await call.type("1") == "Bandiagala, Who\n0 Back"
    await call.type("00")
    assert await call.type("1") == "Bandiagala, Who\n0 Back"
    await call.dial()
    assert await call.type("1") == asked


async def test_a_wrong_digit_leaves_the_menu_in_sight_and_the_next_one_counts() -> None:
    call = Call(of_one_household)
    await call.dial()
    assert await call.type("7") == "Please press a number of the list.\nYour village?\n1 Who\n2 Money"
    await call.type("1")
    await call.type("2")
    assert await call.type("5") == "Press 0 to go back.\nKoutiélé, Who\n0 Back"


LONG = "A very long name, so that nothing else has room. " * 2


async def offered(_db: object) -> list[Option]:
    return [Option(f"first at {price_now['amount']}", LONG), Option("second", "Nothing")]


async def changing(caller: Caller) -> Sentence:
    title = _("{name} of {village}: {price} F. Join?", name="Awa Koné", village="Fana", price="48 000")
    chosen = await choose(title, await look(offered))
    await confirm(_("{price} F. Join?", price=chosen.key))
    return _("Nothing was changed.")


async def test_only_the_note_of_a_wrong_digit_stands_in_the_place_of_a_title() -> None:
    call = Call(changing)
    asked = await call.dial()
    title, lines = asked.split("\n", 1)
    assert await call.type("7") == f"Please press a number of the list.\n{lines}"
    await call.type("1")
    price_now["amount"] = 6000
    assert await call.type("1") == "Something has changed. Please look again.\n1 Continue"
    assert (await call.type("1")).startswith(title)
