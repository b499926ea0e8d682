"""The tables that several rooms of the insurance join; a table of one room alone is in its own `tables.py`."""

from schema_tables import table

mutuelle = table("mutuelle")
place = table("place")
product = table("product")
household = table("household")
household_change = table("household_change")
household_phone = table("household_phone")
beneficiary = table("beneficiary")
policy = table("policy")
waiver = table("waiver")
officer = table("officer")
facility = table("facility")
doctor = table("doctor")
route = table("route")
payment = table("payment")
payment_move = table("payment_move")
payment_case = table("payment_case")
payer_refusal = table("payer_refusal")
money_notice = table("money_notice")
