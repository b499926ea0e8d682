"""The digest that treasurers receive: its figures, its words, and what is answered to it."""
