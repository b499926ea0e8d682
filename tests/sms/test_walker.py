"""The walker by SMS: every menu with a keyword, every answer, for every kind of writer, in every language.

It proves that each answer is one segment (of DETAIL three at most), that a conversation ends, never asks for a PIN,
never sends what is shown once, and never acts without the code of its confirmation.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import languages
from menus.by_message import menus_by_message
from menus.cover import cover
from menus.help import help_by_message, last_word, not_understood
from menus.join import join_by_message
from menus.pay import pay_by_message
from mutuelle.households.sender_profile import sender_of
from sms.confirmations import fit_for
from sms.limits import Sender
from sms.segments import segments
from talk.engine import Menu
from talk.keywords import ByMessage
from talk.phones import shown_phone
from talk.screen import Screen, Shown
from talk.words import Ask, Caller
from tests.menus.test_walker import (
    ARREARS,
    ASKED,
    CASH,
    COVERED,
    CREDITED,
    EXPIRED,
    EXPIRING,
    FOREIGN,
    INDEBTED,
    JOINED,
    LONG_PHONE,
    MERCHANT_CODE,
    SILENT,
    STRANGER,
    TELECEL,
    TWO,
    Walk,
    Watch,
    cash_world,
    codes_world,
    networks_world,
    silent_world,
    world,
)
from tests.support.sms_phone import SEALS
from tests.support.town import NOON

__all__ = ["cash_world", "codes_world", "networks_world", "silent_world", "world"]

DOCTOR, TREASURER = "+22376000199", "+22376000007"


@dataclass
class Writing(Walk):
    """A walk through one menu by SMS."""

    menu: Menu = help_by_message

    def fit(self, screen: Screen, language: str) -> Shown:
        most = self.menu.segments if isinstance(self.menu, ByMessage) else 1
        shown = fit_for(SEALS, self.caller.phone, "walk", most)(screen, language)
        assert shown.whole, f"too long in {language}: {shown.text}"
        assert segments(shown.text) <= (most if screen.end else 1)
        assert not shown.kept, f"shown once, and sent: {shown.kept}"
        return shown

    def _watched(self, caller: Caller) -> Any:
        return Watch(self.menu(caller), self)

    def waiting(self) -> Any:
        assert not (isinstance(self.pending, Ask) and self.pending.kind.secret), "a PIN by SMS"
        return self.pending


def menus_of(phone: str, who: Sender) -> list[Menu]:
    """Every menu once for each kind of writer to whom it is different: the state of a cover changes two of them."""
    if phone in (*JOINED, ASKED) and phone != COVERED:
        return [cover, pay_by_message]
    menus: list[Menu] = [menu for menu in menus_by_message() if menu is not join_by_message]
    menus += [not_understood, last_word]
    return [*menus, join_by_message] if who is not Sender.OFFICER else menus


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [STRANGER, *JOINED, ASKED, TWO, DOCTOR, TREASURER])
async def test_every_message_is_one_segment_and_acts_only_by_its_code(
    world: AsyncEngine, phone: str, language: str
) -> None:
    async with world.connect() as db:
        who = await sender_of(db, phone, NOON)
    seen = set()
    for menu in menus_of(phone, who):
        walk = Writing(world, Caller(phone, language, "sms", "walk", NOON, SEALS), menu=menu)
        await walk.everywhere()
        assert walk.acted == walk.agreed
        seen |= walk.seen
    assert seen
    assert (who is Sender.STRANGER) == (phone == STRANGER)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", [ARREARS, EXPIRING, EXPIRED, CREDITED, INDEBTED, TELECEL])
async def test_who_pays_by_sms_reads_the_network(
    networks_world: AsyncEngine, phone: str, language: str
) -> None:
    walk = Writing(networks_world, Caller(phone, language, "sms", "walk", NOON, SEALS), menu=pay_by_message)
    await walk.everywhere()
    assert walk.acted == walk.agreed
    assert any("Yas-" in answer for answer in walk.seen) == (phone != TELECEL)


@pytest.mark.parametrize("language", languages())
async def test_no_code_is_asked_for_by_sms(codes_world: AsyncEngine, language: str) -> None:
    walk = Writing(codes_world, Caller(FOREIGN, language, "sms", "walk", NOON, SEALS), menu=pay_by_message)
    await walk.everywhere()
    assert walk.acted == walk.agreed == 0
    assert any("Orange" in answer for answer in walk.seen), "she is told to call"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", CASH)
async def test_who_cannot_be_asked_by_phone_writes_and_is_told_whom_to_pay(
    cash_world: AsyncEngine, phone: str, language: str
) -> None:
    seen = set()
    for menu in (join_by_message, pay_by_message, cover):
        walk = Writing(cash_world, Caller(phone, language, "sms", "walk", NOON, SEALS), menu=menu)
        await walk.everywhere()
        assert walk.acted == walk.agreed
        seen |= walk.seen
    assert any(shown_phone(LONG_PHONE) in answer for answer in seen)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("phone", SILENT)
async def test_whose_operator_does_not_answer_is_told_by_sms_too(
    silent_world: AsyncEngine, phone: str, language: str
) -> None:
    seen = set()
    for menu in (join_by_message, pay_by_message):
        walk = Writing(silent_world, Caller(phone, language, "sms", "walk", NOON, SEALS), menu=menu)
        await walk.everywhere()
        assert walk.acted == walk.agreed
        seen |= walk.seen
    assert any("Orange" in answer and MERCHANT_CODE in answer for answer in seen)
