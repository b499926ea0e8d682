"""What CI asks of pytest: no test is skipped, and `-m engines`, which leaves out what no engine touches and counts it.

A test meets engines if a fixture brings them, or if its file imports, however far away, what starts them.
"""

import os

import pytest

from tests.support.imports import HOME, reached

STARTS_ENGINES = "engines/embedded.py"
BY_FIXTURE = frozenset({"tests/conftest.py"})  # imported for its types; its engines come by a fixture
LEFT_OUT = "left_out"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped is a test that is missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "engines" in config.option.markexpr:
        for item in filter(meets_engines, items):
            item.add_marker("engines")


def meets_engines(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    if "engines" in fixtures or not item.path.is_relative_to(HOME):
        return "engines" in fixtures
    return STARTS_ENGINES in reached(item.path.relative_to(HOME).as_posix(), without=BY_FIXTURE)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A worker tells the process that prints how many it left out."""
    if items and (told := getattr(items[0].config, "workeroutput", None)) is not None:
        told[LEFT_OUT] = told.get(LEFT_OUT, 0) + len(items)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Every worker left out the same tests: pytest's own summary counts them once."""
    count = getattr(node, "workeroutput", {}).get(LEFT_OUT, 0)
    reporter = node.config.pluginmanager.get_plugin("terminalreporter")  # type: ignore[attr-defined]
    reporter.stats["deselected"] = [node] * count
