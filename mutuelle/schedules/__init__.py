"""Schedules: what is due by the clock; digests and reminders beside it."""
