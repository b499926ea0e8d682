"""Support: acts for a household from the command line, each with actor and reason."""
