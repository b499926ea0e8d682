"""What a payer of another household must not read in a receipt."""

from locales import render
from mutuelle.contributions.receipts import payer_receipt
from tests.support.messages_receipts import DUE


def test_a_payer_of_another_household_reads_no_name_and_no_debt() -> None:
    body = render(payer_receipt(DUE), "fr")
    assert "Ouattara" not in body
    assert "Reste" not in body
