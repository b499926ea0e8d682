"""Whose account a statement is of: the name behind `float`, `bank` or `disbursement` in the ledger."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from mutuelle.treasury.voucher_kinds import DISBURSEMENT
from values import value


@value
class StatedAccount:
    """An account of which an operator or a bank writes statements; `name` is the last part of its `code`."""

    mutuelle_id: str
    code: str

    @property
    def name(self) -> str:
        return accounts.parse(self.code).sub

    @property
    def shown(self) -> str:
        """The name, as people say it: that of an account for payouts stands behind its kind."""
        return f"{DISBURSEMENT}:{self.name}" if self.is_for_payouts else self.name

    @property
    def is_for_payouts(self) -> bool:
        return accounts.parse(self.code).kind.name == DISBURSEMENT

    @property
    def suspense(self) -> str:
        """Where its money lies while nobody knows whose it is."""
        return accounts.suspense(self.name)


class AccountNameError(Exception):
    """No account has that name, or several have, in one line for a person."""


async def stated_accounts(db: AsyncConnection, mutuelle_id: str | None = None) -> list[StatedAccount]:
    """The open accounts at operators and banks, of all mutuelles or of one."""
    rows = await db.execute(_STATED, {"mutuelle": mutuelle_id})
    return [StatedAccount(*row) for row in rows]


async def account_named(db: AsyncConnection, name: str, mutuelle_id: str | None = None) -> StatedAccount:
    """The one account with this name; AccountNameError names those that exist, or the mutuelles that have it.

    One for payouts is called disbursement:NAME.
    """
    known = await stated_accounts(db, mutuelle_id)
    found = [one for one in known if one.shown == name]
    if len(found) == 1:
        return found[0]
    if not found:
        names = ", ".join(sorted({one.shown for one in known}))
        raise AccountNameError(f"no account is called {name!r}; there are {names or 'none'}")
    owners = sorted({one.mutuelle_id for one in found})
    if len(owners) == 1:
        raise AccountNameError(
            f"{name!r} is an account at an operator and one at a bank: one needs another name"
        )
    raise AccountNameError(f"{' and '.join(owners)} have an account {name!r}: say which with --mutuelle CODE")


_STATED = text(
    """
    select mutuelle_id, code from ledger.account
     where fund = 'health' and kind in ('float', 'bank', 'disbursement') and closed_on is null
       and mutuelle_id = coalesce(:mutuelle, mutuelle_id)
     order by mutuelle_id, code
    """
)
