"""`pytest --touched`: the tests of what a change touches, for `make check`; `make test` stays every test.

A change is what git finds between this working tree and where it left `main`, new files included. For each file:

- a test file: itself;
- a Python file: the test files named after it (`sms/outbox.py`: `tests/sms/test_outbox*.py`), and those that import
  it, or else what imports it. Of many the nearest are taken: of the same room, then those that import least beside it;
- a conftest below `tests/`: test files of its folder;
- what nobody imports, because it is data or found by being there: the tests in AROUND.

EVERYWHERE is run in any case: short tests that see much of the house. What a selection misses, CI finds.
"""

import subprocess
from collections import defaultdict
from fnmatch import fnmatch
from functools import cache
from pathlib import PurePath

import pytest

from tests.support.imports import HOME, imports

MANY = 16  # test files found by imports for a change, shared out among its files: what two cores run in two minutes
EVERYWHERE = {"tests/test_docs.py", "tests/test_settings.py", "tests/ussd/test_calls.py"}
AROUND = {
    "menus/*": ("tests/menus/test_walker.py", "tests/test_transcripts.py", "tests/sms/test_keywords.py"),
    "sms/simulated.py": ("tests/sms/test_every_provider.py",),
    "locales/*": (
        "tests/locales",
        "tests/menus/test_walker.py",
        "tests/sms/test_walker.py",
        "tests/test_messages.py",
    ),
    "migrations/*": (
        "tests/test_shipped.py",
        "tests/test_migrations.py",
        "tests/mutuelle/test_schema.py",
        "tests/ledger/test_rights.py",
    ),
    "*tables.py": ("tests/mutuelle/test_schema.py",),
    "mutuelle/treasury/statements/presets/*": ("tests/mutuelle/treasury/statements/test_reading.py",),
    "ledger/*.toml": ("tests/ledger/test_accounts.py", "tests/ledger/reports"),
    "ussd/gateways/*": ("tests/ussd/test_described.py",),
    "commands/*": ("tests/test_cli.py",),
    "simulator/*": ("tests/simulator/test_calls.py", "tests/simulator/test_operator.py"),
    "tests/transcripts/*": ("tests/test_transcripts.py",),
    "docs/messages.md": ("tests/test_messages.py",),
    "Procfile": ("tests/test_starting.py",),
    "deploy/*": ("tests/deploy",),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--touched", action="store_true", help="only the tests of what differs from main")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.touched:  # in each worker too
        config.args = sorted(touched(changed_files()))


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"touched: {' '.join(config.args)}" if config.option.touched else None


def changed_files() -> list[str]:
    """Paths that differ from where this branch left main, as it stands here or on the origin; and new ones."""
    known = set(_git("for-each-ref", "--format=%(refname:short)"))
    main = next((ref for ref in ("origin/main", "main") if ref in known), "HEAD")
    [left] = _git("merge-base", main, "HEAD")
    return _git("diff", "--name-only", left) + _git("ls-files", "--others", "--exclude-standard")


def _git(*words: str) -> list[str]:
    answer = subprocess.run(["git", *words], cwd=HOME, stdout=subprocess.PIPE, text=True, check=True)
    return answer.stdout.splitlines()


def touched(changed: list[str]) -> set[str]:
    """The test files and folders to run for changed paths."""
    share = max(2, MANY // max(1, len(changed)))
    chosen = EVERYWHERE.union(*(found_for(path, share) for path in changed))
    return {path for path in chosen if (HOME / path).exists()}


def found_for(path: str, share: int = MANY) -> set[str]:
    """What is run for one changed path, with `share` of the test files that imports lead to."""
    around = {test for pattern, tests in AROUND.items() if fnmatch(path, pattern) for test in tests}
    if _is_test(path):
        return around | {path}
    place = PurePath(path)
    room = PurePath("tests") / place.parent
    found = _near(path) if place.name != "conftest.py" else _files(place.parent, "test_*.py")
    nearest = sorted(found, key=lambda test: (PurePath(test).parent != room, len(imports()[test]), test))
    return around | _named(path) | set(nearest[:share])


def _near(path: str) -> set[str]:
    """The test files that import `path` or are named after it, else those of what imports it, and so on."""
    ring, seen = {path}, set[str]()
    while ring:
        seen |= ring
        ahead = set[str]().union(*(_importers()[one] for one in ring))
        if tests := set(filter(_is_test, ahead)).union(*map(_named, ring)):
            return tests
        ring = ahead - seen
    return set()


@cache
def _importers() -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path, ahead in imports().items():
        for one in ahead:
            found[one].add(path)
    return found


def _named(path: str) -> set[str]:
    place = PurePath(path)
    return _files("tests" / place.parent, f"test_{place.stem}*.py")


def _files(folder: PurePath, pattern: str) -> set[str]:
    return {found.relative_to(HOME).as_posix() for found in (HOME / folder).glob(pattern)}


def _is_test(path: str) -> bool:
    return path.startswith("tests/") and PurePath(path).match("test_*.py")
