"""Contributions: what a household owes, its payments from the request to the receipt."""
