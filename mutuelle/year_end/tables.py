"""The tables of closed years and of assemblies."""

from schema_tables import table

closed_year = table("closed_year")
assembly = table("assembly")
assembly_vote = table("assembly_vote")
