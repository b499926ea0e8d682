"""The proof "witnesses" in short: three thousand journals of every sort, read whole by both."""

import shutil

from tests.conftest import open_folder, wait_until_unlocked
from tests.support.ledger_witnesses import HLEDGER
from torture import long_book

pytestmark = HLEDGER


async def test_both_witnesses_agree_with_a_book_of_every_sort() -> None:
    folder = open_folder("keneya-witnesses-")
    try:
        verdict = await long_book.prove(1, folder / "place", journals=3_000)
        assert verdict.broken == []
        assert (verdict.proof, verdict.counts["journals"]) == ("witnesses", 3_000)
        assert verdict.counts["days"] > 24
        assert verdict.counts["cells"] > 100_000
    finally:
        wait_until_unlocked(folder / "place" / "var")
        shutil.rmtree(folder)
