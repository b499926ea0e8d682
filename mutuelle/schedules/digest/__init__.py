"""The digest that treasurers receive: its figures, its words, and the treasurers' answers."""
