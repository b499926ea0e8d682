"""Cover: policies, the one place of its rules, and which people of a household it counts."""
