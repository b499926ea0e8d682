"""Support: what a person does for a household from the command line, each act with actor and reason."""
