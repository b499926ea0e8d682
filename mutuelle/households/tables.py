"""The table of support's acts."""

from schema_tables import table

support_act = table("support_act")
