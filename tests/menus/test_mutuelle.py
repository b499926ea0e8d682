"""What a mutuelle pays, said in what a member pays: shares of the mutuelle and shares of the member."""

from dataclasses import replace

import pytest

from locales import render
from menus.mutuelle import what_is_paid
from tests.support.messages_digest import MUTUELLE

KNOWN_AS = "Mutuelle Yèrèdèmè-Wa"


@pytest.mark.parametrize(
    ("benefits", "said"),
    [
        (
            "Centre de santé 75 %, hôpital : 60 %",
            "Sur 1 000 F vous payez : Centre de santé 250 F, hôpital 400 F",
        ),
        ("Ticket modérateur 25 %", "Sur 1 000 F vous payez : Ticket modérateur 250 F"),
        (
            "Soins 75 %, ticket modérateur : 25 %",
            "Sur 1 000 F vous payez : Soins 250 F, ticket modérateur 250 F",
        ),
        ("Copaiement 20%", "Sur 1 000 F vous payez : Copaiement 200 F"),
        ("Reste à charge 30 %", "Sur 1 000 F vous payez : Reste à charge 300 F"),
        ("Part de l'adhérent 40 %", "Sur 1 000 F vous payez : Part de l'adhérent 400 F"),
        ("Prise en charge 80 %", "Sur 1 000 F vous payez : Prise en charge 200 F"),
        ("Part de la mutuelle 80 %", "Sur 1 000 F vous payez : Part de la mutuelle 200 F"),
    ],
)
def test_a_co_payment_is_what_the_member_pays(benefits: str, said: str) -> None:
    assert render(what_is_paid(replace(MUTUELLE, benefits=benefits)), "fr") == f"{KNOWN_AS}. {said}"


def test_words_that_are_no_shares_stand_as_the_mutuelle_wrote_them() -> None:
    benefits = "75 % des soins, ticket modérateur 25 %"
    words = render(what_is_paid(replace(MUTUELLE, benefits=benefits)), "fr")
    assert words == f"{KNOWN_AS}, soins : {benefits}"
