"""Programs of Debian's packages that tests drive. Without one they are skipped, loudly; CI allows no skip."""

import os
import shutil
from pathlib import Path

import pytest

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """The mark of a test that drives `program`."""
    absent = shutil.which(program, path=PATH) is None
    return pytest.mark.skipif(absent, reason=f"NOT TESTED: {program} is not here: apt-get install {package}")


def found(program: str) -> Path:
    """Where it is."""
    path = shutil.which(program, path=PATH)
    assert path, program
    return Path(path)
