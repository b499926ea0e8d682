"""Keywords as people write them: accents, capitals, blanks, glued digits, one typing mistake."""

import re
from collections.abc import Iterator

import pytest

from locales import _, languages, render
from menus.by_message import menus_by_message
from sms.keywords import Order, Phrasebook
from sms.wording import SHORTEST_MISTAKEN
from talk.keywords import START, STOP, ByMessage, by_message, word_for
from talk.questions import words_of

BOOK = Phrasebook(menus_by_message())
MENUS = {menu.keyword.msgid: menu for menu in menus_by_message()}
COVER, PAY = MENUS["COVER"], MENUS["PAY"]


def opening(body: str) -> object:
    heard = BOOK.read(body)
    return heard and heard.opening


def answers(body: str) -> tuple[str, ...]:
    heard = BOOK.read(body)
    assert heard
    return heard.answers


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ("COUVERTURE", COVER),
        ("couverture", COVER),
        ("  Couverture !  ", COVER),
        ("« Couvèrturé »", COVER),
        ("Bonjour, COUVERTURE svp", COVER),
        ("Fwd: couverture", COVER),
        ("ＣＯＵＶＥＲＴＵＲＥ", COVER),
        ("couver\u200bture", COVER),
        ("e\u0301", None),
        ("C0UVERTURE", COVER),
        ("cover", COVER),
        ("PAYER5000", PAY),
        ("payer 5000", PAY),
        ("*Payer* 5000", PAY),
        ("payer,5000", PAY),
        ("P A Y E R 5000", PAY),
        ("cotiser: 5000", PAY),
        ("ARRÊT", Order.STOP),
        ("ST0P", Order.STOP),
        ("S T O P", Order.STOP),
        ("stop svp", Order.STOP),
        ("reprendre", Order.START),
        ("Bonjour", None),
        ("5000", None),
        ("?", None),
        ("Shop", None),
        ("Stip", None),
        ("arrêt de bus", None),
        ("rayer la mention", None),
        ("", None),
    ],
)
def test_a_keyword_is_known_however_it_is_written(body: str, meant: object) -> None:
    assert opening(body) == meant


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("PAYER 12 000", ("12", "000")),
        ("PAYER12 000 F.", ("12", "000", "F")),
        ("PAYER : 500.", ("500",)),
        ("payer - 500 !", ("500",)),
        ("payer -500", ("-500",)),
        ("ADHERER Niéna-Sud, Awa N'Golo Koné ; 45 38 12", ("Niéna-Sud", "Awa N'Golo Koné", "45 38 12")),
        ("adherer Niena 45*38*12", ("Niena", "45*38*12")),
        ("ADHERER ,, Niéna-Sud ,", ("Niéna-Sud",)),
        ("ADHERER Fana, Awa Koné, 45, 38, 12", ("Fana", "Awa Koné", "45, 38, 12")),
        ("ADHERER Fana Awa Koné 45 38 12", ("Fana", "Awa", "Koné", "45 38 12")),
        ("ADHERER Fana, Awa Koné, âges : 45 ans et 38 ans", ("Fana", "Awa Koné", "45 ans et 38 ans")),
        ("INSCRIRE Fana, Awa Koné, 45, 38, 76 00 00 01", ("Fana", "Awa Koné", "45, 38", "76 00 00 01")),
        ("INSCRIRE Fana, Awa Koné, 45 38, 0", ("Fana", "Awa Koné", "45 38", "0")),
        ("INSCRIRE Fana Awa Koné 45 38 76000001", ("Fana", "Awa", "Koné", "45 38", "76000001")),
        ("je veux payer 2 000 F", ("je veux payer 2 000 F",)),
        ("un médecin à Sikasso svp", ("un médecin à Sikasso svp",)),
        ("DROITS", ()),
    ],
)
def test_the_words_behind_it_are_the_first_answers(body: str, words: tuple[str, ...]) -> None:
    assert answers(body) == words


ALL_WORDS = [
    *((word, Order.STOP) for word in words_of(STOP)),
    *((word, Order.START) for word in words_of(START)),
    *((word, menu) for menu in MENUS.values() for word in words_of(menu.keyword)),
]


@pytest.mark.parametrize(("word", "meant"), ALL_WORDS)
def test_one_mistake_is_forgiven_and_never_taken_for_another_keyword(word: str, meant: object) -> None:
    heard = BOOK.read(word, "fr", lambda menu: not menu.officers or menu is meant)
    assert heard is not None
    assert heard.leads
    assert heard.opening == meant
    language = next(one for one in languages() if word in spoken_in(one))
    if len(word) <= SHORTEST_MISTAKEN or " " in word or isinstance(meant, Order):
        return
    forgiven = 0
    for mistaken in mistakes(word):
        heard = BOOK.read(mistaken, language, lambda menu: not menu.officers or menu is meant)
        assert heard is None or heard.leads or heard.opening == meant or is_a_word(mistaken), mistaken
        forgiven += heard is not None
    assert forgiven > len(word)


def spoken_in(language: str) -> set[str]:
    keywords = (STOP, START, *(menu.keyword for menu in MENUS.values()))
    return {word.replace("_", " ") for keyword in keywords for word in render(keyword, language).split()}


def is_a_word(written: str) -> bool:
    """Whether it is one of the words that are said for a menu, or sounds like one: no mistake at all."""
    heard = BOOK.read(written, "none")
    return heard is not None


def mistakes(word: str) -> Iterator[str]:
    """A letter wrong, missing, twice, or swapped with the next."""
    for place, letter in enumerate(word):
        yield f"{word[:place]}{'X' if letter != 'X' else 'Y'}{word[place + 1 :]}"
        yield f"{word[:place]}{letter}{word[place:]}"
        yield f"{word[:place]}{word[place + 1 :]}"
        if place + 1 < len(word) and word[place + 1] != letter:
            yield f"{word[:place]}{word[place + 1]}{letter}{word[place + 2 :]}"


def test_two_mistakes_are_not_forgiven() -> None:
    assert opening("couvrtre") is None
    assert opening("pyaerr") is None


def test_a_mistake_is_forgiven_in_the_language_of_the_writer_only() -> None:
    assert BOOK.read("hoosehold", "en")
    assert BOOK.read("hoosehold", "fr") is None


def test_a_word_opens_one_menu_in_all_languages() -> None:
    first, second = (ByMessage(_(name), MENUS["PAY"].menu) for name in ("PAY", "COTISER"))
    with pytest.raises(ValueError, match="COTISER"):
        Phrasebook([first, second])
    with pytest.raises(ValueError, match="STOP"):
        Phrasebook([ByMessage(_("STOP"), MENUS["PAY"].menu)])


def test_what_is_near_two_menus_opens_neither() -> None:
    book = Phrasebook([by_message(_("SOLDE"))(PAY.menu), by_message(_("SOLDO"))(COVER.menu)])
    assert book.read("SOLDA") is None
    assert book.read("SOLDE")


SAYING = {
    "RECU+PAS": ["mon reçu n'est pas venu", "PAS DE RECU"],
    "=COTON": ["coton", "Coton !"],
    "DETTE*": ["mes dettes"],
    "PAYE+!IL": ["j'ai payé"],
    "COTI+#": ["5000 coti"],
    "A|B+C": ["b puis c"],
}


@pytest.mark.parametrize("entry", SAYING)
def test_an_entry_says_what_must_be_in_a_line(entry: str) -> None:
    book = Phrasebook([by_message(_("ZZZ"), said=_(entry))(PAY.menu)])
    for line in SAYING[entry]:
        assert book.read(line), line
    for line in ("mon reçu", "le coton est vendu", "il a payé", "coti", "c", "d"):
        assert line in SAYING[entry] or book.read(line) is None, line


def test_every_entry_is_written_as_it_should_be() -> None:
    for menu in MENUS.values():
        for language in languages():
            for entry in render(menu.said, language).split() if menu.said else ():
                assert re.fullmatch(r"=?[!#A-Z0-9*]+([|+][!#A-Z0-9*]+)*", entry), (menu.keyword.msgid, entry)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("keyword", MENUS)
def test_the_word_that_people_are_told_opens_its_menu(keyword: str, language: str) -> None:
    word = word_for(MENUS[keyword].keyword, language)
    assert word.isalpha()
    assert word.isascii()
    assert word.isupper()
    assert opening(word) == MENUS[keyword]
