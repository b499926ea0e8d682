"""Who was paid by the mutuelle says by SMS that the money did not come: NO and the code of the payment."""

from dataclasses import replace

from locales import Sentence, _
from mutuelle.treasury.voucher_disputes import dispute_voucher, voucher_code, voucher_paid_to
from talk.keywords import Takes, by_message
from talk.words import Caller, ask, do, look, order


@by_message(
    _("UNRECEIVED"),
    strangers=True,
    said=_("=NO+#6 =NO+CODE+#6 NOT+RECEIVED+#6"),
    takes=Takes.FIGURES,
    weight=2,
)
async def not_received(caller: Caller) -> Sentence:
    """Open to every phone: the code is one of a payment to that very phone."""
    code = await ask(_("The code of the payment, six figures?"), voucher_code)
    found = await look(voucher_paid_to, caller, code)
    agreed = await order(
        _(
            "Tell the treasurers that {amount}, voucher {number}, did not reach you?",
            amount=found.amount,
            number=found.shown_number,
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(dispute_voucher, code=code)
    return _(
        "Noted: you did not get {amount}, voucher {number}. The treasurers are told and will call you.",
        amount=found.amount,
        number=found.shown_number,
    )


not_received = replace(not_received, denied="HELP")
