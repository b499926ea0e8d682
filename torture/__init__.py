"""The long proofs: a whole service, its processes killed in the middle of calls and SMS, and the books compared.

What is true is taken from outside the service: the operator's own store, and what the callers were told.
"""
