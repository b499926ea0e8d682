"""Posts journals that must stand: where the ledger refuses one, the transaction is rolled back."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import MAX_JOURNALS, Journal, post

RECEIVED = "contribution received"
UNEXPECTED = "unexpected payment"


async def post_all(db: AsyncConnection, journals: Sequence[Journal]) -> None:
    """Post journals that must stand; RuntimeError names the first that does not."""
    for start in range(0, len(journals), MAX_JOURNALS):
        part = journals[start : start + MAX_JOURNALS]
        for journal, posted in zip(part, await post(db, part), strict=True):
            if not posted.stands:
                raise RuntimeError(f"journal {journal.source} {journal.key} refused: {posted.reason}")
