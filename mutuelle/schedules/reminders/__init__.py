"""Reminders to households that agreed to them."""
