"""The paper registers of a mutuelle, read from CSV files and taken over: all of them or nothing."""
