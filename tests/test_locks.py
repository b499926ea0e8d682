"""The locks: production has neither engines nor tools, and what two of them have is the same release."""

import re
import tomllib
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
BROUGHT_ALONG = {"pyyaml"}  # by the SDK of Africa's Talking; tests ask for it too
PINNED = re.compile(r"^([a-z0-9.-]+)==(\S+)(?: ;.*)? \\$", re.M)


def lock(name: str) -> dict[str, str]:
    """The releases that a lock pins, by package."""
    return dict(PINNED.findall((HOME / name).read_text()))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=; ]", line)[0] for line in requirements}


def test_each_lock_holds_what_the_one_before_it_holds() -> None:
    production, embedded, dev = (lock(f"requirements{kind}.txt") for kind in ("", "-embedded", "-dev"))
    assert production.items() < embedded.items() < dev.items()


def test_a_lock_has_all_that_the_project_asks_for_and_production_nothing_more() -> None:
    extras = {kind: names(wanted) for kind, wanted in PROJECT["optional-dependencies"].items()}
    production = lock("requirements.txt").keys()
    assert names(PROJECT["dependencies"]) <= production
    assert not production & (extras["embedded"] | extras["dev"] - BROUGHT_ALONG)
    assert extras["embedded"] <= lock("requirements-embedded.txt").keys()
    assert extras["embedded"] | extras["dev"] <= lock("requirements-dev.txt").keys()


def test_what_has_private_parts_in_use_is_bounded_at_a_minor_release() -> None:
    for package in ("africastalking", "asyncpg", "redis", "uvicorn"):
        (wanted,) = (line for line in PROJECT["dependencies"] if line.startswith(package))
        assert re.search(r",<\d+\.\d+$", wanted), wanted
