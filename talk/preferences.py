"""What a phone's caller chose once and for all: the language."""

from sqlalchemy import ARRAY, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import DEFAULT_LANGUAGE, languages
from prepared import Prepared
from talk.tables import preference
from talk.words import Caller

CHOSEN = select(preference.c.language).where(preference.c.phone == bindparam("phone"))
_CHOSEN = Prepared(CHOSEN)
_CHOSEN_BY_ALL = Prepared(
    select(preference.c.phone, preference.c.language).where(
        preference.c.phone == any_(bindparam("phones", type_=ARRAY(Text)))
    )
)


async def language_of(db: AsyncConnection, phone: str) -> str:
    """The language of the caller's choice, the default one for who never chose."""
    return spoken(await _CHOSEN.value(db, {"phone": phone}))


def spoken(chosen: str | None) -> str:
    """The language for who chose this one: one that there is."""
    return chosen if chosen in languages() else DEFAULT_LANGUAGE


async def languages_of(db: AsyncConnection, phones: list[str]) -> dict[str, str]:
    """The languages of many phones at once; every phone is in the answer."""
    chosen = dict(await _CHOSEN_BY_ALL.rows(db, {"phones": phones}))
    return {phone: spoken(chosen.get(phone)) for phone in phones}


async def choose_language(db: AsyncConnection, caller: Caller, *, language: str) -> None:
    """Speak `language` to this phone from now on."""
    row = {"phone": caller.phone, "language": language, "chosen_at": caller.at}
    statement = insert(preference).values(row)
    await db.execute(statement.on_conflict_do_update(index_elements=["phone"], set_=row))
