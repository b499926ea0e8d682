"""Money whose owner is not known, and receipts that were wrong: found, and set right by two treasurers."""
