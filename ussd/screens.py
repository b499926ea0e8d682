"""What a handset can show in a call: a screen within the network's budget.

The words CON or END count too, since nobody says that they do not.
"""

from functools import partial

from locales import Sentence
from talk.layout import lay_out
from talk.screen import Fit, Screen, Shown

BUDGET_SEPTETS = 160
STATE_SEPTETS = 4  # "CON " or "END "


def fit_for(budget_septets: int = BUDGET_SEPTETS) -> Fit:
    """The `fit` of a network whose screens hold `budget_septets`, CON included."""
    return partial(lay_out, room=budget_septets - STATE_SEPTETS)


def say(sentence: Sentence, language: str) -> Shown:
    """A last screen with one sentence."""
    return fit_for()(Screen(sentence, end=True), language)
