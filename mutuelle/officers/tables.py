"""The tables of roles, PINs, cash and acts of two people."""

from schema_tables import table

role_change = table("role_change")
role_proposal = table("role_proposal")
officer_pin = table("officer_pin")
pin_change = table("pin_change")
cash_holder = table("cash_holder")
cash_receipt = table("cash_receipt")
cash_deposit = table("cash_deposit")
cash_dispute = table("cash_dispute")
joint_act = table("joint_act")
