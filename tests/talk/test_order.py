"""An order: a confirmation that one message has given, and nothing else ever gives."""

import re
from pathlib import Path

import pytest

from locales import Sentence, _
from talk import engine
from talk.answers import person_name
from talk.engine import State, Turn
from talk.words import Caller, Consent, ask, confirm, do, order
from tests.talk.test_engine import CALLER, FIT, Stage

MENUS = Path(__file__).parents[2] / "menus"
MAY_ORDER = {  # nothing that moves money or gives a right: the sender of an SMS can be forged
    "cash_dispute.py",  # a member contests a receipt of cash: a person looks at it
    "holder.py",  # a phone is known by a year of birth, its proof, or says "not me": it gives nothing to a forger
    "reminders.py",  # reminders on and off
    "treasurer.py",  # her answer to a digest
    "voucher_dispute.py",  # who was paid says that the money did not come: a person looks at it
    "verify.py",  # a doctor's check: the patient's code is the proof
}


async def keep(db: object, caller: Caller, *, name: str, agreed: Consent) -> str:
    return name


async def by_order(caller: Caller) -> Sentence:
    name = await ask(_("Your name?"), person_name)
    agreed = await order(_("Keep {name}?", name=name))
    if not agreed:
        return _("No.")
    await do(keep, name=name, agreed=agreed)
    return _("Kept {name}.", name=name)


async def by_confirmation(caller: Caller) -> Sentence:
    name = await ask(_("Your name?"), person_name)
    agreed = await confirm(_("Keep {name}?", name=name))
    await do(keep, name=name, agreed=agreed)
    return _("Kept {name}.", name=name)


async def play(
    menu: engine.Menu, channel: Stage, *words: str, state: State | None = None, by_message: bool
) -> Turn:
    return await engine.play(menu, CALLER, state or State(), words, channel, FIT, by_message=by_message)


async def test_one_message_with_everything_in_it_acts_at_once_and_its_words_are_kept() -> None:
    channel = Stage()
    turn = await play(by_order, channel, "Awa", by_message=True)
    assert turn.shown.end
    assert channel.consents == ["Keep Awa?"]
    assert channel.done == [{"name": "Awa", "agreed": Consent("Keep Awa?")}]


async def test_the_same_dialled_at_once_is_asked_to_confirm() -> None:
    channel = Stage()
    turn = await play(by_order, channel, "Awa", "1", by_message=False)
    assert "Keep Awa?" in turn.shown.text
    assert "1 Yes" in turn.shown.text
    assert channel.done == []


async def test_what_had_to_be_asked_has_to_be_confirmed() -> None:
    channel = Stage()
    opened = await play(by_order, channel, by_message=True)
    for flag in (False, True):  # whatever the channel claims: something was open before this message
        turn = await play(by_order, channel, "Awa", state=opened.state, by_message=flag)
        assert "1 Yes" in turn.shown.text
    assert channel.done == []


async def in_parts(caller: Caller) -> Sentence:
    name = await ask(_("Your name?"), person_name)
    village = await ask(_("Your village?"), person_name)
    agreed = await order(_("Keep {name} of {village}?", name=name, village=village), in_parts=True)
    if not agreed:
        return _("No.")
    await do(keep, name=name, agreed=agreed)
    return _("Kept {name}.", name=name)


async def test_the_message_with_the_last_part_gives_an_order_that_may_come_in_parts() -> None:
    channel = Stage()
    first = await play(in_parts, channel, "Awa", by_message=True)
    assert first.shown.text.startswith("Your village?")
    by_call = await play(in_parts, channel, "Fana", state=first.state, by_message=False)
    assert "1 Yes" in by_call.shown.text, "in a call it is asked"
    assert channel.done == []
    assert (await play(in_parts, channel, "Fana", state=first.state, by_message=True)).shown.end
    assert channel.consents == ["Keep Awa of Fana?"]


async def test_a_part_that_does_not_fit_gives_no_order() -> None:
    channel = Stage()
    first = await play(in_parts, channel, "Awa", by_message=True)
    for words in ((), ("7",)):
        turn = await play(in_parts, channel, *words, state=first.state, by_message=True)
        assert turn.shown.text.rsplit("\n", 2)[-2] == "Your village?"
    assert channel.done == []


async def test_a_word_too_many_or_one_that_does_not_fit_is_no_order() -> None:
    channel = Stage()
    for words in (("7",), ("Awa", "7")):
        turn = await play(by_order, channel, *words, by_message=True)
        assert not turn.shown.end
    assert channel.done == []


@pytest.mark.parametrize("words", [("Awa",), ("Awa", "1")])
async def test_no_other_confirmation_is_given_by_a_message(words: tuple[str, ...]) -> None:
    channel = Stage()
    turn = await play(by_confirmation, channel, *words, by_message=True)
    assert "1 Yes" in turn.shown.text
    assert channel.done == []


async def test_an_order_that_is_refused_is_shown_with_the_reason_and_is_given_no_more() -> None:
    channel = Stage(refuse=[_("Not now.")])
    turn = await play(by_order, channel, "Awa", by_message=True)
    assert turn.shown.text.startswith("Not now.\nKeep Awa?")
    assert channel.done == []
    turn = await play(by_order, channel, "1", state=turn.state, by_message=False)
    assert channel.done == [{"name": "Awa", "agreed": Consent("Keep Awa?\n1 Yes\n2 No")}]


def test_only_these_menus_act_on_an_order() -> None:
    ordering = {path.name for path in MENUS.glob("*.py") if re.search(r"\border\(", path.read_text())}
    assert ordering <= MAY_ORDER
