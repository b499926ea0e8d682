"""Treasury: cash received and deposited, cash in hand and its disputes, debts that two treasurers waive."""
