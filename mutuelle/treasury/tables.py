"""The tables of cash (who holds it, what was received, deposited and disputed), of vouchers, statements and groups."""

from schema_tables import table

cash_holder = table("cash_holder")
cash_receipt = table("cash_receipt")
cash_count = table("cash_count")
cash_deposit = table("cash_deposit")
cash_dispute = table("cash_dispute")
voucher = table("voucher")
statement_file = table("statement_file")
statement_line = table("statement_line")
money_decision = table("money_decision")
group_list = table("group_list")
group_part = table("group_part")
payee_name = table("payee_name")
