"""One sum that was paid for many households is split by its list: checked row by row, signed by two, posted once."""

import asyncio
from datetime import date, datetime
from random import Random

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, _, languages, render
from locales.letters import fold, septets
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household
from mutuelle.officers.joint_acts import OPEN_DAYS, REFUSED, words_to_propose
from mutuelle.personal_data.extract import extract_of
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.support.changes import close_household
from mutuelle.support.merging import merge_households
from mutuelle.support.who import about_household
from mutuelle.treasury.past_receipts import last_receipts
from mutuelle.treasury.unmatched.corrections import correction_of, money_of_receipt
from mutuelle.treasury.unmatched.decisions import MoneyOutcome
from mutuelle.treasury.unmatched.group_acts import GROUP_ACT, REPLACED, GroupMatter, group_payment
from mutuelle.treasury.unmatched.groups import lists_to_propose, parts_of, signed_by
from mutuelle.treasury.unmatched.matches import match_of
from mutuelle.treasury.unmatched.money import Unmatched
from sms.tables import outbox
from talk.trouble import RefusedError
from tests.mutuelle.treasury.statements.test_take_in import OFFICE, stands
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.groups import CAME, HEAD, comes, faults_in, homes, listed, lists, split
from tests.support.messages_treasury import GROUP
from tests.support.officer_acts import answers, broken, calling
from tests.support.officers import FANTA, ISSA
from tests.support.own_accounts import held
from tests.support.payers import INDIGENTS, puts_under
from tests.support.payers import lists as lists_payers
from tests.support.statements import FLOAT, SUSPENSE, line, taken
from tests.support.town import NOON, join
from tests.support.unmatched import DAY, both, codes, differences, fanta, proposed, signed, waits
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS

WHOLE, HALF = 12_000, 6_000
MONEY = Unmatched("BEN", "statement", "a key", SUSPENSE, GROUP.amount, CAME, "", "", "")
STRANGE = "nobody in this household has that name: look again, or say --although-names-differ"


async def bodies(pool: AsyncEngine, phone: str) -> list[str]:
    async with pool.connect() as db:
        mine = select(outbox.c.body).where(outbox.c.phone == phone, outbox.c.template == "receipt")
        return list(await db.scalars(mine))


async def test_each_household_gets_its_part_from_the_day_of_the_money(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await comes(town, WHOLE + HALF, payer="22376009999")
    found = await listed(town, {one.number: WHOLE, other.number: HALF})
    assert await proposed(town, group_payment(found)) is None
    assert (await stands(town, one)).cover.state is CoverState.UNPAID
    assert await signed(town) is None
    now = [await stands(town, home) for home in (one, other)]
    assert [one.cover.from_on for one in now] == [
        date(2026, 12, 17)
    ] * 2  # a month after the day of the money
    assert [one.due.amount_minor for one in now] == [0, HALF]
    assert (await waits(town), await held(town, SUSPENSE), await held(town, FLOAT)) == ([], 0, 68_000)
    [receipt] = await bodies(town, "+22376000100")
    assert receipt[11:] == (
        f" : 12 000 F payés par SOTRAMA pour {one.shown_number}. Couvert du 17/12/2026 au 16/11/2027. "
        "Reste à payer : 0 F."
    )
    assert await bodies(town, "+22376009999") == [
        f"REÇU {found.code} : vous avez payé 18 000 F pour 2 ménages. Chacun a son REÇU. Merci."
    ]
    async with town.connect() as db:
        figures = await balance_now(db, calling(FANTA), "BEN")
        by = await signed_by(db, found)
    assert (figures.received_minor, figures.payers) == (18_000, 2)
    assert by
    assert (by.proposer, by.answerer, by.money_of) == ("Fanta Coulibaly", "Issa Dembélé", CAME)
    assert await differences(town) == []
    again = await taken(town, [line(1, WHOLE + HALF, "SOTRAMA cotisations", payer="22376009999", on=CAME)])
    assert (again.known, again.unmatched) == (1, 0)
    assert await broken(town) == set()


async def test_it_is_split_once(town: AsyncEngine) -> None:
    one, other, third = await homes(town, 3)
    found = await split(town, {one.number: WHOLE, other.number: HALF})
    assert await refusal(proposed(town, group_payment(found))) == REPLACED.msgid
    again = await refusal(lists(town, f"{one.number};12000;\n{third.number};6000;"))
    assert again.startswith("The list is {total} in all: no money")
    assert await held(town, third.account) == 0
    assert await broken(town) == set()


async def test_of_two_who_sign_at_once_one_splits_it(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await comes(town, 2 * HALF)
    found = await listed(town, {one.number: HALF, other.number: HALF})
    assert await proposed(town, group_payment(found)) is None
    done = await asyncio.gather(signed(town), signed(town), return_exceptions=True)
    assert sum(one is None for one in done) == 1
    assert len(await codes(town, one)) == 1
    assert await broken(town) == set()


async def test_a_newer_list_takes_its_place_and_a_match_ends_it(town: AsyncEngine) -> None:
    one, other, third = await homes(town, 3)
    await comes(town, 2 * HALF)
    first = await listed(town, {one.number: HALF, other.number: HALF})
    assert await proposed(town, group_payment(first)) is None
    second = await listed(town, {one.number: HALF, third.number: HALF})
    assert await refusal(signed(town)) == REPLACED.msgid
    [money] = await waits(town)
    assert await proposed(town, match_of(money, one.number, "all of it is hers"), by=ISSA) is None
    async with town.connect() as db:
        assert {part.number for part in await parts_of(db, second)} == {one.number, third.number}
    await both_match(town)
    assert await refusal(proposed(town, group_payment(second))) == REPLACED.msgid
    assert await broken(town) == set()


async def test_who_typed_the_list_does_not_sign_it(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await comes(town, 2 * HALF)
    found = await listed(town, {one.number: HALF, other.number: HALF}, actor="ISSA Dembele")
    own = "Who typed the list does not sign it. Ask another treasurer."
    assert await refusal(proposed(town, group_payment(found), by=ISSA)) == own
    assert await proposed(town, group_payment(found)) is None
    assert await refusal(signed(town)) == own


async def test_a_list_waits_for_a_treasurer_until_it_is_answered(town: AsyncEngine) -> None:
    """A proposal that lapsed is to be made again, one that was refused is not."""
    one, other = await homes(town, 2)
    await comes(town, 2 * HALF)
    found = await listed(town, {one.number: HALF, other.number: HALF})
    assert await to_propose(town) == [found.code]
    assert await proposed(town, group_payment(found)) is None
    assert await to_propose(town) == []
    assert await to_propose(town, NOON + OPEN_DAYS * DAY) == [found.code]
    assert await answers(town, answer=REFUSED) is None
    assert await to_propose(town, NOON + OPEN_DAYS * DAY) == []
    assert await broken(town) == set()


async def to_propose(pool: AsyncEngine, at: datetime = NOON) -> list[str]:
    async with pool.connect() as db:
        return [found.code for found in await lists_to_propose(db, calling(ISSA, at), "BEN")]


@pytest.mark.parametrize("seed", range(4))
async def test_no_garbage_gets_through(town: AsyncEngine, seed: int) -> None:
    """Whatever stands in the file: faults, or a refusal in a sentence; nothing is written."""
    one, other = await homes(town, 2)
    await comes(town, 2 * HALF)
    chance = Random(seed)
    cells = (
        one.number,
        other.shown_number,
        "6000",
        "6 000 F",
        "",
        "0",
        "-1",
        "=A1",
        "é",
        "\x00",
        '"',
        "1e9",
        "٣",
    )
    for _nth in range(40):
        rows = [
            ";".join(chance.choices(cells, k=chance.randint(1, 4))) for _row in range(chance.randint(0, 4))
        ]
        try:
            head, money = (
                chance.choice((HEAD, HEAD, "number,amount", "", "montant")),
                chance.choice(("", "T1")),
            )
            found = await lists(town, "\n".join(rows), head=head, money=money)
        except RefusedError:
            continue
        if found.listed is None:
            assert found.faults, rows
        else:
            assert found.listed.households == 2, rows
    assert await held(town, SUSPENSE) == -2 * HALF
    assert await broken(town) == set()


async def both_match(pool: AsyncEngine) -> None:
    assert await signed(pool, by=FANTA) is None


async def test_every_fault_of_a_list_is_told_with_its_line(town: AsyncEngine, household: Household) -> None:
    one, gone, heir = await homes(town, 3)
    await lists_payers(town, INDIGENTS)
    poor = await join(town, "+22376000155", at=NOON, cash=True)
    await puts_under(town, poor, "indigents")
    shut = await join(town, "+22376000156", at=NOON, cash=True)
    async with town.begin() as db:
        await merge_households(db, gone.number, heir.number, OFFICE)
        await close_household(db, shut.number, OFFICE, although_covered=True)
    await comes(town, 50_000)
    rows = [
        f"{one.shown_number};6 000 F;Koné A.",
        f"{one.number};6000;",
        f"{gone.number};6000;",
        f"{shut.number};6000;",
        f"{poor.number};6000;",
        "199000010;6000;",
        f"{heir.number};6000;Moussa Traoré",
    ]
    found = await lists(town, "\n".join(rows), money="T1")
    assert faults_in(found) == ["liste.csv, line 3, numéro: the same as line 2 (A3)"]
    found = await lists(town, "\n".join([rows[0], *rows[2:]]), money="T1")
    assert faults_in(found) == [
        "liste.csv: the list is 36 000 F in all, the money is 50 000 F",
        f"liste.csv, line 3, numéro: this household was joined with {heir.shown_number}: write that number (A3)",
        "liste.csv, line 4, numéro: this household is closed (A4)",
        "liste.csv, line 5, numéro: Commune de Sikasso pays for this household: it owes nothing (A5)",
        "liste.csv, line 6, numéro: no household of this mutuelle has this number (A6)",
        f"liste.csv, line 7, nom: {STRANGE} (C7)",
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("199000011;6000;", "numéro: This number is not right. Please check each digit. (A2: “199000011”)"),
        ("19900001;6000;", "numéro: A member number has 9 digits. (A2: “19900001”)"),
        ("1,99E+08;6000;", "numéro: A member number has 9 digits. (A2: “1,99E+08”)"),
        (";6000;", "numéro: this cell is empty (A2)"),
        ("199000010;;", "montant: this cell is empty (B2)"),
        ("199000010;0;", "montant: It must be 1 to 999999. (B2: “0”)"),
        ("199000010;-500;", "montant: a cell cannot begin with '-' (B2: “-500”, look at “-”)"),
        ("199000010;=1+1;", "montant: a cell cannot begin with '=' (B2: “=1+1”, look at “=”)"),
        ("199000010;6000.50;", "montant: This is not a number. (B2: “6000.50”, look at “.”)"),
        ("199000010;6000 EUR;", "montant: This is not a number. (B2: “6000 EUR”, look at “E”)"),
        ("199000010;6000 FG;", "montant: This is not a number. (B2: “6000 FG”, look at “F”)"),
        ("199000010;1000000;", "montant: It must be 1 to 999999. (B2: “1000000”)"),
        ("199000010;6000;;x", "this line has more cells than there are columns"),
    ],
)
async def test_a_row_that_cannot_be_read_is_told(town: AsyncEngine, row: str, fault: str) -> None:
    assert faults_in(await lists(town, row)) == [f"liste.csv, line 2{', ' if ':' in fault else ': '}{fault}"]


async def test_a_file_that_is_no_list_is_told(town: AsyncEngine, household: Household) -> None:
    assert faults_in(await lists(town, "1;2", head="jour;somme"))[-2:] == [
        "liste.csv, line 1, numéro: this column is missing",
        "liste.csv, line 1, montant: this column is missing",
    ]
    await comes(town, 6_000)
    alone = "liste.csv: a list has two households or more: money of one is matched by phone, 9, 8, 8"
    assert faults_in(await lists(town, f"{household.number};6000;")) == [alone]
    long = "\n".join(f"{household.number};1;" for _nth in range(5_001))
    assert faults_in(await lists(town, long)) == [
        "liste.csv, line 5002: this file may have 5000 lines at most"
    ]


async def test_which_money_it_is_must_be_plain(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    parts = {one.number: HALF, other.number: HALF}
    rows = f"{one.number};6000;\n{other.number};6000;"
    assert (await refusal(lists(town, rows))).startswith("The list is {total} in all: no money")
    await comes(town, 2 * HALF, 1)
    await comes(town, 2 * HALF, 2)
    assert (await refusal(lists(town, rows))).startswith("Which money? Say one of these")
    assert (await refusal(lists(town, rows, money="T9"))).startswith("No money without an owner is called")
    found = await listed(town, parts, money="T2")
    [money] = [one for one in await waits(town) if one.reference == "T2"]
    assert found.key_of_journal == money.key_of_journal
    assert (await listed(town, parts, money=money.key_of_journal)).key_of_journal == money.key_of_journal


async def test_a_name_is_only_compared(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await comes(town, 2 * HALF)
    rows = f"{one.number};6000;KONE a\n{other.number};6000;Moussa Traoré"
    assert len((await lists(town, rows)).faults) == 1
    assert (await lists(town, rows, names_differ=True)).listed
    async with town.connect() as db:
        kept = await db.execute(text("select l::text || p::text from group_list l cross join group_part p"))
        assert not [row for (row,) in kept if "Traor" in row or "Kon" in row]


async def test_a_trial_says_each_receipt_and_leaves_nothing(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await comes(town, WHOLE + HALF)
    found = await lists(town, f"{one.number};12000;\n{other.number};6000;", dry=True)
    assert sorted(render(receipt, "en") for receipt in found.receipts) == sorted(
        [
            f"Receipt -: 12 000 F paid by SOTRAMA for {one.shown_number}. Covered from 17/12/2026 to 16/11/2027. "
            "Left to pay: 0 F.",
            f"Receipt -: 6 000 F paid by SOTRAMA for {other.shown_number}. Covered from 17/12/2026 to 16/02/2027. "
            "Left to pay: 6 000 F.",
        ]
    )
    assert len(await waits(town)) == 1
    async with town.connect() as db:
        assert not await db.scalar(text("select count(*) from group_list"))
        assert not await db.scalar(text("select count(*) from sms_outbox where template <> 'way to pay'"))


async def test_a_household_that_was_closed_meanwhile_stops_both_signatures(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await comes(town, 2 * HALF)
    found = await listed(town, {one.number: HALF, other.number: HALF})
    assert await proposed(town, group_payment(found)) is None
    async with town.begin() as db:
        await close_household(db, other.number, OFFICE, although_covered=True)
    gone = "{number} of the list was closed meanwhile: a new list is needed."
    assert await refusal(signed(town)) == gone
    assert await broken(town) == set()


async def test_a_member_sees_who_paid_and_support_and_her_copy_say_so_too(town: AsyncEngine) -> None:
    one, other = await homes(town, 2)
    await split(town, {one.number: WHOLE, other.number: HALF})
    async with town.begin() as db:
        [receipt] = await last_receipts(db, one, 9)
        said = await about_household(db, one.number, OFFICE)
        copy = await extract_of(db, one.number, OFFICE, "fr")
    assert receipt.line(24) == f"17/11/26 12 000 F {receipt.code} SOTRAMA"
    assert [line for line in said if "paid for many by SOTRAMA" in line]
    [money] = [part for part in copy.parts if render(part.title, "en") == "Payments and receipts"]
    assert money.lines == (f"17/11/2026 12 000 F, payé par SOTRAMA, {receipt.code}",)


@pytest.mark.parametrize("outcome", [MoneyOutcome.MOVED, MoneyOutcome.TAKEN_BACK])
async def test_a_part_is_set_right_as_any_receipt(town: AsyncEngine, outcome: MoneyOutcome) -> None:
    one, other, third = await homes(town, 3)
    await split(town, {one.number: WHOLE, other.number: HALF})
    [code] = await codes(town, other)
    async with town.connect() as db:
        money = await money_of_receipt(db, await fanta(town), code)
    assert (money.amount, money.on, money.number) == (Money(HALF, "XOF"), CAME, other.number)
    is_moved = outcome is MoneyOutcome.MOVED
    await both(town, correction_of(outcome, money, "a wrong line", third.number if is_moved else ""))
    assert (await codes(town, other), len(await codes(town, third))) == ([], int(is_moved))
    assert (await held(town, third.account), await held(town, FLOAT)) == (
        HALF if is_moved else 0,
        68_000 if is_moved else 62_000,
    )
    async with town.connect() as db:
        with_code = refusal(money_of_receipt(db, await fanta(town), code))
        assert await with_code == "The receipt {code} was cancelled already."
    assert await broken(town) == set()


async def test_a_treasurer_reads_what_her_own_household_gets(town: AsyncEngine) -> None:
    [one] = await homes(town, 1)
    own = await join(town, FANTA, at=NOON, cash=True)
    await comes(town, WHOLE + HALF)
    found = await listed(town, {one.number: HALF, own.number: WHOLE})
    for phone, words in (
        (
            FANTA,
            "Partager 18 000 F de SOTRAMA (17/11), 2 ménages, liste de Kadidia. Votre ménage : 12 000 F ?",
        ),
        (ISSA, "Partager 18 000 F de SOTRAMA (17/11) entre 2 ménages, selon la liste de Kadidia ?"),
    ):
        async with town.connect() as db:
            said = await words_to_propose(db, calling(phone), await fanta(town), group_payment(found))
        assert render(said, "fr").replace("\u202f", " ").replace("\xa0", " ") == words


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("own_minor", [0, 999_999])
def test_the_longest_words_of_a_list_fit_one_screen(language: str, own_minor: int) -> None:
    matter = GroupMatter(GROUP, MONEY, Money(own_minor, "XOF"))
    options = ((_("Propose"), _("No")), (_("Yes"), _("No")))
    for yes, no in options:
        words = [GROUP_ACT.words(matter, ""), yes, no]
        screen = "\n1 ".join(fold(render(one, language)) for one in words)
        assert septets(screen) <= BUDGET_SEPTETS - STATE_SEPTETS, screen


MUTANTS = {
    "decision_was_signed_by_two": (
        'update joint_act set facts = facts || \'{"list": "AAAAAA"}\'',
        "update joint_act set answer = 'refused'",
    ),
    "decision_posted_once": (
        "update group_part set amount_minor = amount_minor + 1000 where amount_minor = 6000",
        "update ledger.movement set credit_account = (select 'health:member:' || min(number) from group_part)"
        " where credit_account = (select 'health:member:' || max(number) from group_part)",
        "delete from ledger.request where source = 'decision' and key ="
        " (select min(reference::text) from group_part)",
    ),
    "group_is_its_list": (
        "update group_list set payer = 'La SOTRAMA'",
        "update group_list set households = households + 1",
        "update group_part set amount_minor = amount_minor + 1 where amount_minor = 6000",
        "update group_list set key = gen_random_uuid()",
        "update group_list set listed_at = listed_at + interval '1 day'",
    ),
    "suspense_is_unmatched_money": ("update money_decision set source = 'suspense'",),
    "decision_receipt_was_told": (
        "delete from sms_outbox where receipt_code = (select min(receipt_code) from group_part)",
    ),
}


@pytest.mark.parametrize(
    ("name", "mutant"),
    [(name, one) for name, many in MUTANTS.items() for one in many],
)
async def test_each_invariant_is_broken_by_its_mutants(
    town: AsyncEngine, owner: AsyncEngine, name: str, mutant: str
) -> None:
    one, other = await homes(town, 2)
    await split(town, {one.number: WHOLE, other.number: HALF})
    assert await broken(town) == set()
    async with owner.begin() as db:
        for table in ("journal", "movement", "request"):
            await db.execute(text(f"alter table ledger.{table} disable trigger user"))
        await db.execute(text(mutant))
    assert name in {one.split(":")[0] for one in await broken(town)}
