"""The tables of benefits."""

from schema_tables import table

named_service = table("named_service")
benefit = table("benefit")
agreement = table("agreement")
tariff = table("tariff")
care_bill = table("care_bill")
given_quote = table("given_quote")
