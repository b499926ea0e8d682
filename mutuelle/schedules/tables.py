"""The tables of schedules, digests and reminders."""

from schema_tables import table

schedule = table("schedule")
firing = table("firing")
digest = table("digest")
digest_answer = table("digest_answer")
reminder_consent = table("reminder_consent")
reminder = table("reminder")
