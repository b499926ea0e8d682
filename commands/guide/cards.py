"""What each card says, in one language: digits and labels from the menus, keywords from the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass

from locales import Sentence, _, render
from menus import home
from menus.arrears import arrears, detail
from menus.by_words import lost_by_message, prices_by_message
from menus.cover import cover
from menus.doctors import doctors_by_message
from menus.help import help_by_message
from menus.household import household_by_message
from menus.join import join_by_message
from menus.treasurer import BALANCE, err_by_message, ok_by_message
from menus.verify import verify
from menus.words import PAY
from menus.work import DUTIES, PIN_DIGIT
from mutuelle.officers.roles import Role
from mutuelle.scheme.limits import USUAL, Limits
from talk.keywords import word_for

Row = tuple[str, str]  # a digit or an SMS, and what it does


@dataclass(frozen=True)
class Card:
    """One side of paper: digits and what they open, SMS and what they do, what to know."""

    key: str
    language: str
    title: str
    call: str
    calls: tuple[Row, ...]
    message: str
    messages: tuple[Row, ...]
    advice: tuple[str, ...]
    foot: str


@dataclass(frozen=True)
class Draft:
    """The same before it is spoken; an SMS is a keyword and what is written after it."""

    key: str
    title: Sentence
    call: Sentence
    calls: tuple[tuple[str, Sentence], ...]
    messages: tuple[tuple[Sentence, Sentence | str, Sentence], ...]
    advice: tuple[Sentence, ...]


def cards(
    code: str, number: str, mutuelle: str, phone: str, language: str, limits: Limits = USUAL
) -> Iterator[Card]:
    """The four cards; without a mutuelle its name and phone are lines to fill in, and its limits the usual ones."""
    foot = _("My mutuelle: {mutuelle} Phone: {phone}", mutuelle=mutuelle or "." * 44, phone=phone or "." * 30)
    for draft in (villager(code), collector(code, limits.cash_days), treasurer(code), doctor(code)):
        yield Card(
            key=draft.key,
            language=language,
            title=render(draft.title, language),
            call=render(draft.call, language),
            calls=tuple((digit, render(label, language)) for digit, label in draft.calls),
            message=render(_("By SMS to {number}", number=number), language),
            messages=tuple(
                (f"{word_for(word, language)} {render(after, language)}".strip(), render(meaning, language))
                for word, after, meaning in draft.messages
            ),
            advice=tuple(render(sentence, language) for sentence in draft.advice),
            foot=render(foot, language),
        )


HELP_ROW = (help_by_message.keyword, "", _("the words for you"))


def villager(code: str) -> Draft:
    doors = (
        home.JOIN,
        home.PAY,
        home.DOCTORS,
        home.HOUSEHOLD,
        home.CARE_CODE,
        home.MESSAGES,
        home.MUTUELLE,
        home.LANGUAGE,
    )
    labels = {"join": _("{join}; as a member: {cover}", join=home.JOIN.label, cover=home.COVER.label)}
    return Draft(
        key="villager",
        title=_("My mutuelle, by phone"),
        call=_("Call {code}, then type", code=code),
        calls=tuple((door.digit, labels.get(door.key, door.label)) for door in doors),
        messages=(
            (prices_by_message.keyword, "", _("what it costs")),
            (join_by_message.keyword, _("village, name, ages"), _("join")),
            (cover.keyword, "", _("are we covered?")),
            (PAY, "5000", _("pay 5 000 F")),
            (doctors_by_message.keyword, "Sikasso", _("a doctor in this place")),
            (household_by_message.keyword, "", _("who is insured with me")),
            (lost_by_message.keyword, "", _("my phone is lost")),
            HELP_ROW,
        ),
        advice=(
            _(
                "At the doctor's: call, type {digit}. Say your number, then the code.",
                digit=home.CARE_CODE.digit,
            ),
            _("You pay a collector? Wait for the SMS before you go. It is your receipt: keep it."),
            _("Nobody asks for your PIN, not even the mutuelle. Tell it to nobody."),
            _("In a call, 0 goes back. Nothing is done before you have said yes."),
        ),
    )


def at_work(role: Role, code: str, *, pin: bool) -> tuple[Sentence, tuple[tuple[str, Sentence], ...]]:
    call = _(
        "Call {code}, type {digit} ({work}), then", code=code, digit=home.WORK.digit, work=home.WORK.label
    )
    duties = tuple((duty.digit, duty.label) for duty in DUTIES[role])
    return call, (*duties, (PIN_DIGIT, _("My PIN"))) if pin else duties


def collector(code: str, days: int = USUAL.cash_days) -> Draft:
    call, duties = at_work(Role.COLLECTOR, code, pin=True)
    return Draft(
        key="collector",
        title=_("The collector"),
        call=call,
        calls=duties,
        messages=(HELP_ROW,),
        advice=(
            _("Count the money together with the member, before you type."),
            _("Type the household's number, phone or name. Is the name on the screen right? Then the sum."),
            _("Type your work PIN. Hide it. You tell it to nobody, not even to a treasurer."),
            _(
                "The screen says that it is noted, and the household gets an SMS. Without both, nothing is received."
            ),
            _(
                "Hand over the cash to a treasurer within {days} days. She counts, and you get an SMS.",
                days=days,
            ),
            _("A mistake? Tell a treasurer at once. The household can contest the receipt by SMS."),
        ),
    )


def treasurer(code: str) -> Draft:
    call, duties = at_work(Role.TREASURER, code, pin=True)
    return Draft(
        key="treasurer",
        title=_("The treasurer"),
        call=call,
        calls=duties,
        messages=(
            (BALANCE, "", _("the balance now")),
            (BALANCE, "11", _("the balance of November")),
            (arrears.keyword, "Sikasso", _("who is late in this place")),
            (detail.keyword, "", _("more figures")),
            (ok_by_message.keyword, "", _("the summary is right")),
            (err_by_message.keyword, _("and what"), _("something is wrong")),
        ),
        advice=(
            _(
                "A summary comes by SMS each week. Compare it with cash box and operator's figures, then answer."
            ),
            _("What two must sign, another treasurer signs on her own phone. Never lend phone or PIN."),
            _(
                "Whatever you pay or move by hand gets a number: write it on the paper at once, and keep the paper."
            ),
            _("Copy the seal of the summary into your notebook: nobody can change the books unseen."),
        ),
    )


def doctor(code: str) -> Draft:
    call, duties = at_work(Role.DOCTOR, code, pin=False)
    return Draft(
        key="doctor",
        title=_("The doctor"),
        call=call,
        calls=duties,
        messages=(
            (verify.keyword, _("number code"), _("is the patient covered?")),
            (verify.keyword, _("number code DEL"), _("and what does she pay?")),
            (verify.keyword, _("number 1981"), _("without a code: the year of birth")),
            HELP_ROW,
        ),
        advice=(
            _(
                "A phone of the household, near or far, calls, types {digit}: 9 figures of the number, 6 of the code.",
                digit=home.CARE_CODE.digit,
            ),
            _(
                "A code serves once, for 15 minutes, for one patient. On a card it waits, for any of the household."
            ),
            _(
                "COVERED: care is paid as agreed. Copy the reference into your register: it binds the mutuelle."
            ),
            _("NOT COVERED: tell the patient, who can call the mutuelle."),
            _("No answer in a minute? Call instead, or send the SMS again."),
        ),
    )
