"""Random lives of a mutuelle's money: treasurers record, propose, sign, refuse and take back, three at a time.

Whatever they do: every invariant holds, no account of cash is below zero, and what is in each account is what the
vouchers say, added up apart from the book.
"""

import asyncio
from collections import Counter
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Sentence
from mutuelle.officers.joint_acts import APPROVED, REFUSED, acts_to_sign
from mutuelle.treasury.own_money import grants_of
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, box_of
from mutuelle.treasury.voucher_reads import last_vouchers, on_the_way
from talk.trouble import RefusedError
from tests.support.officer_acts import answers, broken, calling
from tests.support.officers import FANTA, ISSA, give_pin, set_limit
from tests.support.own_accounts import opens
from tests.support.town import found_town
from tests.support.treasury import BANK, CLINIC, expense, proposes_it, records, takes_back, written, xof

FLOAT, STATE = "health:float:simulated-ML", "health:receivable:etat"
OPENED = {BANK: 150_000, CLINIC: -60_000, STATE: 30_000}
STEPS, AT_ONCE = 45, 3


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    await set_limit(pool, "two_signatures_from_minor", 12_000)
    for account, net in OPENED.items():
        await opens(pool, account, abs(net))
    return pool


async def drawn(pool: AsyncEngine, chance: Random, by: str) -> NewVoucher:
    """A voucher of any kind that this treasurer may think of, possible or not."""
    other = ISSA if by == FANTA else FANTA
    amount, box = xof(chance.choice((500, 4_000, 9_999, 12_000, 30_000))), box_of(by)
    async with pool.connect() as db:
        waiting, grants = await on_the_way(db, "BEN"), await grants_of(db, "BEN")
    grant = chance.choice(grants).key if grants else ""
    every = [
        expense(
            amount.amount_minor,
            giver=chance.choice((BANK, box)),
            phone=chance.choice(("", "+22376123456", by)),
        ),
        NewVoucher(VoucherKind.FACILITY, CLINIC, BANK, amount, "Factures", "CSCom Hèrè"),
        NewVoucher(VoucherKind.DEPOSIT, BANK, box, amount, "BR 1", slip="BR 1"),
        NewVoucher(VoucherKind.WITHDRAWAL, box, BANK, amount, "BR 2", slip="BR 2"),
        NewVoucher(VoucherKind.HANDED, box_of(other), box, amount, "Pour Zambla", "Issa Dembélé"),
        NewVoucher(VoucherKind.SENT, "health:transit", BANK, amount, "Recharge", toward=FLOAT),
        NewVoucher(VoucherKind.DEBTOR, BANK, STATE, amount, "Indigents", "Etat"),
        NewVoucher(VoucherKind.GIFT, box, "health:gifts", amount, "Fête", "Mairie de Bla"),
        NewVoucher(
            VoucherKind.GRANT, "grants:bank:bms", "grants:subsidies", amount, "Puits", "Mairie", grant=grant
        ),
    ]
    every += [
        NewVoucher(
            VoucherKind.ARRIVED, FLOAT, "health:transit", one.amount, "T 9", slip="T 9", completes=one.key
        )
        for one in waiting
    ]
    if grant:
        facts = (VoucherKind.EXPENSE, "grants:purchases", "grants:bank:bms", amount, "Ciment", "Dépôt Keita")
        every.append(NewVoucher(*facts, grant=grant))
    return chance.choice(every)


async def step(pool: AsyncEngine, seed: int) -> str:
    """One treasurer does one thing; what became of it."""
    chance = Random(seed)
    by = chance.choice((FANTA, ISSA))
    try:
        match chance.choice(("record", "record", "record", "sign", "sign", "take back")):
            case "sign":
                async with pool.connect() as db:
                    waiting = await acts_to_sign(db, calling(by), "BEN")
                if not waiting:
                    return "nothing to sign"
                answer = chance.choice((APPROVED, APPROVED, APPROVED, REFUSED))
                await answers(pool, by=by, answer=answer, proposal=chance.choice(waiting).id)
                return answer
            case "take back":
                async with pool.connect() as db:
                    last = await last_vouchers(db, "BEN", 5)
                if not last:
                    return "nothing to take back"
                await takes_back(pool, chance.choice(last), by=by)
                return "proposed to take back"
        new = await drawn(pool, chance, by)
        try:
            assert not isinstance(await records(pool, new, by=by), Sentence)
        except RefusedError:  # perhaps two have to sign
            await proposes_it(pool, new, by=by)
            return "proposed"
        return f"recorded {new.kind}"
    except (RefusedError, AssertionError) as refused:
        return f"refused: {refused}"[:60]


@pytest.mark.parametrize("seed", range(4))
async def test_a_life_of_vouchers_keeps_every_invariant(town: AsyncEngine, seed: int) -> None:
    chance, done = Random(seed), Counter[str]()
    for _round in range(STEPS // AT_ONCE):
        done.update(await asyncio.gather(*(step(town, chance.randrange(2**32)) for _nth in range(AT_ONCE))))
    assert await broken(town) == set()
    vouchers = await written(town)
    assert len(vouchers) > 5, done
    added_up = Counter(OPENED)
    for one in vouchers:
        added_up[one.debit] += one.amount.amount_minor
        added_up[one.credit] -= one.amount.amount_minor
    in_book = text("select account, sum(debit) - sum(credit) from ledger.entry group by account")
    async with town.connect() as db:
        booked = {
            account: int(net) for account, net in await db.execute(in_book) if ":opening" not in account
        }
    assert {account: net for account, net in added_up.items() if net} == {
        account: net for account, net in booked.items() if net
    }
    assert all(net >= 0 for account, net in booked.items() if ":cash:" in account or ":bank:" in account)
