"""A household disputes a cash receipt."""

from dataclasses import replace

from locales import Sentence, _
from menus.treasurer import remark, treasuries
from mutuelle.treasury.cash_disputes import (
    cash_receipt_of,
    dispute_cash,
    nearly_a_code,
    own_receipt_code,
    receipt_code_kind,
)
from talk.answers import reason_words
from talk.keywords import by_message
from talk.words import Caller, ask, do, look, order


@by_message(_("WRONG"))
async def dispute(caller: Caller) -> Sentence:
    """A household disputes a cash receipt, by the code of the receipt. A treasurer's other words are her remark."""
    if await treasuries(caller):
        said = await ask(_("What is wrong? In a few words, or the code of a receipt"), reason_words)
        if not (code := await look(own_receipt_code, caller, said)) and await look(
            nearly_a_code, caller, said
        ):
            said = await ask(
                _(
                    "No receipt of yours has the code {code}. Send its code again, or say what is wrong.",
                    code=said,
                ),
                reason_words,
            )
            code = await look(own_receipt_code, caller, said)
        if not code:
            return await remark(caller, said)
    else:
        code = await ask(_("The code of the receipt?"), receipt_code_kind)
    found = await look(cash_receipt_of, caller, code)
    if found.contested:
        return _(
            "Your mutuelle knows already that you contest the receipt {code}. It will call you.", code=code
        )
    agreed = await order(
        _(
            "Tell the treasurers that {amount} in cash of {day}, receipt {code}, is wrong?",
            amount=found.amount,
            day=found.on,
            code=code,
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(dispute_cash, code=code)
    return _("Noted: you contest the receipt {code}. The treasurers are told and will call you.", code=code)


dispute = replace(dispute, denied="HELP")
