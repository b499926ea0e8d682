"""Contributions: what a household owes, its payments from the wish to the receipt."""
