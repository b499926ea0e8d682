"""The lines of the paper register as they were imported: a record, never changed."""

from schema_tables import table

register_line = table("register_line")
