"""What the command says of a statement that was taken in."""

from locales import Sentence, _
from mutuelle.treasury.statements.take_in import TakenIn


def result_of(taken: TakenIn, account: str, *, dry: bool) -> list[Sentence]:
    """The counts, in words; `dry`: nothing was kept."""
    found = [
        _(
            "{account}: {lines} lines. Posted: {posted}, known: {known}, unmatched: {unmatched}, fees: {fees}.",
            account=account,
            lines=taken.lines,
            posted=taken.posted,
            known=taken.known,
            unmatched=taken.unmatched,
            fees=taken.fees,
        )
    ]
    if taken.debits:
        found.append(_("Money that went out, not posted by this: {count}.", count=taken.debits))
    if taken.contradictions:
        found.append(
            _(
                "Lines that contradict a payment (see `keneya case list`): {count}.",
                count=taken.contradictions,
            )
        )
    if taken.skipped:
        found.append(_("Lines that tell of no money: {count}.", count=taken.skipped))
    return (
        [*found, _("A trial: no fault, and nothing was kept. Without --dry-run it is written.")]
        if dry
        else found
    )
