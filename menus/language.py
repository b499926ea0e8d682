"""Language: each is offered in its own words; the choice is kept for later calls."""

from dataclasses import replace

from locales import Sentence, _, language_name, languages
from talk.keywords import by_message
from talk.preferences import choose_language
from talk.words import Caller, Option, choose, confirm, do


@by_message(
    _("LANGUAGE"), said=_("ENGLISH FRENCH DONT|NOT|CANT+SPEAK|READ|UNDERSTAND+ENGLISH|FRENCH"), strangers=True
)
async def language(caller: Caller) -> Sentence:
    spoken = [Option(code, language_name(code)) for code in languages()]
    chosen = (await choose(_("Your language?"), spoken)).key
    agreed = await confirm(
        _("Speak English from now on?").in_language(chosen),
        yes=_("Yes").in_language(chosen),
        no=_("No").in_language(chosen),
        own=True,
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(choose_language, language=chosen)
    return _("Done. From now on the service speaks English.").in_language(chosen)


language = replace(language, denied="HELP")
