"""Keywords as people write them: accents, capitals, blanks, glued digits, one typing mistake."""

from collections.abc import Iterator

import pytest

from locales import _, languages
from menus.by_message import menus_by_message
from sms.keywords import SHORTEST_MISTAKEN, Order, Phrasebook
from talk.keywords import START, STOP, ByMessage, by_message, word_for, words_of

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
        ("payerai", None),
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
        ("adherer Niena 45*38*12", ("Niena", "45", "38", "12")),
        ("ADHERER ,, Niéna-Sud ,", ("Niéna-Sud",)),
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
    heard = BOOK.read(word)
    assert heard is not None
    assert heard.exact
    assert heard.opening == meant
    if len(word) < SHORTEST_MISTAKEN:
        return
    forgiven = 0
    for mistaken in mistakes(word):
        if " ".join(mistaken.split()) in BOOK.words:
            continue
        heard = BOOK.read(mistaken)
        assert heard is None or (heard.opening == meant and not heard.exact), mistaken
        forgiven += heard is not None
    assert forgiven > len(word)


def mistakes(word: str) -> Iterator[str]:
    """A letter wrong, missing, twice, or swapped with the next."""
    for place, letter in enumerate(word):
        yield f"{word[:place]}{'X' if letter != 'X' else 'Y'}{word[place + 1 :]}"
        yield f"{word[:place]}{letter}{word[place:]}"
        if len(word) > SHORTEST_MISTAKEN:
            yield f"{word[:place]}{word[place + 1 :]}"
        if place + 1 < len(word) and word[place + 1] != letter:
            yield f"{word[:place]}{word[place + 1]}{letter}{word[place + 2 :]}"


def test_two_mistakes_are_not_forgiven() -> None:
    assert opening("couvrtre") is None
    assert opening("pyaerr") is None


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


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("keyword", MENUS)
def test_the_word_that_people_are_told_opens_its_menu(keyword: str, language: str) -> None:
    word = word_for(MENUS[keyword].keyword, language)
    assert word.isalpha()
    assert word.isascii()
    assert word.isupper()
    assert opening(word) == MENUS[keyword]
