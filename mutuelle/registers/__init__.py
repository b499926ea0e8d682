"""The paper registers of a mutuelle, read from CSV files and taken over: all of them or nothing.

Nothing that is there is ever changed by a file: the same files again change nothing, a line that now says something
else is a fault.
"""
