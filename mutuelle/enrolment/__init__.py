"""Enrolment: a household joins or is registered, pays, renews, and changes its people."""
