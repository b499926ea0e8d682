"""The end of a year: the books are closed, the assembly hears the accounts and decides what becomes of the result."""
