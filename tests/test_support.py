"""What runs the tests: a skip fails in CI, the second leg counts what it leaves out, a change finds its tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import touched
from tests.support.imports import HOME, imports, reached

SUITE = """
import pytest

def test_free(): pass
def test_met(engines): pass
def test_met_too(engines): pass
def test_perhaps(engines):
    if {skips}: pytest.skip("not here")

@pytest.fixture
def engines(): pass
"""


def run(folder: Path, *words: str, skips: bool = False, **environ: str) -> tuple[int, str]:
    """The exit code and the last line of a pytest on four tests, three of which meet engines."""
    file = folder / "test_few.py"
    file.write_text(SUITE.format(skips=skips))
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  engines: as in the real one\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.support.ci",
        f"--rootdir={folder}",
        str(file),
    ]
    ended = subprocess.run(
        [*command, *words], cwd=HOME, env=kept | environ, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one process", "workers"])
def test_a_skip_fails_the_run_in_ci_and_what_meets_no_engine_is_counted(
    tmp_path: Path, workers: list[str]
) -> None:
    code, told = run(tmp_path, *workers, "-m", "engines", skips=True, CI="true")
    assert code == 1
    assert re.match("2 passed, 1 skipped, 1 deselected in ", told)


@pytest.mark.parametrize(("skips", "environ"), [(True, {}), (False, {"CI": "true"})])
def test_a_skip_elsewhere_or_none_in_ci_fails_nothing(
    tmp_path: Path, skips: bool, environ: dict[str, str]
) -> None:
    assert run(tmp_path, skips=skips, **environ)[0] == 0


def test_what_starts_engines_is_found_through_whatever_lies_between() -> None:
    assert "engines/embedded.py" in reached("tests/test_cli.py")
    assert "engines/embedded.py" not in reached(
        "tests/talk/test_engine.py", without=frozenset({"tests/conftest.py"})
    )


def test_a_change_finds_the_tests_named_after_it_and_those_that_import_it() -> None:
    found = touched.touched(["sms/outbox.py"])
    assert {"tests/sms/test_outbox.py", "tests/sms/test_sending.py"} | touched.EVERYWHERE <= found
    assert "tests/ledger/test_post.py" not in found
    assert touched.touched(["README.md"]) == touched.EVERYWHERE
    assert "tests/sms/test_crash.py" in touched.touched(["tests/sms/test_crash.py"])


def test_every_test_that_is_named_for_a_change_is_there() -> None:
    named = touched.EVERYWHERE.union(*touched.AROUND.values())
    assert [path for path in sorted(named) if not (HOME / path).exists()] == []


def test_every_file_with_code_has_tests_that_a_change_finds() -> None:
    rooms = ("talk", "menus", "ussd", "sms", "mutuelle", "ledger", "mobilemoney", "locales", "commands")
    code = [path for path in imports() if path.startswith(rooms) and not path.endswith("__init__.py")]
    assert [path for path in code if not touched.found_for(path)] == []
