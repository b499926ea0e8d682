"""Acts of two people, of every kind: one treasurer proposes, another signs or refuses."""

from locales import Sentence, _
from menus.words import work_pin
from mutuelle.officers import joint_acts
from mutuelle.officers.joint_acts import APPROVED, REFUSED, JointAct, NewJointAct
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.unmatched.group_acts import group_payment
from mutuelle.treasury.unmatched.groups import GroupList, lists_to_propose
from mutuelle.treasury.voucher_answers import voucher_reason
from talk.words import Caller, Option, ask, choose, confirm, do, look

NOTHING = _("Nothing was changed.")
WHY = _("Why? In a few words")


async def propose(caller: Caller, appointment: Appointment, act: NewJointAct) -> Sentence:
    words: Sentence = await look(joint_acts.words_to_propose, caller, appointment, act)
    agreed = await confirm(words, yes=_("Propose"), no=_("No"))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(
        joint_acts.propose, mutuelle=appointment.mutuelle_id, proposal=act, pin=secret, agreed=agreed
    )
    return wrong or _("Proposed. Another treasurer must approve it within 7 days, in my work.")


async def propose_with_reason(caller: Caller, appointment: Appointment, act: NewJointAct) -> Sentence:
    """Ask why, and propose it: but first refuse what cannot be proposed, before anybody types a reason."""
    await look(joint_acts.words_to_propose, caller, appointment, act)
    reason = await ask(WHY, voucher_reason)
    return await propose(caller, appointment, NewJointAct(act.kind, act.facts, reason))


async def sign(caller: Caller, appointment: Appointment) -> Sentence:
    """The acts that wait for the caller's answer, and the lists of groups that a treasurer must propose first."""
    proposed: list[JointAct] = await look(joint_acts.acts_to_sign, caller, appointment.mutuelle_id)
    lists: list[GroupList] = await look(lists_to_propose, caller, appointment.mutuelle_id)
    if not proposed and not lists:
        return _("Nothing waits for your signature.")
    found: JointAct | GroupList = await choose(_("To sign:"), [*proposed, *lists])
    if isinstance(found, GroupList):
        return await propose(caller, appointment, group_payment(found))
    return await answer(caller, appointment, found)


async def answer(caller: Caller, appointment: Appointment, found: JointAct) -> Sentence:
    chosen = await choose(
        _("{proposer} proposes: {act}", proposer=found.proposer, act=found.label),
        (Option(APPROVED, _("Approve"), "1"), Option(REFUSED, _("Refuse"), "2")),
    )
    approves = chosen.key == APPROVED
    agreed = await confirm(await _approval(caller, appointment, found) if approves else _refusal(found))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(
        joint_acts.answer_act,
        mutuelle=appointment.mutuelle_id,
        proposal=found.id,
        answer=chosen.key,
        pin=secret,
    )
    if approves:
        return wrong or joint_acts.done(found)
    return wrong or _("Refused. {name} is told by SMS.", name=found.proposer)


async def _approval(caller: Caller, appointment: Appointment, found: JointAct) -> Sentence:
    words: Sentence = await look(joint_acts.words_to_approve, caller, appointment, found)
    return words


def _refusal(found: JointAct) -> Sentence:
    return _("Refuse what {proposer} proposes? {act}", proposer=found.proposer, act=found.label)
