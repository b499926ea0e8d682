"""Which accounts of a book somebody means who types a code, or a number as a report prints it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import KINDS
from ledger.charts import UNCONFIRMED, Chart

# `fund:result` is there in every fund that earns or spends, also where nobody opened it.
_KNOWN = """
with known as (
    select fund, kind, code from ledger.account where mutuelle_id = :mutuelle
     union select fund, 'result', concat_ws(':', fund, 'result') from ledger.account where mutuelle_id = :mutuelle
)
select distinct case when :sub = '' then concat_ws(':', fund, kind) else code end as meant
  from known
 where (:fund = '' or fund = :fund) and kind = any(cast(:kinds as text[]))
   and (:sub = '' or code = concat_ws(':', fund, kind, :sub))
 order by meant
"""


async def accounts_meant(db: AsyncConnection, mutuelle: str, typed: str, chart: Chart) -> list[str]:
    """Codes, or heads `fund:kind`, of the book that `typed` may mean; several where several funds have such a one.

    `health:member:101482937`, `health:member`; by number `411:101482937`, `411`, `~571:office`, in any fund.
    """
    fund, kind, sub = _own_parts(typed) or ("", *typed.removeprefix(UNCONFIRMED).partition(":")[::2])
    kinds = [kind] if fund else [each for each in KINDS if kind in _names(each, chart)]
    asked = {"mutuelle": mutuelle, "fund": fund, "kinds": kinds, "sub": sub.replace(" ", "")}
    return list(await db.scalars(text(_KNOWN), asked))


def _own_parts(typed: str) -> tuple[str, str, str] | None:
    """Fund, kind and sub of one of our own codes; None where the second part is no kind."""
    fund, _, rest = typed.partition(":")
    kind, _, sub = rest.partition(":")
    return (fund, kind, sub) if kind in KINDS else None


def _names(kind: str, chart: Chart) -> tuple[str, str]:
    """What the kind is printed as, without its mark, and what we call it."""
    return chart.number(f"any:{kind}").removeprefix(UNCONFIRMED), kind
