"""The witnesses as parameters of a test; without the program hledger its tests are skipped with a reason."""

import shutil

import pytest

from torture.witnesses import WITNESSES

HLEDGER = [
    pytest.mark.hledger,
    pytest.mark.skipif(shutil.which("hledger") is None, reason="THE HLEDGER PROGRAM IS ABSENT"),
]
READERS = [
    pytest.param(witness, id=witness.name, marks=HLEDGER if witness.name == "hledger" else ())
    for witness in WITNESSES
]
