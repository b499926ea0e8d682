"""The copy of what is kept of a household, for its head to read on paper: everything, in plain words.

No key, no digest and nobody else's data: another payer's phone is not told, an officer by role or name only, and no SMS
of a phone that others use too, or of the time when a stranger may have held it. What the terms have let go
(`schedules/retention/kinds.py`) is not there. The copy is noted beside the household.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _, render
from mutuelle.acts import By
from mutuelle.contributions.family import ShownChange, changes_shown
from mutuelle.households.change_log import WORDS, Change, note_change
from mutuelle.households.households import IDLE_DAYS, Household, find_household, lock_household
from mutuelle.households.lookups import HouseholdRead, reads_of
from mutuelle.households.support_acts import EXTRACT, NewSupportAct, SupportError, write_act
from mutuelle.officers.roles import SPOKEN, Role
from mutuelle.personal_data.agreements import agreements_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from talk.words import Caller

MOST = 1_000  # lines of a part; the oldest are left out, and that is said
SHORTENED, NO_NAME = "-", _("(no name)")


@dataclass(frozen=True)
class CopyPart:
    """One part of the copy: what it is about, and its lines, the newest first."""

    title: Sentence
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Extract:
    """The copy, in one language."""

    title: str
    parts: tuple[CopyPart, ...]
    note: str


async def extract_of(db: AsyncConnection, number: str, by: By, language: str) -> Extract:
    """The copy of a household, also of a closed one; written down as a look-up and as a change. SupportError if it is
    erased or there is none."""
    await lock_household(db, number)
    household = await find_household(db, number, closed=True)
    if household is None:
        raise SupportError(f"no household has the number {number}")
    erased = text("select erased_at from household where number = :number")
    if await db.scalar(erased, {"number": number}):
        raise SupportError(f"household {number} was erased: nothing is known of anybody")
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    parts = [part async for part in _parts(db, household, mutuelle, by, language)]
    await note_change(db, household, Change.COPY_GIVEN, detail="", by=by)
    await write_act(db, NewSupportAct(EXTRACT, number, household), by)
    title = _(
        "{mutuelle}, household {number}: all that is kept, on {day}",
        mutuelle=mutuelle.name,
        number=household.shown_number,
        day=mutuelle.today(by.at),
    )
    return Extract(render(title, language), tuple(parts), render(RIGHTS, language))


RIGHTS = _(
    "Something is wrong? Call the service, 4, then 4, or see your mutuelle. These data serve to insure you and for"
    " nothing else: they are used for no research and sold to nobody. You may leave at any time: 4, then 6."
)


async def _parts(
    db: AsyncConnection, household: Household, mutuelle: Mutuelle, by: By, language: str
) -> AsyncIterator[CopyPart]:
    facts = {"mutuelle": household.mutuelle_id, "number": household.number, "most": MOST}
    for title, query, said in _QUERIES:
        rows = await db.execute(text(query), facts if ":most" in query else _without_most(facts))
        lines = [render(said(row._mapping, mutuelle), language) for row in rows]
        yield _part(title, lines, language)
    caller = Caller("", language, "extract", "extract", by.at)
    changes = await changes_shown(db, caller, household, MOST)
    yield _part(_("Changes"), [render(_change(one), language) for one in changes], language)
    agreed = [
        render(page, language)
        for one in await agreements_of(db, household, MOST)
        for page in one.pages(language, room=10_000)
    ]
    yield _part(_("What you agreed to, word for word"), agreed, language)
    reads = [render(read_in_words(one), language) for one in await reads_of(db, household, MOST)]
    yield _part(_("Who of the mutuelle looked at your household"), reads, language)


def _without_most(facts: dict[str, object]) -> dict[str, object]:
    return {name: fact for name, fact in facts.items() if name != "most"}


def _part(title: Sentence, lines: Sequence[str], language: str) -> CopyPart:
    said = list(lines) or [render(_("nothing"), language)]
    if len(lines) == MOST:
        said.append(render(_("older lines: ask your mutuelle"), language))
    return CopyPart(title, tuple(said))


def _change(one: ShownChange) -> Sentence:
    what = _("{date} {what}", date=one.on, what=WORDS[one.noted.what])
    return _("{what}, {by}. {detail}", what=what, by=one.by, detail=one.noted.detail)


def read_in_words(one: HouseholdRead) -> Sentence:
    """Who read of the household, by role: 22/11/2026 collector."""
    who = SPOKEN[Role(one.role)] if one.role else _("support")
    facts: dict[str, Fact] = {"date": one.on, "who": who}
    return _("{date} {who}, list", **facts) if one.in_list else _("{date} {who}", **facts)


Said = Callable[[Any, Mutuelle], Sentence]


def _household(row: Any, mutuelle: Mutuelle) -> Sentence:
    facts: dict[str, Fact] = {"name": row["head_name"], "place": row["place"]}
    facts["since"] = mutuelle.today(row["enrolled_at"])
    if row["closed_at"]:
        return _(
            "{name}, {place}, since {since}, closed on {end}", **facts, end=mutuelle.today(row["closed_at"])
        )
    return _("{name}, {place}, since {since}", **facts)


def _person(row: Any, _mutuelle: Mutuelle) -> Sentence:
    facts: dict[str, Fact] = {"name": row["name"] or NO_NAME, "year": row["birth_year"]}
    facts["since"] = row["added_on"]
    if row["removed_on"]:
        return _("{name}, born in {year}, from {since} until {end}", **facts, end=row["removed_on"])
    return _("{name}, born in {year}, since {since}", **facts)


def _phone(row: Any, mutuelle: Mutuelle) -> Sentence:
    return _("{phone}, since {since}", phone=row["phone"], since=mutuelle.today(row["since"]))


def _policy(row: Any, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{date} {product}, {n} people: {price}",
        date=row["agreed_on"],
        product=row["name"],
        n=row["members"],
        price=Money(row["price"], mutuelle.currency),
    )


def _money(row: Any, mutuelle: Mutuelle) -> Sentence:
    facts: dict[str, Fact] = {"date": row["on"] or mutuelle.today(row["at"])}
    facts |= {
        "amount": Money(row["amount_minor"], row["currency"]),
        "way": _way(row),
        "code": row["code"] or "",
    }
    if row["state"] == "PAID":
        return _("{date} {amount}, {way}, {code}", **facts)
    return _("{date} {amount}, {way}: not paid", **facts)


def _way(row: Any) -> Sentence:
    return _("paid by {payer}", payer=row["paid_by"]) if row["paid_by"] else WAYS[row["way"]]


WAYS: dict[str, Sentence] = {
    "own": _("from your phone"),
    "another": _("from another phone"),
    "cash": _("in cash"),
    "statement": _("seen on a statement"),
    "decision": _("found by two treasurers"),
    "voucher": _("given to you"),
}


def _check(row: Any, mutuelle: Mutuelle) -> Sentence:
    facts: dict[str, Fact] = {"date": mutuelle.today(row["asked_at"]), "facility": row["facility"]}
    facts["name"] = row["name"] or NO_NAME
    return (
        _("{date} {facility}: {name}, covered", **facts)
        if row["covered"]
        else _("{date} {facility}: {name}, not covered", **facts)
    )


def _words(row: Any, mutuelle: Mutuelle) -> Sentence:
    return _("{date} {what}", date=row["on"] or mutuelle.today(row["at"]), what=row["words"])


def _message(row: Any, mutuelle: Mutuelle) -> Sentence:
    facts: dict[str, Fact] = {"date": mutuelle.today(row["at"])}
    facts["words"] = _("(words erased)") if row["body"] == SHORTENED else row["body"]
    return _("{date} from you: {words}", **facts) if row["came"] else _("{date} to you: {words}", **facts)


# What the columns of the paper register are called there, and what its cells are kept as.
REGISTER: dict[str, Sentence] = {
    "number": _("number"),
    "head_name": _("head of the household"),
    "birth": _("birth"),
    "place": _("village"),
    "phones": _("phone"),
    "product": _("product"),
    "paid_until": _("paid until"),
    "member_since": _("member since"),
    "paid": _("paid"),
    "credit": _("paid ahead"),
    "owed": _("left to pay"),
    "others": _("other people"),
    "reminders": _("reminders"),
    "regime": _("regime"),
    "regime_since": _("regime since"),
    "regime_until": _("regime until"),
}
CELLS: dict[str, Sentence] = {"true": _("yes"), "false": _("no")}
LIST_MARKS = str.maketrans("", "", '[]"')


def _cell(row: Any, mutuelle: Mutuelle) -> Sentence:
    facts: dict[str, Fact] = {"date": mutuelle.today(row["at"])}
    facts["column"] = REGISTER.get(row["key"], row["key"])
    value = row["value"].translate(LIST_MARKS)  # a list of phones or people is kept as JSON
    return _("{date} {column}: {value}", **facts, value=CELLS.get(value, value))


_QUERIES: Sequence[tuple[Sentence, str, Said]] = (
    (
        _("Household"),
        "select h.*, p.name as place from household h join place p on p.mutuelle_id = h.mutuelle_id"
        " and p.id = h.place_id where h.mutuelle_id = :mutuelle and h.number = :number",
        _household,
    ),
    (
        _("People"),
        "select b.* from beneficiary b where b.mutuelle_id = :mutuelle and b.number = :number order by b.rank",
        _person,
    ),
    (
        _("Phones"),
        "select h.* from household_phone h where h.mutuelle_id = :mutuelle and h.number = :number order by h.since",
        _phone,
    ),
    (
        _("Cover that you agreed to"),
        "select p.*, d.name, p.contribution_minor + p.registration_minor as price from policy p join product d"
        " on (d.mutuelle_id, d.code, d.version) = (p.mutuelle_id, p.product_code, p.product_version)"
        " where p.mutuelle_id = :mutuelle and p.number = :number order by p.sequence desc",
        _policy,
    ),
    (
        _("Who pays for you"),
        "select h.since as on, null::timestamptz as at, concat_ws(', ', coalesce(r.name, '-'), h.until) as words"
        " from household_regime h left join regime r on r.mutuelle_id = h.mutuelle_id and r.code = h.regime"
        " and r.since = (select max(o.since) from regime o where o.mutuelle_id = h.mutuelle_id and o.code = h.regime"
        " and o.since <= h.since) where h.mutuelle_id = :mutuelle and h.number = :number order by h.position desc",
        _words,
    ),
    (
        _("Doctor, reminders, cards, care that was paid"),
        """select words, at, null::date as on from (
            select d.name as words, r.chosen_at as at from referent r join doctor d on d.mutuelle_id = r.mutuelle_id
               and d.phone = r.doctor_phone where r.mutuelle_id = :mutuelle and r.number = :number
            union all select concat_ws(' > ', c.phone, to_char(c.until, 'DD/MM/YYYY')), c.since
              from reminder_consent c where c.mutuelle_id = :mutuelle and c.number = :number
            union all select concat('no ', k.card), k.printed_at from care_card k
             where k.mutuelle_id = :mutuelle and k.number = :number
            union all select concat_ws(' ', b.service, f.name, b.paid_minor), b.recorded_at
              from care_bill b join facility f on f.mutuelle_id = b.mutuelle_id and f.id = b.facility_id
             where b.mutuelle_id = :mutuelle and b.number = :number) more order by at desc limit :most""",
        _words,
    ),
    (
        _("Your line of the paper register"),
        "select f.key, f.value, l.imported_at as at from register_line l,"
        " jsonb_each_text(l.said) f where l.mutuelle_id = :mutuelle and l.number = :number and f.value is not null"
        " order by f.key",
        _cell,
    ),
    (
        _("Payments and receipts"),
        """select * from (
            select asked_at as at, null::date as on, amount_minor, currency, receipt_code as code, state,
                   case when by_another or payer_phone <> asked_by then 'another' else 'own' end as way, '' as paid_by
              from payment where mutuelle_id = :mutuelle and number = :number
            union all select received_at, received_on, amount_minor, currency, receipt_code, 'PAID', 'cash', ''
              from cash_receipt where mutuelle_id = :mutuelle and number = :number
            union all select null, occurred_on, amount_minor, currency, receipt_code, 'PAID', 'statement', ''
              from statement_line where mutuelle_id = :mutuelle and number = :number
            union all select decided_at, occurred_on, amount_minor, currency, receipt_code, 'PAID', 'decision', ''
              from money_decision where mutuelle_id = :mutuelle and number = :number
            union all select d.decided_at, d.occurred_on, p.amount_minor, p.currency, p.receipt_code, 'PAID',
                   'decision', l.payer from group_part p
              join money_decision d on (d.mutuelle_id, d.list) = (p.mutuelle_id, p.list)
              join group_list l on (l.mutuelle_id, l.receipt_code) = (p.mutuelle_id, p.list)
             where p.mutuelle_id = :mutuelle and p.number = :number
            union all select recorded_at, dated, amount_minor, currency, code, 'PAID', 'voucher', ''
              from voucher where mutuelle_id = :mutuelle and debit = 'health:member:' || cast(:number as text)
            ) money order by coalesce(at, money.on) desc limit :most""",
        _money,
    ),
    (
        _("Who checked your cover"),
        "select c.asked_at, c.covered, f.name as facility, b.name from eligibility_check c"
        " join facility f on (f.mutuelle_id, f.id) = (c.mutuelle_id, c.facility_id)"
        " left join beneficiary b on (b.mutuelle_id, b.number, b.rank) = (c.mutuelle_id, c.number, c.rank)"
        " where c.mutuelle_id = :mutuelle and c.number = :number order by c.asked_at desc limit :most",
        _check,
    ),
    (
        _("SMS"),
        # Not of a phone that others use too, nor of the time when a stranger may have held it.
        """with own as (
            select h.*, least(coalesce(h.doubted_at, 'infinity'), (IDLE +
                   coalesce(h.heard_on, (h.since at time zone 'UTC')::date))::timestamp at time zone 'UTC') theirs_until
              from household_phone h where not exists (select from officer o where o.phone = h.phone)
               and not exists (select from doctor d where d.phone = h.phone)
               and not exists (select from household_phone p where p.phone = h.phone and p.number <> h.number))
        select * from (
            select o.created_at as at, o.body, false as came from own h join sms_outbox o
                on o.phone = h.phone and o.mutuelle_id in (h.mutuelle_id, '*')
             where h.mutuelle_id = :mutuelle and h.number = :number and o.created_at >= h.since
               and o.created_at < h.theirs_until
            union all
            select i.received_at, i.body, true from own h join sms_inbox i on i.phone = h.phone
             where h.mutuelle_id = :mutuelle and h.number = :number and i.received_at >= h.since
               and i.received_at < h.theirs_until
            ) sms order by at desc limit :most""".replace("IDLE", str(IDLE_DAYS + 1)),
        _message,
    ),
)
