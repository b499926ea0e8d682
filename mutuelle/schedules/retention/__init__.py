"""How long personal data is kept: each kind with its term, run by the clock; households that left long ago."""
