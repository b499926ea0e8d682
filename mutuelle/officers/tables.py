"""The tables of roles, PINs and acts of two people."""

from schema_tables import table

role_change = table("role_change")
officer_pin = table("officer_pin")
pin_change = table("pin_change")
joint_act = table("joint_act")
