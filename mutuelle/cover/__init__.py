"""Cover: policies, the one place of its rules, and whom of a household it counts."""
