"""The words of the phone page, from the catalogue of the service, and the screens by which its scenarios find their
way.

`{code}` is the code to dial; every other fact in braces is filled in by the page.
"""

from locales import DEFAULT_LANGUAGE, Sentence, _, catalogue, language_name, languages

PAGE = {
    "title": _("Keneya, a basic phone"),
    "tagline": _("The village's health insurance, on a basic phone."),
    "try": _("Try a scenario"),
    "join": _("Join"),
    "doctor": _("At the doctor's"),
    "cash": _("Pay the collector"),
    "howto": _("How it works"),
    "howto_green": _("The green key calls {code}, and sends what you type."),
    "howto_letters": _(
        "Letters: press a key several times. The switch abc/123 changes between letters and figures."
    ),
    "howto_sms": _("An SMS: Messages, then the green key. Try AIDE."),
    "howto_pay": _("The payment prompt comes after the call. Type any 4 figures, never your real PIN."),
    "howto_keyboard": _("On a keyboard: Enter sends or opens, the arrows move, Escape hangs up."),
    "nothing_real": _("All of this is played: no SMS leaves, no money moves."),
    "gateway": _("Gateway of the calls"),
    "provider": _("Provider of the SMS"),
    "one_phone": _("One phone"),
    "two_phones": _("Two phones"),
    "language": _("Language of the page"),
    "no_script": _("This phone needs JavaScript."),
    "phone": _("Phone {number}"),
    "screen": _("Screen"),
}
PEOPLE = {
    "whose": _("Whose phone is it?"),
    "its_number": _("Its number"),
    "of_sik": _("Mutuelle SIK, around Sikasso"),
    "of_none": _("Not a member yet"),
    "of_two": _("Two mutuelles"),
    "paid_up": _("Member, paid up"),
    "in_arrears": _("Member who still owes"),
    "treasurer": _("Treasurer"),
    "second_treasurer": _("Second treasurer"),
    "referent": _("Doctor"),
    "collector": _("Collector"),
    "enroller": _("Enrolment officer"),
    "in_two": _("In two mutuelles"),
    "villager": _("A villager"),
    "other": _("Another number"),
    "number_country": _("Begin with a country, as in +223 70 12 34 56."),
    "number_short": _("Too short: figures are missing."),
    "number_long": _("Too long: too many figures."),
    "number_unknown": _("No network of this country has such a number."),
}
KEYS = {
    "call": _("Call"),
    "send": _("Send"),
    "hang_up": _("Hang up"),
    "erase": _("Erase"),
    "erase_all": _("Erase all"),
    "messages": _("Messages"),
    "read": _("Read it"),
    "open": _("Open"),
    "write": _("Write"),
    "reply": _("Reply"),
    "next": _("Next"),
    "back": _("Back"),
    "close": _("Close"),
    "ok": _("OK"),
    "pay": _("Pay"),
    "refuse": _("Refuse"),
    "up": _("Up"),
    "down": _("Down"),
    "no_effect": _("Key without effect"),
    "keys": _("Keys"),
    "star": _("star"),
    "hash": _("hash"),
    "to_letters": _("Figures. Change to letters"),
    "to_figures": _("Letters. Change to figures"),
}
SCREEN = {
    "idle": _("Green key:\ncall {code}"),
    "number": _("Number"),
    "answer": _("Answer"),
    "your_sms": _("Your SMS"),
    "pin": _("PIN"),
    "wait": _("One moment…"),
    "no_network": _("No network.\nThe service does not answer. Trying again in a moment."),
    "not_the_service": _("{dialled} is not the service, so nothing was dialled.\nDial {code}."),
    "new_messages": _("New messages: {n}"),
    "unread": _("Unread messages: {n}"),
    "no_messages": _("No message.\nGreen key: write."),
    "thread": _("Messages · green key: write"),
    "you": _("You"),
    "no_answer_yet": _("no answer"),
    "sms_to": _("SMS to {short_code}"),
    "for_example": _("For example: AIDE"),
    "count": _("{left} left · {n} SMS"),
    "sent": _("Message sent.\nWaiting for the answer."),
    "silence": _("No answer to this message.\nSome want none: thanks, for example. Help: write AIDE."),
    "unsent": _("The message did not go.\nTry again."),
    "pay_question": _("Pay {amount}?"),
    "any_pin": _("This is a trial: any 4 figures, never your real PIN."),
    "four_figures": _("The PIN has 4 figures."),
    "paid": _("Done.\nAn SMS follows."),
    "declined": _("Payment refused."),
    "ignored": _("The prompt was left without an answer."),
    "void": _("This prompt is no longer valid."),
    "other_ends": _("Other ways to end"),
    "late": _("Pay very late"),
    "twice": _("Pay, the notice comes twice"),
    "notice_first": _("Pay, the notice comes before the money"),
    "ignore": _("Answer nothing"),
}
GUIDE = {
    "step": _("Step {n} of {of}"),
    "type_for_me": _("Type it for me"),
    "stop": _("Stop here"),
    "again": _("Once more"),
    "stray": _("This is not on the way. Red key, then start again."),
    "own_pin": _("This collector has a work PIN already: type it, if you know it."),
    "nothing_due": _("This household owes nothing any more. Make a new one: join, and pay a part only."),
    "make_owing": _("Another household"),
    "do_call": _("The green key calls {code}."),
    "do_type": _("{what}: type {text}, then the green key."),
    "do_read": _("{what}. Green key: OK."),
    "do_open": _("{what}: the left key opens it."),
    "what_join": _("Join"),
    "what_place": _("The village, with letters"),
    "what_name": _("Her name, with letters"),
    "what_ages": _("The ages of all four, she first"),
    "what_product": _("The cover for a family"),
    "what_all": _("Pay all of it"),
    "what_part": _("Pay a part only"),
    "what_agree": _("She agrees"),
    "what_number": _("Awa has her member number"),
    "what_pin": _("The payment prompt. Any PIN"),
    "what_receipt": _("The receipt comes by SMS"),
    "what_code": _("The patient asks for a care code"),
    "what_patient": _("The patient is herself"),
    "what_yes": _("Confirmed with yes"),
    "what_tells": _("She tells the doctor her number and the code"),
    "what_doctor": _("The doctor writes an SMS"),
    "what_green_write": _("Write an SMS: Messages, then the green key."),
    "what_verif": _("The doctor asks"),
    "what_verdict": _("The doctor reads the answer"),
    "what_cover": _("The member looks up the cover"),
    "what_owes": _("There is the member number, and what is due"),
    "what_work": _("His work"),
    "what_draw": _("First he draws a work PIN"),
    "what_drawn": _("There is his PIN"),
    "what_cash": _("He takes cash"),
    "what_household": _("The household's number"),
    "what_amount": _("The sum given"),
    "what_today": _("Given today"),
    "what_work_pin": _("His work PIN"),
    "what_noted": _("The money is in the book"),
    "done_join": _("Awa is a member. Her payment is in the ledger."),
    "done_owing": _("Awa is a member, and owes the rest. Now pay the collector with her phone."),
    "done_doctor": _("The doctor knows that care is paid. The answer binds the mutuelle."),
    "done_cash": _("The household has its receipt, and the collector the cash in hand."),
}
WORDS = PAGE | PEOPLE | KEYS | SCREEN | GUIDE

# The service's own sentences: a scenario knows by them which screen it sees. Those of menus are lines with a digit.
KNOWN = {
    "join": _("Join"),
    "place": _("Where do you live?"),
    "name": _("Your first and last name?"),
    "ages": _("The age of each person of your household, yours first. Example: 45*38*12"),
    "all": _("All, {amount}: {covered}"),
    "part": _("First {amount}: {covered}"),
    "agree": _("I agree"),
    "care_code": _("Code for care"),
    "patient": _("A code for care: who is the patient?"),
    "yes": _("Yes"),
    "code": _(
        "Tell the doctor, or the patient:\n{number}\nthen {code}\nbefore {time}, and nobody else. It serves once."
    ),
    "my_cover": _("My cover"),
    "covered_paid": _("{who}. COVERED until {end}. Nothing is due."),
    "waits_paid": _("{who}. All is paid. Covered from {start} to {end}."),
    "my_work": _("My work"),
    "my_pin": _("My PIN"),
    "cash": _("Cash received"),
    "pin_shown": _("Your work PIN: {pin}. Learn it now, it is not shown again. Tell it to nobody."),
    "household": _("Which household? Its number, phone or name"),
    "amount": _("{household}: how much? From {least} to {most}"),
    "today": _("Yes, today"),
    "work_pin": _("Your work PIN?"),
}


def words_in(language: str, code: str) -> dict[str, str]:
    """What the page says in `language`, with the code to dial."""
    return {key: _said(sentence, language).replace("{code}", code) for key, sentence in WORDS.items()}


def known_screens() -> dict[str, list[str]]:
    """The sentences of KNOWN in every language: a phone speaks its owner's, whatever the page's is."""
    return {key: [_said(one, language) for language in languages()] for key, one in KNOWN.items()}


def offered() -> dict[str, str]:
    """The languages by their codes, each named in itself."""
    return {language: language_name(language) for language in languages()}


def chosen(asked: str | None) -> str:
    return asked if asked in languages() else DEFAULT_LANGUAGE


def _said(sentence: Sentence, language: str) -> str:
    return catalogue(language).gettext(sentence.msgid)
