"""Households: who they are, which phones speak for them, what was changed in them and by whom."""
