"""The menus that an SMS can open: found by being there, decorated with their keyword."""

import importlib
import pkgutil
from collections.abc import Collection

import menus
from menus.treasurer import err_by_message
from menus.verify import verify
from mutuelle.care.code_input import parts_without_word
from mutuelle.officers.roles import Role
from talk.keywords import NO, ByMessage
from talk.questions import initials, words_of


def menus_by_message() -> list[ByMessage]:
    """Every menu with a keyword, in the order of their keywords."""
    modules = [
        importlib.import_module(f"menus.{found.name}") for found in pkgutil.iter_modules(menus.__path__)
    ]
    found = {
        id(menu): menu for module in modules for menu in vars(module).values() if isinstance(menu, ByMessage)
    }
    return sorted(found.values(), key=lambda menu: menu.keyword.msgid)


def opened_without_keyword(
    roles: Collection[str], body: str
) -> tuple[ByMessage, tuple[str, ...], bool] | None:
    """The menu that a message without a keyword opens for an officer, and the answers in it; True: even while a
    question waits.

    A doctor's number and code (or year of birth) are a check, number or code alone begins it. A treasurer's no is
    about her summary.
    """
    says_no = initials(body).split()[:1] and initials(body).split()[0] in words_of(
        NO
    )  # and a code of a payment
    if Role.DOCTOR in roles and not says_no and (parts := parts_without_word(body)):
        return verify, (body,), bool(parts.number and parts.proof)
    if Role.TREASURER in roles and initials(body) in words_of(NO):
        return err_by_message, (), False
    return None
