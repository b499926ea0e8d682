"""The general assembly: its day, and the accounts of the last closed year; treasurers convene it and write its vote."""

from dataclasses import replace

from locales import Money, Sentence, _, counts
from menus.sign import propose
from mutuelle.households.caller_profile import profile_of
from mutuelle.officers.roles import Appointment, Role
from mutuelle.schedules.jobs import day_hour
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.year_end.accounts import BANK, MOBILE, YearAccounts, last_accounts
from mutuelle.year_end.asked import coming_day, meeting_place, minute_number, people_count
from mutuelle.year_end.assemblies import Assembly, convened, convening_of, next_assembly
from mutuelle.year_end.votes import Vote, to_assign, vote_of, year_to_vote
from talk.answers import Kind, amount
from talk.words import Caller, Option, ask, choose, look, show

WHEN, ACCOUNTS, CONVENE, VOTE = "when", "accounts", "convene", "vote"
NEXT = (Option("next", _("Next"), "1"),)


async def about_assembly(caller: Caller, mutuelle: Mutuelle) -> Sentence:
    return await assembly(caller, mutuelle, await keeps(caller, mutuelle))


async def assembly(caller: Caller, mutuelle: Mutuelle, appointment: Appointment | None = None) -> Sentence:
    """What everybody may know; with `appointment` (in a call, where a PIN can be asked) what a treasurer does too."""
    offered = [Option(WHEN, _("Day and place"), "1"), Option(ACCOUNTS, _("Accounts of the year"), "2")]
    if appointment:
        offered += [Option(CONVENE, _("Convene it"), "3"), Option(VOTE, _("Write down the vote"), "4")]
    what = await choose(_("General assembly"), offered)
    if what.key == ACCOUNTS:
        return await accounts_read_out(mutuelle)
    if appointment and what.key == CONVENE:
        return await convene(caller, appointment, mutuelle)
    if appointment and what.key == VOTE:
        return await vote(caller, appointment)
    found = await look(next_assembly, mutuelle, caller.at)
    return await show(convened(mutuelle, found) if found else _("No assembly is convened at the moment."))


async def keeps(caller: Caller, mutuelle: Mutuelle) -> Appointment | None:
    """The caller's office as treasurer of this mutuelle."""
    held = (await look(profile_of, caller)).appointments
    return next((one for one in held if one.role is Role.TREASURER and one.mutuelle_id == mutuelle.id), None)


async def accounts_read_out(mutuelle: Mutuelle) -> Sentence:
    """Three screens: the members, what came in and went out, what there is and what is owed."""
    found = await look(last_accounts, mutuelle)
    if found is None:
        return _("The accounts of a year are read here once they are closed.")
    await choose(_members(found), NEXT)
    await choose(_flows(found), NEXT)
    return await show(_holdings(found))


def _members(found: YearAccounts) -> Sentence:
    members = found.members
    return _(
        "{mutuelle}, {year}: {households}, {people}. Covered at the end: {covered}. New: {joined}. Gone: {left}",
        mutuelle=found.mutuelle.name,
        year=str(found.year),
        households=counts.households(members.households),
        people=counts.people(members.people),
        covered=str(members.covered),
        joined=str(members.joined),
        left=str(members.left_it),
    )


def _flows(found: YearAccounts) -> Sentence:
    result = found.health.result_minor
    return _(
        "{year}: contributions {contributions}, other income {other}. Care {care}, costs {costs}. {result}",
        year=str(found.year),
        contributions=found.contributions,
        other=found.other_income,
        care=found.care,
        costs=found.costs,
        result=_("Left over: {amount}", amount=found.money(result))
        if result >= 0
        else _("Loss: {amount}", amount=found.money(-result)),
    )


def _holdings(found: YearAccounts) -> Sentence:
    health = found.health
    return _(
        "On 31/12/{year}: cash {cash}, mobile money {mobile}, bank {bank}. Owed for care: {owed}. Reserve: {reserve}",
        year=str(found.year),
        cash=found.money(health.held("cash")),
        mobile=found.money(health.held(*MOBILE)),
        bank=found.money(health.held(*BANK)),
        owed=found.money(-health.held("payable")),
        reserve=found.money(health.reserve_minor),
    )


async def convene(caller: Caller, appointment: Appointment, mutuelle: Mutuelle) -> Sentence:
    on = await ask(_("On which day? Like 18/12"), coming_day(mutuelle.today(caller.at)))
    hour = await ask(_("At what hour? From 7 to 19"), day_hour)
    place = await ask(_("In which place? In a few words"), meeting_place)
    quorum = await ask(_("How many people must be there for the vote to count?"), people_count(1))
    return await propose(caller, appointment, convening_of(Assembly(on, hour, place, quorum)))


async def vote(caller: Caller, appointment: Appointment) -> Sentence:
    """What the minute says; what is put aside is asked only where the accounts were approved and something is left."""
    year = await look(year_to_vote, caller, appointment.mutuelle_id)
    present = await ask(_("Accounts {year}: how many people were present?", year=str(year)), people_count(1))
    in_favour = await ask(_("How many voted for?"), people_count(0, present))
    against = await ask(_("How many voted against?"), people_count(0, present - in_favour))
    least, most = await _to_assign(caller, appointment)
    reserve = Money(0, most.currency)
    if in_favour > against and most.amount_minor:
        reserve = await ask(
            _("{most} is left. How much goes into the reserve? 0: nothing", most=most), _up_to(most)
        )
    elif in_favour > against and least.amount_minor:
        loss = Money(-least.amount_minor, least.currency)
        taken: Money = await ask(
            _("A loss. How much of it does the reserve pay, up to {most}? 0: nothing", most=loss),
            _up_to(loss),
        )
        reserve = Money(-taken.amount_minor, taken.currency)
    minute = await ask(_("The number of the minute? Like 3/2026"), minute_number)
    return await propose(
        caller, appointment, vote_of(Vote(year, present, in_favour, against, minute), reserve)
    )


async def _to_assign(caller: Caller, appointment: Appointment) -> tuple[Money, Money]:
    found: tuple[Money, Money] = await look(to_assign, caller, appointment.mutuelle_id)
    return found


def _up_to(most: Money) -> Kind[Money]:
    return replace(amount(Money(0, most.currency), most), takes_zero=True)
