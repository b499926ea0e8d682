"""The tables of conversations: preferences, every action with the words that were agreed to, what is limited."""

from schema_tables import table

preference = table("preference")
action = table("action")
limited_use = table("limited_use")
