"""The paper registers of a mutuelle, imported from CSV files: all of them or nothing."""
