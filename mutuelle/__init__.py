"""The insurance itself: households, products, policies, contributions, payments, each a file of plain functions.

Cover is a function of facts (policies, postings, dates), never stored as a second truth.
"""
