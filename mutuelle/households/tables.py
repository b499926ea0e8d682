"""The tables of support's acts, and of what officers read of households."""

from schema_tables import table

support_act = table("support_act")
officer_lookup = table("officer_lookup")
