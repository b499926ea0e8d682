"""Review of answers to doctors that the rules of cover do not give: a person looks at them and writes that down.

Nothing is changed: an answer binds the mutuelle. Until a person has looked at it `keneya check` names it.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.care.replay import REVIEW, Otherwise, answered_otherwise
from mutuelle.households.support_acts import NewSupportAct, write_act


async def accept_answers(db: AsyncConnection, mutuelle_id: str, by: By) -> list[Otherwise]:
    """Record that a person has reviewed the answers of a mutuelle that the rules do not give; returns them."""
    found = await answered_otherwise(db, mutuelle_id)
    for one in found:
        await write_act(db, NewSupportAct(REVIEW, one.answer.reference, one.answer, one.facts), by)
    return found
