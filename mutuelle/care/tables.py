"""The tables of care: the doctor of a household, cards and codes for care, checks of a cover."""

from schema_tables import table

referent = table("referent")
care_card = table("care_card")
care_code = table("care_code")
eligibility_check = table("eligibility_check")
failed_check = table("failed_check")
