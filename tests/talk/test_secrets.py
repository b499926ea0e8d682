"""What is shown once is on the screen and in no record; a PIN ends its call, whatever becomes of the action."""

from typing import Any

from locales import Once, Sentence, _, render
from talk.answers import Kind, pin
from talk.words import Caller, ask, choose, confirm, do
from tests.talk.test_engine import VILLAGES, Call, Stage


async def give(_db: object, _caller: Caller, **facts: Any) -> str:
    return "4071"


async def act_with_pin(caller: Caller) -> Sentence:
    await choose(_("Where do you live?"), VILLAGES)
    agreed = await confirm(
        _("{who}. Paid. Care is covered from {start}. Left to pay: {due}.", who="A", start="b", due="c")
    )
    secret = await ask(_("Your PIN?"), pin)
    code = await do(give, agreed=agreed, secret=secret)
    return _("Thank you, {name}.", name=Once(code))


async def say_all(caller: Caller) -> Sentence:
    whole = Kind("all", str, good=("a b",), bad=(), takes_rest=True)
    await choose(_("Where do you live?"), VILLAGES)
    return _("Thank you, {name}.", name=await ask(_("Your first and last name?"), whole))


async def test_the_screen_shows_it_and_the_record_does_not() -> None:
    call = Call(act_with_pin)
    await call.dial("1")
    await call.type("1")
    channel = Keeping()
    call.channel = channel
    assert await call.type("1234") == "Thank you, 4071."
    assert channel.kept == ["This code was shown once and is not shown again. Dial again to get another."]


class Keeping(Stage):
    """Keeps what a record would."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    async def act(self, action: Any, consent: str, finish: Any) -> Any:
        shown = await super().act(action, consent, finish)
        self.kept.append(shown.on_record)
        return shown


async def agree_to_a_name(caller: Caller) -> Sentence:
    agreed = await confirm(_("Thank you, {name}.", name=Once("Awa Koné")))
    await do(give, agreed=agreed)
    return _("Thank you, {name}.", name="")


async def test_words_that_were_agreed_to_are_kept_without_what_is_shown_once() -> None:
    call = Call(agree_to_a_name)
    assert (await call.dial()).startswith("Thank you, Awa Koné.\n1 ")
    stage = Stage()
    call.channel = stage
    await call.type("1")
    [kept] = stage.consents
    assert kept.startswith("Thank you, ********.\n1 ")
    assert stage.done[0]["agreed"].words == kept


async def test_a_refusal_after_a_pin_ends_the_call() -> None:
    call = Call(act_with_pin, Stage(refuse=[_("The price has changed. Please look again.")]))
    await call.dial("1")
    await call.type("1")
    assert await call.type("1234") == "The price has changed. Please look again."
    assert call.ended


async def test_all_the_words_that_are_left_are_one_answer() -> None:
    assert await Call(say_all).dial("1", "awa", "koné") == "Thank you, awa koné."


def test_a_fact_shown_once_is_not_in_its_own_name() -> None:
    said = _("Thank you, {name}.", name=Once("480213"))
    assert "480213" not in repr(said)
    assert render(said, "en") == "Thank you, 480213."
    assert said.is_shown_once
    assert _("Thank you, {name}.", name=said).is_shown_once
    assert not _("Thank you, {name}.", name="Awa").is_shown_once
