"""The words of answers to a doctor: the binding one, the same again, and those that stop him for a while."""

from dataclasses import dataclass
from datetime import date

from locales import Fact, Sentence, _
from mutuelle.care.guess_limits import DoctorAtFacility


@dataclass(frozen=True)
class CheckAnswer:
    """The binding answer; `until` is None without cover, and the reason is not given."""

    mutuelle: str
    reference: str
    day: date
    until: date | None
    share: Sentence | None = None
    without_code: bool = False

    def about(self, who: Fact) -> Sentence:
        """Its sentence, of one SMS segment, about one person or several."""
        facts: dict[str, Fact] = {"who": who, "reference": self.reference, "mutuelle": self.mutuelle}
        facts["day"] = self.day
        if not self.until:
            if self.without_code:
                return _(
                    "{who}: NOT COVERED on {day}. Without code. {mutuelle}, reference {reference}.", **facts
                )
            return _("{who}: NOT COVERED on {day}. {mutuelle}, reference {reference}.", **facts)
        facts["end"] = self.until
        if self.share:
            return self._with_share(facts, self.share)
        if self.without_code:
            return _(
                "{who}: COVERED on {day}, until {end}. Without code. {mutuelle}, reference {reference}.",
                **facts,
            )
        return _("{who}: COVERED on {day}, until {end}. {mutuelle}, reference {reference}.", **facts)

    def _with_share(self, facts: dict[str, Fact], share: Sentence) -> Sentence:
        """With what the patient pays; in short, without the day, then without the mutuelle, where there is no room."""
        long, short = (
            facts | {"share": _("Without code. {share}", share=one) if self.without_code else one}
            for one in (share, share.shorter or share)
        )
        return (
            _("{who}: COVERED on {day}, until {end}. {share} {mutuelle}, reference {reference}.", **long)
            .or_else(
                _("{who}: COVERED on {day}, until {end}. {share} {mutuelle}, ref. {reference}.", **short)
            )
            .or_else(_("{who}: COVERED until {end}. {share} {mutuelle}, ref. {reference}.", **short))
            .or_else(_("{who}: COVERED until {end}. {share} Ref. {reference}.", **short))
        )


def answered_before(answer: Sentence, time: str) -> Sentence:
    """The same answer again, to the doctor who got it."""
    again = _("{answer} Code used before, at {time}.", answer=answer, time=time)
    if answer.shorter:
        return again.or_else(answered_before(answer.shorter, time))
    return again.or_else(_("{answer} Said at {time}.", answer=answer, time=time))


def used(day: date, time: str) -> Sentence:
    """To a doctor who sends a code that was used for another doctor."""
    return _(
        "This code was already used on {day} at {time}. Ask for a new one (any phone of the household, press 5), "
        "or the card's next.",
        day=day,
        time=time,
    )


def stopped(asker: DoctorAtFacility) -> Sentence:
    """The facility is past its daily limit. By SMS, which can be forged, it names the call, counted apart."""
    if asker.by_message:
        return _(
            "Too many wrong numbers or codes by SMS today. Check by calling the service, 9, my work. Treat first. "
            "Questions: {phone}",
            phone=asker.mutuelle.complaints,
        )
    return _(
        "Too many wrong numbers or codes from your facility today: no check until tomorrow. "
        "Treat first. Questions: {phone}",
        phone=asker.mutuelle.complaints,
    )


def used_up(asker: DoctorAtFacility) -> Sentence:
    """The doctor is past his daily limit."""
    return _(
        "You have made {most} checks today: the next one is possible tomorrow. Treat first. Questions: {phone}",
        most=asker.limits.checks_a_day,
        phone=asker.mutuelle.complaints,
    )


def only_with_code(asker: DoctorAtFacility) -> Sentence:
    """The doctor or the facility is past the daily quota of checks without a code."""
    return _(
        "No more checks without a code today. A code: any phone of the household (press 5), or the card. "
        "Treat first. Questions: {phone}",
        phone=asker.mutuelle.complaints,
    )
