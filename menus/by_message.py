"""The menus that an SMS can open: found by being there, decorated with their keyword."""

import importlib
import pkgutil

import menus
from talk.keywords import ByMessage


def menus_by_message() -> list[ByMessage]:
    """Every menu with a keyword, in the order of their keywords."""
    modules = [
        importlib.import_module(f"menus.{found.name}") for found in pkgutil.iter_modules(menus.__path__)
    ]
    found = {
        id(menu): menu for module in modules for menu in vars(module).values() if isinstance(menu, ByMessage)
    }
    return sorted(found.values(), key=lambda menu: menu.keyword.msgid)
