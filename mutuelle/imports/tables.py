"""The table of imported lines of the paper register: never changed."""

from schema_tables import table

register_line = table("register_line")
